"""The life of one message, told from top to bottom.  The first file to read.

    judge       read policy, look into the message, decide for each recipient, plan
    carry_out   record it, relay group by group, tell the sender where we must, reply

Reading comes first, deciding in the middle, writing last.  Milter and pipe front ends use judge()
alone. Responsibility (design 4.2): a 2xx leaves only when every recipient is settled - the next hop
took the mail, or the held copy or the discard is committed.  Whatever goes wrong before that is a
4xx, and the mail stays where it came from.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from smtpfilter.errors import FilterError, TemporaryFailure
from smtpfilter.examine import Examiner, Wanted
from smtpfilter.log import Story
from smtpfilter.mail.address import NULL_SENDER
from smtpfilter.mail.edits import edited_header
from smtpfilter.mail.envelope import Envelope, Recipient
from smtpfilter.mail.findings import Findings, Unchecked
from smtpfilter.mail.message import Message, believed_client, parse
from smtpfilter.mail.octets import Content, SpooledMail
from smtpfilter.mail.reply import Reply
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import EffectivePolicy, PolicyBook
from smtpfilter.policy.lookup import lookup_keys
from smtpfilter.policy.networks import contains
from smtpfilter.ports import Journal, PolicySource, Relay, Settlement, Submission
from smtpfilter.settle import Judgement, journal_entry, outcome_of, retry_key, unique
from smtpfilter.verdict.case import make_case
from smtpfilter.verdict.decide import decide, loop_verdict
from smtpfilter.verdict.notices import failure_notice
from smtpfilter.verdict.outcome import Outcome
from smtpfilter.verdict.plan import make_plan
from smtpfilter.verdict.reply import needs_notice, settle_lmtp, settle_smtp
from smtpfilter.verdict.verdict import Case, Verdict

MOST_RECEIVED_FIELDS = 100  # O-12
FAULTS_UNTIL_HELD = 3  # a fault of ours would end as a bounce in the sender's queue
FLUSH_SECONDS = 65.0  # the journal tries its late writes for 60 s

GIVING_UP = Reply(451, "4.5.0", "Giving up due to previous temporary failures")  # O-8


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One per process, shared by its threads.  `debug` tells every step of every message in the
    log.
    """

    hostname: str
    own_postfix: str
    debug: bool
    source: PolicySource
    examiner: Examiner
    relay: Relay
    notify: Relay
    journal: Journal
    clock: Callable[[], datetime]

    def process(self, envelope: Envelope, mail: SpooledMail) -> Sequence[Reply]:
        """Return one reply for SMTP input, one per recipient for LMTP.  Raises FilterError where
        nothing was settled.
        """
        story = Story(envelope, mail.size_bytes, told=self.debug)
        try:
            message = parse(mail.octets)
            envelope = replace(
                envelope, client=believed_client(message, envelope, self.own_postfix)
            )
            return self.carry_out(self._judge_or_hold(envelope, message, mail, story), story)
        except FilterError as error:
            story.refused(error.reply, error.detail)
            raise
        except Exception as error:
            story.fault(error)
            raise TemporaryFailure(type(error).__name__) from error

    def close(self) -> None:
        """End what this process holds open: children, connections, writes that still wait."""
        self.examiner.close()
        self.relay.close()
        self.notify.close()
        self.journal.flush(FLUSH_SECONDS)

    def judge(
        self, envelope: Envelope, message: Message, mail: SpooledMail, story: Story
    ) -> Judgement:
        """Decide for every recipient.  Changes nothing anywhere.  Raises PolicyUnavailable."""
        book = self._load(envelope, message, story)
        cases = self._cases(book, envelope, message, mail)
        if message.received_count > MOST_RECEIVED_FIELDS:
            findings, verdicts = Findings(), [loop_verdict(case) for case in cases]
        else:
            findings = self.examiner.examine(envelope, message, mail, Wanted.by(cases), story)
            verdicts = [decide(case, findings) for case in cases]
        return _judgement(book, envelope, message, mail, findings, verdicts, story)

    def carry_out(self, judgement: Judgement, story: Story) -> Sequence[Reply]:
        """Record, relay, notify, reply.  Raises JournalUnavailable and InProgress, before anything
        is sent.
        """
        envelope, verdicts = judgement.envelope, judgement.plan.verdicts
        entry = journal_entry(judgement)
        earlier = self.journal.open(entry, judgement.mail.octets)
        story.step("journal opened", settled_before=len(earlier))
        settled = {
            row.verdict.recipient.address.octets: Settlement(row.outcome, row.reply)
            for row in entry.recipients
            if row.reply is not None
        }
        settled.update(earlier)
        self._relay(judgement, settled, story)
        self._notify(judgement, settled, story)
        fresh = {
            octets: settlement for octets, settlement in settled.items() if octets not in earlier
        }
        self.journal.close(envelope, fresh, self.clock())
        story.step("journal closed")
        if envelope.lmtp:
            replies = settle_lmtp(envelope, settled)
        else:
            replies = (settle_smtp(envelope, verdicts, settled, self.relay.name),)
        story.filtered(
            envelope, verdicts, settled, size_bytes=judgement.mail.size_bytes, replies=replies
        )
        return replies

    def _judge_or_hold(
        self, envelope: Envelope, message: Message, mail: SpooledMail, story: Story
    ) -> Judgement:
        """Judge; a message on which we fail again and again is held as unchecked instead of bounced
        in the end.
        """
        try:
            return self.judge(envelope, message, mail, story)
        except FilterError:
            raise
        except Exception as error:
            key = retry_key(envelope, mail)
            if key is None or self.journal.count_fault(key) < FAULTS_UNTIL_HELD:
                raise
            story.fault(error)
        book = self._load(envelope, message, story)
        findings = Findings(unchecked=(Unchecked("failed", "Postern failed on this message"),))
        cases = self._cases(book, envelope, message, mail)
        held = [
            decide(replace(case, policy=_hold_unchecked(case.policy)), findings) for case in cases
        ]
        return _judgement(book, envelope, message, mail, findings, held, story)

    def _load(self, envelope: Envelope, message: Message, story: Story) -> PolicyBook:
        senders = (envelope.mail_from, *message.authors)
        book = self.source.load(senders, [recipient.address for recipient in envelope.recipients])
        sender_keys = lookup_keys(envelope.mail_from, book.recipient_delimiter)
        story.tell(not book.traced.isdisjoint(sender_keys))
        story.step("policy", revision=book.revision, layers=[layer.key for layer in book.layers])
        return book

    def _cases(
        self, book: PolicyBook, envelope: Envelope, message: Message, mail: SpooledMail
    ) -> tuple[Case, ...]:
        now = self.clock()
        return tuple(
            make_case(
                book,
                recipient,
                mail_id=envelope.mail_id,
                identities=(envelope.mail_from, *message.authors),
                size_bytes=mail.size_bytes,
                bulk=message.is_bulk(envelope.mail_from),
                now=now,
                hostname=self.hostname,
            )
            for recipient in unique(envelope.recipients)
        )

    def _relay(self, judgement: Judgement, settled: dict[bytes, Settlement], story: Story) -> None:
        """Hand each group to the next hop.  On SMTP input the rest is not tried after a temporary
        failure (O-8).
        """
        envelope, giving_up = judgement.envelope, False
        groups = list(zip(judgement.plan.deliveries, judgement.headers, strict=True))
        for number, (delivery, header) in enumerate(groups, start=1):
            recipients = tuple(r for r in delivery.recipients if r.address.octets not in settled)
            if not recipients:
                continue
            replies = (
                [GIVING_UP] * len(recipients)
                if giving_up
                else self._send(judgement, header, recipients)
            )
            fresh = {
                recipient.address.octets: Settlement(outcome_of(reply), reply)
                for recipient, reply in zip(recipients, replies, strict=True)
            }
            settled.update(fresh)
            story.step("relayed", group=number, replies=sorted({str(reply) for reply in replies}))
            giving_up = giving_up or (
                not envelope.lmtp and any(reply.temporary for reply in replies)
            )
            if number < len(groups):
                self.journal.note(envelope, fresh)

    def _send(
        self, judgement: Judgement, header: bytes, recipients: tuple[Recipient, ...]
    ) -> Sequence[Reply]:
        envelope = judgement.envelope
        return self.relay.send(
            Submission(
                mail_from=envelope.mail_from,
                recipients=recipients,
                content=Content(header, judgement.mail.octets, judgement.message.body_start),
                client=envelope.client,
                eight_bit=envelope.body == "8BITMIME",
                smtputf8=envelope.smtputf8,
                ret=envelope.ret,
                envid=envelope.envid,
                all_or_nothing=not envelope.lmtp,
            )
        )

    def _notify(self, judgement: Judgement, settled: dict[bytes, Settlement], story: Story) -> None:
        """Tell the sender by a notice of our own what no reply of ours can tell (F-6, O-5).

        Where the notice is not taken its recipients are deferred: refused without a word would be
        lost (N-4).
        """
        envelope = judgement.envelope
        failed = needs_notice(envelope, judgement.plan.verdicts, settled)
        if not failed:
            return
        refusals = [(recipient, settled[recipient.address.octets].reply) for recipient in failed]
        notice = failure_notice(envelope, judgement.message, refusals, self.clock(), self.hostname)
        (reply,) = self.notify.send(
            Submission(
                mail_from=NULL_SENDER,
                recipients=(Recipient(envelope.mail_from),),
                content=Content(notice, b"", 0),
                eight_bit=not notice.isascii(),
                smtputf8=envelope.mail_from.needs_smtputf8,
            )
        )
        story.step("notice sent", reply=str(reply))
        if not reply.accepted:
            story.undeliverable_notice(reply)
            settled.update(
                {
                    r.address.octets: Settlement(Outcome.DEFERRED, TemporaryFailure.reply)
                    for r in failed
                }
            )


def _judgement(
    book: PolicyBook,
    envelope: Envelope,
    message: Message,
    mail: SpooledMail,
    findings: Findings,
    verdicts: Iterable[Verdict],
    story: Story,
) -> Judgement:
    plan = make_plan(tuple(verdicts))
    for verdict in plan.verdicts:
        story.verdict(verdict)
    return Judgement(
        envelope=envelope,
        message=message,
        mail=mail,
        findings=findings,
        plan=plan,
        headers=tuple(edited_header(message, delivery.edits) for delivery in plan.deliveries),
        originating=contains(book.networks, envelope.client.address),
        revision=book.revision,
    )


def _hold_unchecked(policy: EffectivePolicy) -> EffectivePolicy:
    """Return the policy with which a message that we cannot judge is held, whatever its recipient's
    own says.
    """
    settings = replace(
        policy.settings,
        unchecked_destiny=Destiny.DISCARD,
        unchecked_lover=False,
        unchecked_quarantine_to="quarantine",
        bypass_virus_checks=False,
    )
    return replace(policy, settings=settings)
