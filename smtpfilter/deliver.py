"""Delivering: the next hop is handed each group's copy, and the sender told what no reply can tell.

`settled` collects how it ended for each recipient, by forward-path octets; who stands in it already
is left out.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf

from smtpfilter.errors import FilterError, TemporaryFailure
from smtpfilter.log import Story
from smtpfilter.mail.address import NULL_SENDER
from smtpfilter.mail.envelope import Recipient
from smtpfilter.mail.octets import Content
from smtpfilter.mail.reply import Reply
from smtpfilter.ports.delivery import Handover, Relay, Routes, Submission
from smtpfilter.ports.journal import Journal
from smtpfilter.ports.policy import Templates
from smtpfilter.settle import Judgement, outcome_of
from smtpfilter.verdict.facts import message_facts, told_facts
from smtpfilter.verdict.notices import sender_notice
from smtpfilter.verdict.outcome import Outcome, Settlement
from smtpfilter.verdict.plan import Delivery
from smtpfilter.verdict.reply import told_of, waits_for_notice
from smtpfilter.verdict.told import Told, kind_of_notice, language_of_notice

LONGEST_DELIVERING_SECONDS = 60.0  # then no further group is begun: each may take minutes (O-11)
GIVING_UP = Reply(451, "4.5.0", "Giving up due to previous temporary failures")  # O-8


@dataclass(frozen=True, slots=True)
class Courier:
    """`routes` leads to the next hops, `notify` takes notices of our own, `journal` hears of each
    group at once, `templates` has the words of notices.
    """

    hostname: str
    routes: Routes
    notify: Relay
    journal: Journal
    templates: Templates

    def deliver(self, judgement: Judgement, settled: dict[bytes, Settlement], story: Story) -> None:
        """Hand over group by group.  On SMTP input the rest is not tried after a temporary failure
        (O-8), nor after LONGEST_DELIVERING_SECONDS where the retry goes on from there.
        """
        envelope, giving_up, began = judgement.envelope, False, time.monotonic()
        longest = LONGEST_DELIVERING_SECONDS if envelope.client.ident else inf
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
            giving_up = (
                giving_up
                or (not envelope.lmtp and any(reply.temporary for reply in replies))
                or time.monotonic() - began > longest
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
        """Send one notice about all that no reply can tell (N-1, F-5, F-6, O-5).

        Those of `earlier` attempts were told then.  Whose end waits for the notice is deferred
        where it is not taken now: refused without a word would be lost (N-4).  So it is where the
        reply will be a 4xx, which tells of no refusal: the retry asks again.  Where the next hop
        refuses the notice for good nobody can be told.
        """
        envelope, verdicts = judgement.envelope, judgement.plan.verdicts
        told = tuple(
            one
            for one in told_of(envelope, verdicts, settled)
            if one.recipient.address.octets not in earlier
        )
        said = self._tell(judgement, told, now, story) if told else None
        waiting = next((end.reply for end in settled.values() if end.reply.temporary), None)
        if waiting and not envelope.lmtp:
            fresh = {key: end for key, end in settled.items() if key not in earlier}
            untold, reply = _waiting(judgement, fresh), waiting
        elif said and said.temporary:
            ends = {one.recipient.address.octets: one.settlement for one in told}
            untold, reply = _waiting(judgement, ends), TemporaryFailure.reply
        else:
            return
        settled.update(dict.fromkeys(untold, Settlement(Outcome.DEFERRED, reply)))

    def close(self) -> None:
        self.routes.close()
        self.notify.close()

    def _tell(
        self, judgement: Judgement, told: tuple[Told, ...], now: datetime, story: Story
    ) -> Reply:
        """Return what became of the notice; a fault of ours means later."""
        envelope = judgement.envelope
        try:
            notice = self._notice(judgement, told, now)
        except FilterError as error:
            story.undeliverable_notice(error.reply)
            return error.reply
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
        return reply

    def _notice(self, judgement: Judgement, told: tuple[Told, ...], now: datetime) -> bytes:
        """Return the one notice about all of `told`.  Raises PolicyUnavailable."""
        envelope, message = judgement.envelope, judgement.message
        facts = message_facts(
            envelope,
            message,
            judgement.findings,
            size_bytes=judgement.mail.size_bytes,
            hostname=self.hostname,
        ) | told_facts(told, envelope.mail_id, judgement.findings)
        return sender_notice(
            envelope,
            message,
            told,
            now=now,
            hostname=self.hostname,
            from_address=self.templates.from_address(),
            text=self.templates.text(kind_of_notice(told), language_of_notice(told), facts),
        )

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
    """Return what a retry need not do again: without the ends that wait for a notice."""
    waiting = _waiting(judgement, fresh)
    return {key: end for key, end in fresh.items() if key not in waiting}


def _waiting(judgement: Judgement, settled: Mapping[bytes, Settlement]) -> frozenset[bytes]:
    verdicts = judgement.plan.by_path
    return frozenset(
        key
        for key, end in settled.items()
        if waits_for_notice(judgement.envelope, verdicts[key], end)
    )
