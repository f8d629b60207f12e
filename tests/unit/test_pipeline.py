"""The pipeline with scripted ports: what happens where something of ours is broken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from smtpfilter.deliver import Courier
from smtpfilter.errors import JournalUnavailable, PolicyUnavailable, TemporaryFailure
from smtpfilter.examine import Wanted
from smtpfilter.judge import Judge
from smtpfilter.log import Story
from smtpfilter.mail.address import Address, parse_address
from smtpfilter.mail.envelope import Client, Envelope, MailId, Recipient
from smtpfilter.mail.findings import Findings
from smtpfilter.mail.message import Message
from smtpfilter.mail.octets import Octets, SpooledMail
from smtpfilter.mail.reply import Reply
from smtpfilter.pipeline import Pipeline
from smtpfilter.policy.layers import Layer, PolicyBook
from smtpfilter.policy.settings import PolicySettings
from smtpfilter.ports import Handover, JournalEntry, Settlement, Submission
from smtpfilter.settle import Judgement
from smtpfilter.smtp.routes import RouteTable
from smtpfilter.verdict.outcome import Outcome
from smtpfilter.verdict.texts import Text

NOW = datetime(2026, 11, 24, tzinfo=UTC)
LETTER = b"From: ann@example.org\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n\r\nhello\r\n"


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
class BrokenExaminer:
    """Fails on every message, as a bug of ours would."""

    error: Exception

    def examine(
        self, envelope: Envelope, message: Message, mail: SpooledMail, wanted: Wanted, story: Story
    ) -> Findings:
        raise self.error

    def close(self) -> None:
        """Hold nothing open."""


@dataclass
class MemoryJournal:
    """A journal in memory; `error` is raised by open() where set."""

    entries: list[JournalEntry] = field(default_factory=list)
    faults: int = 0
    error: Exception | None = None
    closed: list[Mapping[bytes, Settlement]] = field(default_factory=list)

    def open(self, entry: JournalEntry, octets: Octets) -> Mapping[bytes, Settlement]:
        if self.error:
            raise self.error
        self.entries.append(entry)
        return {}

    def note(self, envelope: Envelope, settled: Mapping[bytes, Settlement]) -> None:
        """Nothing is remembered between groups."""

    def close(self, envelope: Envelope, settled: Mapping[bytes, Settlement], now: datetime) -> None:
        self.closed.append(settled)

    def flush(self, seconds: float) -> bool:
        return True

    def count_fault(self, retry_key: bytes) -> int:
        self.faults += 1
        return self.faults


@dataclass
class RecordingRelay:
    name: str = "smtp:[127.0.0.1]:10026"
    sent: list[Submission] = field(default_factory=list)

    def send(self, submission: Submission) -> Handover:
        self.sent.append(submission)
        taken = Reply(250, "2.0.0", "Ok: queued as Q1")
        return Handover((taken,) * len(submission.recipients), self.name)

    def close(self) -> None:
        """Hold nothing open."""


class PlainTemplates:
    """Words of notices that are the same for all."""

    def text(self, kind: str, language: str, facts: Mapping[str, Any]) -> Text:
        return Text(kind, "Something happened.\n")

    def from_address(self) -> str:
        return ""


@dataclass
class House:
    pipeline: Pipeline
    source: Source
    journal: MemoryJournal
    relay: RecordingRelay

    def process(
        self, *, ident: str | None = "4bKx2L3Qz1z8", content: bytes = LETTER
    ) -> list[Reply]:
        envelope = Envelope(
            mail_id=MailId.make(NOW, 1),
            received_at=NOW,
            peer="127.0.0.1",
            protocol="ESMTP",
            mail_from=parse_address(b"ann@example.org"),
            recipients=(Recipient(parse_address(b"bob@example.com")),),
            client=Client(ident=ident),
        )
        mail = SpooledMail(content, "00", Path("/nowhere/message"), Path("/nowhere"))
        return list(self.pipeline.process(envelope, mail))


@pytest.fixture
def house() -> House:
    source, journal, relay = Source(), MemoryJournal(), RecordingRelay()
    judge = Judge("filter.example.com", source, BrokenExaminer(ValueError("secret")), lambda: NOW)
    courier = Courier(
        "filter.example.com",
        RouteTable(relay, "filter.example.com"),
        relay,
        journal,
        PlainTemplates(),
    )
    return House(Pipeline(judge, courier, journal, "", debug=False), source, journal, relay)


def test_a_fault_of_ours_is_a_temporary_failure_that_says_nothing(house: House) -> None:
    with pytest.raises(TemporaryFailure) as failure:
        house.process()
    assert failure.value.reply.code == 451
    assert "secret" not in str(failure.value.reply)
    assert not house.journal.entries


def test_the_third_attempt_of_one_message_is_held_instead_of_bounced(house: House) -> None:
    house.source.book = PolicyBook(layers=(Layer("@.", PolicySettings(unchecked_lover=True)),))
    for _ in range(2):
        with pytest.raises(TemporaryFailure):
            house.process()
    (reply,) = house.process()
    assert reply.code == 250
    (entry,) = house.journal.entries
    assert entry.keep
    assert entry.findings.unchecked[0].kind == "failed"
    assert [row.outcome for row in entry.recipients] == [Outcome.HELD]
    assert not house.relay.sent


def test_without_a_queue_id_attempts_cannot_be_counted(house: House) -> None:
    for _ in range(5):
        with pytest.raises(TemporaryFailure):
            house.process(ident=None)
    assert house.journal.faults == 0


@pytest.mark.parametrize("error", [PolicyUnavailable("no server")], ids=["policy"])
def test_a_failing_postgres_is_no_fault_of_the_message(house: House, error: Exception) -> None:
    house.source.error = error
    for _ in range(5):
        with pytest.raises(PolicyUnavailable):
            house.process()
    assert house.journal.faults == 0


def test_what_the_journal_cannot_record_is_not_sent(house: House) -> None:
    house.journal.error = JournalUnavailable("disk full")
    looped = b"Received: by a.example; now\r\n" * 101 + LETTER
    with pytest.raises(JournalUnavailable):
        house.process(content=looped)
    assert not house.relay.sent


def test_a_fault_while_delivering_gives_up_the_lease_and_keeps_what_was_settled(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = {b"bob@example.com": Settlement(Outcome.DELIVERED, Reply(250, "2.0.0", "Ok"))}

    def deliver(judgement: Judgement, settled: dict[bytes, Settlement], story: Story) -> None:
        settled.update(taken)
        raise ValueError("secret")

    monkeypatch.setattr(Courier, "deliver", lambda _, *words: deliver(*words))
    house.journal.faults = 2  # so that the message gets as far as this
    with pytest.raises(TemporaryFailure):
        house.process()
    (closed,) = house.journal.closed
    assert closed[b"bob@example.com"] == taken[b"bob@example.com"]
