"""The seams of the filter: what the pipeline needs of the world, each with the errors that it may
raise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from smtpfilter.mail.address import Address
from smtpfilter.mail.envelope import Client, Envelope, Recipient
from smtpfilter.mail.findings import Authentication, Findings, Part, SpamReport, Unchecked, Virus
from smtpfilter.mail.message import Message
from smtpfilter.mail.octets import Content, Octets, SpooledMail
from smtpfilter.mail.reply import Reply
from smtpfilter.policy.layers import PolicyBook
from smtpfilter.policy.site import Limits, Site
from smtpfilter.verdict.outcome import Outcome
from smtpfilter.verdict.outcome import Settlement as Settlement
from smtpfilter.verdict.texts import Text
from smtpfilter.verdict.verdict import NoticeOrder, Verdict


class Handler(Protocol):
    """What a session does with a message: the pipeline, from its side."""

    def process(self, envelope: Envelope, mail: SpooledMail) -> Sequence[Reply]:
        """Return one reply for SMTP input, one per recipient, in their order, for LMTP input.

        Blocking; called in a thread of the pool.  A FilterError that comes out is answered by its
        own reply, any other
        exception by 451 4.3.0.
        """
        ...

    def close(self) -> None:
        """End what this process holds open; called once, after the last message."""
        ...


class PolicySource(Protocol):
    def load(self, senders: Sequence[Address], recipients: Sequence[Address]) -> PolicyBook:
        """Return all stored policy that may matter for this message, in one query.

        `senders`: envelope sender first, then the authors of the From field (W-1).  Raises
        PolicyUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class PartFile:
    """A decoded content in the message's spool folder, for virus scanners.

    `hidden`: a scanner that is given the raw message may not find it there, since it was packed,
    or encoded in a way that programs read differently.
    """

    path: Path
    hidden: bool


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What was found in a message, and what could not be looked into."""

    parts: tuple[Part, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    files: tuple[PartFile, ...] = ()


class Unpacker(Protocol):
    def unpack(self, mail: SpooledMail, limits: Limits, *, all_files: bool = False) -> Unpacked:
        """Return what is in the message; its files lie in `mail.folder`.  Never raises on content;
        Overloaded where there is no child or no room.

        `all_files`: also contents that stand openly in the mail become files.
        """
        ...

    def stop(self) -> None:
        """End the child processes."""
        ...


class ScannerFailed(Exception):
    """The engine gave no usable answer in time; the text says what happened, nothing of the mail.

    For a board, not for the pipeline.
    """


class ConnectionBroke(ScannerFailed):
    """The engine could not be reached or hung up: worth a second try."""


class BrokeInScan(ConnectionBroke):
    """The engine had taken all of the content and then broke off: it may have died of it (A6)."""


@dataclass(frozen=True, slots=True)
class VirusScan:
    """What the virus scan said: names found, () for clean, None where nobody answered.

    `failure`: why none answered.  `unchecked`: what a scanner says that it could not look into.
    """

    viruses: tuple[Virus, ...] | None = ()
    unchecked: tuple[Unchecked, ...] = ()
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Specimen:
    """What virus scanners are given: the message, and the files that were unpacked from it."""

    mail: SpooledMail
    files: tuple[PartFile, ...] = ()


class VirusScanner(Protocol):
    """`name` stands with every virus that it finds.  `needs_files`: it reads files by their paths,
    so that every part has to be one.
    """

    name: str
    needs_files: bool

    def scan(self, specimen: Specimen, seconds: float) -> VirusScan:
        """Return a definite answer within `seconds`.  Raises ScannerFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Letter:
    """What spam engines are given.  `preferences`: whose, "" for the site's (S-1); `body_bytes`:
    how much of the body they see (S-3).
    """

    mail: SpooledMail
    envelope: Envelope
    preferences: str = ""
    body_bytes: int = 200 * 1024


class SpamScanner(Protocol):
    name: str

    def scan(self, letter: Letter, seconds: float) -> SpamReport:
        """Return score and rules, within `seconds`.  Raises ScannerFailed."""
        ...


class Engines(Protocol):
    """The board: all engines, with deadlines and circuit breakers.

    What an engine does never raises; failures are texts without mail content.  Neither a finding
    nor a failure means that no such engine is used, by choice.
    """

    def scan_viruses(self, specimen: Specimen, site: Site) -> VirusScan:
        """Return what was found; `viruses` None with a failure where no scanner answered, without
        one where the site has chosen to run without.  Raises ScannerDied where the message kills
        the scanner.
        """
        ...

    def scan_spam(self, letter: Letter, site: Site) -> tuple[SpamReport | None, str | None]:
        """Return (report, None), (None, why), or (None, None) without a spam engine."""
        ...


@dataclass(frozen=True, slots=True)
class Submission:
    """One transaction for the next hop.

    `all_or_nothing`: a 4xx for any recipient drops the transaction before the dot (SMTP input,
    O-5).
    """

    mail_from: Address
    recipients: tuple[Recipient, ...]
    content: Content
    client: Client = field(default_factory=Client)
    eight_bit: bool = False
    smtputf8: bool = False
    ret: bytes | None = None
    envid: bytes | None = None
    all_or_nothing: bool = True


@dataclass(frozen=True, slots=True)
class Handover:
    """What the next hop said: the reply that settles each recipient, in their order.

    `hop`: which one it was, "smtp:[127.0.0.1]:10026".  `dsn`: it offers DSN, and so took over the
    sender's wish for notices (RFC 3461 5.2).
    """

    replies: tuple[Reply, ...]
    hop: str
    dsn: bool = False


class Relay(Protocol):
    name: str  # "smtp:[127.0.0.1]:10026", for logs

    def send(self, submission: Submission) -> Handover:
        """Return the reply that settles each recipient.

        Never raises for what the next hop does: a lost connection is a 451.  Faults of set-up (5xx
        at connect, EHLO,
        MAIL; 5.7.x at RCPT) become 451 and are logged as alarms.
        """
        ...

    def close(self) -> None:
        """End the connections that are kept."""
        ...


class Routes(Protocol):
    """The next hops that policies name in forward_method."""

    def relay(self, forward_method: str) -> Relay:
        """Return the relay that tries the named next hops in turn (E-10); "" is the site's own.

        Never raises: what cannot be read is a fault of set-up, and that relay answers 451.
        """
        ...

    def close(self) -> None:
        """End the connections that are kept."""
        ...


class Alarms(Protocol):
    """Where people are told that something is wrong with the appliance."""

    def sound(self, name: str, text: str) -> None:
        """Raise the alarm `name`, as often as one likes; `text` says what is wrong and what to do,
        without mail content.  Never raises, never waits.
        """
        ...


class Authenticator(Protocol):
    def check(self, envelope: Envelope, message: Message, mail: SpooledMail) -> Authentication:
        """Return what SPF, DKIM and DMARC say, within a deadline.

        Never raises on content or on what DNS does: that is a temperror.
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


class Templates(Protocol):
    """The words of notices, as the site wants them."""

    def text(self, kind: str, language: str, facts: Mapping[str, Any]) -> Text:
        """Return the site's text with `facts` filled in, else the one that is shipped; of an
        unknown language the English one.

        Raises PolicyUnavailable.
        """
        ...

    def from_address(self) -> str:
        """Return who notices come from, "" for postmaster at our own name.

        Raises PolicyUnavailable.
        """
        ...


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
