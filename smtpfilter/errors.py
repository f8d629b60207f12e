"""The errors of the filter.  Each knows its public SMTP reply; `detail` is for the log only and
never leaves the house.

    FilterError
      TemporaryFailure          451 4.3.0   the mail stays in the sender's queue
        ScannerDied             451 4.3.0   a virus scanner dies of this message (A6)
        PolicyUnavailable       451 4.3.0   Postgres did not answer
        JournalUnavailable      451 4.3.0   nothing is accepted that cannot be recorded
        InProgress              451 4.3.0   another process works on the same attempt
        Overloaded              451 4.3.2   pool and waiting line are full
        SpoolFull               452 4.3.1   no room for the octets
      PermanentFailure
        MailLoop                554 5.4.6   more than 100 Received fields (O-12)
        MessageTooBig           552 5.3.4   over FILTER_MESSAGE_SIZE_LIMIT_BYTES

A blocked message is no error: it is a Verdict.  Parsing hostile mail never raises: defects become
findings.
"""

from typing import ClassVar

from smtpfilter.mail.reply import Reply


class FilterError(Exception):
    """Base of all; `detail` says what happened, for the log."""

    reply: ClassVar[Reply] = Reply(451, "4.3.0", "Temporary processing error, try again later")

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class TemporaryFailure(FilterError):
    pass


class ScannerDied(TemporaryFailure):
    """The content is to blame: an endless 451 would end as a bounce, and kill the scanner again."""


class PolicyUnavailable(TemporaryFailure):
    reply = Reply(451, "4.3.0", "Policy is not available, try again later")


class JournalUnavailable(TemporaryFailure):
    reply = Reply(451, "4.3.0", "Journal is not available, try again later")


class InProgress(TemporaryFailure):
    reply = Reply(451, "4.3.0", "This message is still in progress, try again later")


class Overloaded(TemporaryFailure):
    reply = Reply(451, "4.3.2", "Too busy, try again later")


class SpoolFull(TemporaryFailure):
    reply = Reply(452, "4.3.1", "Insufficient storage, try again later")


class PermanentFailure(FilterError):
    reply = Reply(554, "5.3.0", "Message cannot be processed")


class MailLoop(PermanentFailure):
    reply = Reply(554, "5.4.6", "Too many hops: mail loop")


class MessageTooBig(PermanentFailure):
    reply = Reply(552, "5.3.4", "Message exceeds the size limit")
