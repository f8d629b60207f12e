"""Delivering: the next hop is handed each group's copy, and the sender told what no reply can tell.

`settled` collects how it ended for each recipient, by forward-path octets; who stands in it already
is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from smtpfilter.errors import TemporaryFailure
from smtpfilter.log import Story
from smtpfilter.mail.address import NULL_SENDER
from smtpfilter.mail.envelope import Recipient
from smtpfilter.mail.octets import Content
from smtpfilter.mail.reply import Reply
from smtpfilter.ports import Handover, Journal, Relay, Routes, Settlement, Submission
from smtpfilter.settle import Judgement, outcome_of
from smtpfilter.verdict.notices import failure_notice
from smtpfilter.verdict.outcome import Outcome
from smtpfilter.verdict.plan import Delivery
from smtpfilter.verdict.reply import needs_notice

GIVING_UP = Reply(451, "4.5.0", "Giving up due to previous temporary failures")  # O-8


@dataclass(frozen=True, slots=True)
class Courier:
    """`routes` leads to the next hops, `notify` takes notices of our own, `journal` hears of each
    group at once.
    """

    hostname: str
    routes: Routes
    notify: Relay
    journal: Journal

    def deliver(self, judgement: Judgement, settled: dict[bytes, Settlement], story: Story) -> None:
        """Hand over group by group.  On SMTP input the rest is not tried after a temporary failure
        (O-8).
        """
        envelope, giving_up = judgement.envelope, False
        groups = list(zip(judgement.plan.deliveries, judgement.headers, strict=True))
        for number, (delivery, header) in enumerate(groups, start=1):
            recipients = tuple(r for r in delivery.recipients if r.address.octets not in settled)
            if not recipients:
                continue
            handover = (
                Handover((GIVING_UP,) * len(recipients), "")
                if giving_up
                else self._send(judgement, delivery, header, recipients)
            )
            replies = handover.replies
            fresh = {
                recipient.address.octets: Settlement(
                    outcome_of(reply), reply, handover.hop, handover.dsn
                )
                for recipient, reply in zip(recipients, replies, strict=True)
            }
            settled.update(fresh)
            story.step("relayed", group=number, replies=sorted({str(reply) for reply in replies}))
            giving_up = giving_up or (
                not envelope.lmtp and any(reply.temporary for reply in replies)
            )
            if number < len(groups):
                self.journal.note(envelope, final(judgement, fresh))

    def tell_sender(
        self,
        judgement: Judgement,
        settled: dict[bytes, Settlement],
        earlier: Mapping[bytes, Settlement],
        now: datetime,
        story: Story,
    ) -> None:
        """Send a notice about refusals that a reply with 2xx would hide (F-6, O-5).

        Those of `earlier` attempts were told then.  Where the notice is not taken its recipients
        are deferred: refused without a word would be lost (N-4).  So are they where the reply will
        be a 4xx, which tells of no refusal: the retry asks again.
        """
        envelope = judgement.envelope
        waiting = next((end for end in settled.values() if end.reply.temporary), None)
        if waiting and not envelope.lmtp:
            deferred = Settlement(Outcome.DEFERRED, waiting.reply)
            untold = (key for key in _refused(settled) if key not in earlier)
            settled.update(dict.fromkeys(untold, deferred))
            return
        failed = [
            recipient
            for recipient in needs_notice(envelope, judgement.plan.verdicts, settled)
            if recipient.address.octets not in earlier
        ]
        if not failed:
            return
        refusals = [(recipient, settled[recipient.address.octets].reply) for recipient in failed]
        notice = failure_notice(envelope, judgement.message, refusals, now, self.hostname)
        handover = self.notify.send(
            Submission(
                mail_from=NULL_SENDER,
                recipients=(Recipient(envelope.mail_from),),
                content=Content(notice, b"", 0),
                eight_bit=not notice.isascii(),
                smtputf8=envelope.mail_from.needs_smtputf8,
            )
        )
        (reply,) = handover.replies
        story.step("notice sent", reply=str(reply))
        if not reply.accepted:
            story.undeliverable_notice(reply)
            deferred = Settlement(Outcome.DEFERRED, TemporaryFailure.reply)
            settled.update({recipient.address.octets: deferred for recipient in failed})

    def close(self) -> None:
        self.routes.close()
        self.notify.close()

    def _send(
        self,
        judgement: Judgement,
        delivery: Delivery,
        header: bytes,
        recipients: tuple[Recipient, ...],
    ) -> Handover:
        envelope = judgement.envelope
        return self.routes.relay(delivery.forward_method).send(
            Submission(
                mail_from=envelope.mail_from,
                recipients=tuple(map(delivery.forwarded, recipients)),
                content=Content(header, judgement.mail.octets, judgement.message.body_start),
                client=envelope.client,
                eight_bit=envelope.body == "8BITMIME",
                smtputf8=envelope.smtputf8,
                ret=envelope.ret,
                envid=envelope.envid,
                all_or_nothing=not envelope.lmtp,
            )
        )


def final(judgement: Judgement, fresh: Mapping[bytes, Settlement]) -> dict[bytes, Settlement]:
    """Return what a retry need not do again: on SMTP input a refusal waits for its notice."""
    if judgement.envelope.lmtp:
        return dict(fresh)
    refused = _refused(fresh)
    return {key: end for key, end in fresh.items() if key not in refused}


def _refused(settled: Mapping[bytes, Settlement]) -> frozenset[bytes]:
    return frozenset(key for key, end in settled.items() if end.outcome is Outcome.REJECTED)
