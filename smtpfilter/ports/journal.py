"""What happened to messages, written and remembered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from smtpfilter.mail.address import Address
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.findings import Findings
from smtpfilter.mail.octets import Octets
from smtpfilter.mail.reply import Reply
from smtpfilter.verdict.outcome import Outcome, Settlement
from smtpfilter.verdict.verdict import NoticeOrder, Verdict


@dataclass(frozen=True, slots=True)
class JournalRecipient:
    """One recipient's row: final for held, discarded and rejected mail, PENDING where the next hop
    is still to be asked.
    """

    verdict: Verdict
    outcome: Outcome
    reply: Reply | None


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One message as the journal keeps it.

    `retry_key`: 32 octets that name this attempt's message upstream, None where nothing may ever be
    skipped.
    `subject`, `message_id`, `header_from`: decoded, visible.  `originating`: it came from an own
    network.
    `keep`: the octets are stored once for all recipients who hold a copy.  `notices`: who else is
    told, each once; a retry does not tell them again.  `facts`: what a notice may say (2(t)), JSON.
    """

    envelope: Envelope
    retry_key: bytes | None
    subject: str
    message_id: str
    header_from: str
    size_bytes: int
    sha256: str
    findings: Findings
    revision: int
    originating: bool
    recipients: tuple[JournalRecipient, ...]
    keep: bool
    notices: tuple[NoticeOrder, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


class Journal(Protocol):
    """What happened, durably.  Keys of the mappings are forward-path octets."""

    def open(self, entry: JournalEntry, octets: Octets) -> Mapping[bytes, Settlement]:
        """Record the message before anything is sent, in one transaction; return recipients settled
        by an earlier attempt.

        Those are left out of this attempt, their replies are repeated.
        Raises InProgress while another live process works on the same key, JournalUnavailable.
        """
        ...

    def note(self, envelope: Envelope, settled: Mapping[bytes, Settlement]) -> None:
        """Commit what one delivery settled while more follow.  Never raises: what cannot be written
        is retried later.
        """
        ...

    def close(self, envelope: Envelope, settled: Mapping[bytes, Settlement], now: datetime) -> None:
        """Write what is left and give up the lease.  Never raises: tried for 60 s, then logged."""
        ...

    def flush(self, seconds: float) -> bool:
        """Wait until what could not be written at once is written or given up; False where that
        took too long.
        """
        ...

    def count_fault(self, retry_key: bytes) -> int:
        """Count a deterministic fault of ours against this key; return how many there were.  Raises
        JournalUnavailable.
        """
        ...


class PenPals(Protocol):
    def last_written(
        self,
        sender: Address,
        recipients: Sequence[Address],
        answered_ids: Sequence[str],
        delimiter: str,
        since: datetime,
    ) -> Mapping[bytes, datetime]:
        """Return when each recipient last wrote to `sender`, or wrote what the mail answers (PP-1).

        Keys are forward-path octets; who did neither after `since` is missing.  Only mail of our
        own senders counts, and only where the next hop took it.  One query.  Raises
        JournalUnavailable: a bonus may decide, so that mail waits until it is known.
        """
        ...
