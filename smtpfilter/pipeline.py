"""The life of one message, told from top to bottom.  The first file to read.

    judge       read policy, look into the message, decide for each recipient, plan
    carry_out   record it, deliver group by group, tell the sender where we must, reply

Reading comes first, deciding in the middle, writing last. Responsibility (design 4.2): a 2xx leaves
only when every recipient is settled - the next hop took the mail, or the held copy or the discard
is committed.  Whatever goes wrong before that is a 4xx, and the mail stays where it came from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from smtpfilter.deliver import Courier, final
from smtpfilter.errors import FilterError, ScannerDied, TemporaryFailure
from smtpfilter.judge import Judge
from smtpfilter.log import Story
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.message import Message, believed_client, parse
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.mail.reply import Reply
from smtpfilter.ports.journal import Journal
from smtpfilter.settle import Judgement, journal_entry, retry_key, settle_at_once
from smtpfilter.verdict.outcome import Settlement
from smtpfilter.verdict.reply import settle_lmtp, settle_smtp

FAULTS_UNTIL_HELD = 3  # a fault of ours would end as a bounce in the sender's queue
FAILED = "Postern failed on this message"
FLUSH_SECONDS = 65.0  # the journal tries its late writes for 60 s


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One per process, shared by its threads.  `debug` tells every step of every message in the
    log.

    `own_postfix`: the name in a Received field that is believed where there is no XFORWARD.
    """

    judge: Judge
    courier: Courier
    journal: Journal
    own_postfix: str
    debug: bool

    def process(self, envelope: Envelope, mail: SpooledMail) -> Sequence[Reply]:
        """Return one reply for SMTP input, one per recipient for LMTP.

        Raises FilterError where nothing was settled.
        """
        story = Story(envelope, mail.size_bytes, told=self.debug)
        try:
            message = parse(mail.octets)
            client = believed_client(message, envelope, self.own_postfix)
            envelope = replace(envelope, client=client)
            return self.carry_out(self._judge_or_hold(envelope, message, mail, story), story)
        except FilterError as error:
            story.refused(error.reply, error.detail)
            raise
        except Exception as error:
            story.fault(error)
            raise TemporaryFailure(type(error).__name__) from error

    def carry_out(self, judgement: Judgement, story: Story) -> Sequence[Reply]:
        """Record, deliver, notify, reply.

        Raises JournalUnavailable and InProgress, before anything is sent.
        """
        envelope, verdicts = judgement.envelope, judgement.plan.verdicts
        settled = settle_at_once(judgement)
        earlier = self.journal.open(journal_entry(judgement, settled), judgement.mail.octets)
        story.step("journal opened", settled_before=len(earlier))
        settled.update(earlier)
        now = self.judge.clock()
        try:
            self.courier.deliver(judgement, settled, story)
            self.courier.tell_sender(judgement, settled, earlier, now, story)
        except BaseException:  # a fault of ours: the retry must not send again what was taken
            self.journal.close(envelope, final(judgement, _fresh(settled, earlier)), now)
            raise
        self.journal.close(envelope, _fresh(settled, earlier), now)
        story.step("journal closed")
        replies = (
            settle_lmtp(envelope, settled)
            if envelope.lmtp
            else (settle_smtp(envelope, verdicts, settled),)
        )
        size_bytes = judgement.mail.size_bytes
        story.filtered(envelope, verdicts, settled, size_bytes=size_bytes, replies=replies)
        return replies

    def close(self) -> None:
        """End what this process holds open: children, connections, writes that still wait."""
        self.judge.examiner.close()
        self.courier.close()
        self.journal.flush(FLUSH_SECONDS)

    def _judge_or_hold(
        self, envelope: Envelope, message: Message, mail: SpooledMail, story: Story
    ) -> Judgement:
        """Judge; a message on which we fail again and again is held, it would be bounced in the
        end.
        """
        try:
            return self.judge.judge(envelope, message, mail, story)
        except Exception as error:
            if isinstance(error, FilterError) and not isinstance(error, ScannerDied):
                raise  # no fault of this message
            key = retry_key(envelope, mail)
            if key is None or self.journal.count_fault(key) < FAULTS_UNTIL_HELD:
                raise
            story.fault(error)
            why = error.detail if isinstance(error, ScannerDied) else FAILED
        return self.judge.hold(envelope, message, mail, story, why)


def _fresh(
    settled: Mapping[bytes, Settlement], earlier: Mapping[bytes, Settlement]
) -> dict[bytes, Settlement]:
    """Return what this attempt settled, without what an earlier one did."""
    return {octets: end for octets, end in settled.items() if octets not in earlier}
