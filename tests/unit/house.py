"""A pipeline whose ports are scripted: policy, findings, next hop and journal in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from smtpfilter.deliver import Courier
from smtpfilter.judge import Judge
from smtpfilter.log import Story
from smtpfilter.mail.address import Address
from smtpfilter.mail.envelope import Client, Envelope, MailId, Recipient
from smtpfilter.mail.findings import Authentication, Findings
from smtpfilter.mail.message import Message
from smtpfilter.mail.octets import Octets, SpooledMail
from smtpfilter.mail.reply import Reply
from smtpfilter.pipeline import Pipeline
from smtpfilter.policy.layers import PolicyBook
from smtpfilter.policy.site import Site
from smtpfilter.ports.delivery import Handover, Submission
from smtpfilter.ports.journal import JournalEntry
from smtpfilter.smtp.routes import RouteTable
from smtpfilter.verdict.outcome import Outcome, Settlement
from smtpfilter.verdict.texts import Text
from tests.unit.builders import ANN, CLEAN, HOST, NOW, SENDER, address

LETTER = b"From: ann@example.org\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n\r\nhello\r\n"
QUEUED = Reply(250, "2.0.0", "Ok: queued as Q1")


@dataclass
class Source:
    """A policy source; `error` is raised where set."""

    book: PolicyBook = field(default_factory=PolicyBook)
    error: Exception | None = None

    def load(self, senders: Sequence[Address], recipients: Sequence[Address]) -> PolicyBook:
        if self.error:
            raise self.error
        return self.book


@dataclass
class ScriptedExaminer:
    """Finds what it is told to, or fails on every message, as a bug of ours would."""

    findings: Findings = CLEAN
    error: Exception | None = None
    asked: list[Any] = field(default_factory=list)

    def examine(
        self,
        envelope: Envelope,
        message: Message,
        mail: SpooledMail,
        wanted: Any,
        site: Site,
        story: Story,
    ) -> Findings:
        self.asked.append(wanted)
        if self.error:
            raise self.error
        return self.findings

    def close(self) -> None:
        """Hold nothing open."""


@dataclass
class ScriptedAuthenticator:
    found: Authentication
    asked: int = 0

    def check(self, envelope: Envelope, message: Message, mail: SpooledMail) -> Authentication:
        self.asked += 1
        return self.found


@dataclass
class Letters:
    """Who wrote when, by forward-path octets; `asked`: the questions."""

    written: dict[bytes, datetime] = field(default_factory=dict)
    error: Exception | None = None
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def last_written(
        self,
        sender: Address,
        recipients: Sequence[Address],
        answered_ids: Sequence[str],
        delimiter: str,
        since: datetime,
    ) -> Mapping[bytes, datetime]:
        if self.error:
            raise self.error
        names = [recipient.text for recipient in recipients]
        self.asked.append((sender.text, names, answered_ids, delimiter, since))
        return self.written


@dataclass
class MemoryJournal:
    """A journal in memory, which knows after a retry what was settled; `error` is raised by
    open().
    """

    entries: list[JournalEntry] = field(default_factory=list)
    faults: int = 0
    error: Exception | None = None
    closed: list[Mapping[bytes, Settlement]] = field(default_factory=list)
    settled: dict[bytes, Settlement] = field(default_factory=dict)

    def open(self, entry: JournalEntry, octets: Octets) -> Mapping[bytes, Settlement]:
        if self.error:
            raise self.error
        self.entries.append(entry)
        earlier = dict(self.settled) if entry.retry_key else {}
        self._remember(
            {
                row.verdict.recipient.address.octets: Settlement(row.outcome, row.reply)
                for row in entry.recipients
                if row.reply and row.verdict.recipient.address.octets not in earlier
            }
        )
        return earlier

    def note(self, envelope: Envelope, settled: Mapping[bytes, Settlement]) -> None:
        self._remember(settled)

    def close(self, envelope: Envelope, settled: Mapping[bytes, Settlement], now: Any) -> None:
        self.closed.append(dict(settled))
        self._remember(settled)

    def flush(self, seconds: float) -> bool:
        return True

    def count_fault(self, retry_key: bytes) -> int:
        self.faults += 1
        return self.faults

    def _remember(self, settled: Mapping[bytes, Settlement]) -> None:
        """Keep what is final."""
        self.settled |= {
            path: end for path, end in settled.items() if end.outcome is not Outcome.DEFERRED
        }


@dataclass
class ScriptedHop:
    """A next hop; `replies`: address -> reply, where it is not QUEUED.  `dsn`: it offers DSN."""

    name: str = "smtp:[127.0.0.1]:10026"
    replies: dict[str, Reply] = field(default_factory=dict)
    dsn: bool = False
    sent: list[Submission] = field(default_factory=list)

    def send(self, submission: Submission) -> Handover:
        self.sent.append(submission)
        replies = [self.replies.get(str(r.address), QUEUED) for r in submission.recipients]
        return Handover(tuple(replies), self.name, self.dsn)

    def close(self) -> None:
        """Hold nothing open."""

    @property
    def reached(self) -> list[list[str]]:
        """The recipients of each transaction."""
        return [[str(r.address) for r in submission.recipients] for submission in self.sent]


@dataclass
class PlainTemplates:
    """Words of notices that are the same for all; `error` is raised where set."""

    error: Exception | None = None

    def text(self, kind: str, language: str, facts: Mapping[str, Any]) -> Text:
        if self.error:
            raise self.error
        return Text(kind, "Something happened.\n")

    def from_address(self) -> str:
        return ""


class House:
    """`hop` takes the mail, `notify` the notices."""

    def __init__(self) -> None:
        self.source = Source()
        self.examiner = ScriptedExaminer()
        self.journal = MemoryJournal()
        self.hop, self.notify = ScriptedHop(), ScriptedHop()
        self.templates = PlainTemplates()
        self.authenticator: ScriptedAuthenticator | None = None
        self.letters = Letters()

    @property
    def pipeline(self) -> Pipeline:
        judge = Judge(
            HOST,
            self.source,
            self.examiner,  # type: ignore[arg-type]
            lambda: NOW,
            self.authenticator,
            self.letters,
        )
        routes = RouteTable(self.hop, HOST)
        courier = Courier(HOST, routes, self.notify, self.journal, self.templates)
        return Pipeline(judge, courier, self.journal, "mx.example.com", debug=False)

    def process(
        self,
        *recipients: str,
        ident: str | None = "4bKx2L3Qz1z8",
        content: bytes = LETTER,
        mail_from: str = SENDER,
        notify: tuple[str, ...] = (),
        lmtp: bool = False,
    ) -> list[str]:
        """Return the replies to one message."""
        envelope = Envelope(
            mail_id=MailId.make(NOW, 1),
            received_at=NOW,
            peer="127.0.0.1",
            protocol="LMTP" if lmtp else "ESMTP",
            mail_from=address(mail_from),
            recipients=tuple(Recipient(address(to), notify=notify) for to in recipients or (ANN,)),
            client=Client(ident=ident),
        )
        mail = SpooledMail(content, "00", Path("/nowhere/message"), Path("/nowhere"))
        return [str(reply) for reply in self.pipeline.process(envelope, mail)]

    @property
    def outcomes(self) -> dict[str, str]:
        """What the journal knows in the end, by address."""
        return {path.decode(): str(end.outcome) for path, end in self.journal.settled.items()}
