"""Pen pals on the real Postgres: whose mail to whom counts (PP-1)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from quarantine import sql
from quarantine.penpals import DatabasePenPals
from quarantine.store import DatabaseJournal
from smtpfilter.errors import JournalUnavailable
from smtpfilter.ports.journal import JournalEntry
from smtpfilter.verdict.outcome import Outcome
from tests.evidence.builders import NO, OK, address, delivered, entry, settled

FRIEND, ANN, BEN = "friend@remote.example", "ann@example.com", "ben@example.com"
NOW = datetime.now(UTC).replace(microsecond=0)
YESTERDAY, LONG_AGO = NOW - timedelta(days=1), NOW - timedelta(days=70)

Write = Callable[..., None]


@pytest.fixture
def write(journal: DatabaseJournal) -> Write:
    """Return a function that records own mail."""

    def record(
        sender: str = ANN,
        recipient: str = FRIEND,
        at: datetime = YESTERDAY,
        outcome: Outcome = Outcome.DELIVERED,
        *,
        originating: bool = True,
        message_id: str = "<1@example.com>",
    ) -> None:
        made: JournalEntry = replace(
            entry(delivered(recipient), mail_from=sender, now=at),
            originating=originating,
            message_id=message_id,
        )
        journal.open(made, b"octets")
        reply = OK if outcome is Outcome.DELIVERED else NO
        journal.close(made.envelope, settled(outcome, reply, recipient), NOW)

    return record


def ask(
    *recipients: str, sender: str = FRIEND, answers: tuple[str, ...] = (), delimiter: str = "+"
) -> dict[str, datetime]:
    """Return who wrote when, in the last 56 days."""
    found = DatabasePenPals().last_written(
        address(sender),
        [address(one) for one in recipients or (ANN, BEN)],
        answers,
        delimiter,
        NOW - timedelta(days=56),
    )
    return {octets.decode(): at for octets, at in found.items()}


def test_the_youngest_own_mail_to_the_sender_counts(write: Write) -> None:
    """PP-1: each recipient for himself; addresses are compared without regard to case."""
    assert ask() == {}
    write(at=NOW - timedelta(days=9))
    write()
    write(sender="Ben@Example.com", recipient="FRIEND@Remote.example", at=NOW)
    write(recipient="other@remote.example", at=NOW)
    assert ask() == {ANN: YESTERDAY, BEN: NOW}
    assert ask("Ann@EXAMPLE.com") == {"Ann@EXAMPLE.com": YESTERDAY}


def test_who_gets_mail_under_an_extension_writes_without_it(write: Write) -> None:
    """PP-1, K-1: and with it, where he does so."""
    write(sender="ann@example.com", at=YESTERDAY)
    write(sender="ann+shop@example.com", at=NOW)
    assert ask("ann+list@example.com") == {"ann+list@example.com": YESTERDAY}
    assert ask("ann+shop@example.com") == {"ann+shop@example.com": NOW}
    assert ask("ann+list@example.com", delimiter="") == {}


def test_only_own_mail_that_was_delivered_not_too_long_ago_counts(write: Write) -> None:
    """PP-1."""
    write(originating=False)
    write(outcome=Outcome.REJECTED)
    write(at=LONG_AGO)
    assert ask(answers=("<1@example.com>",)) == {}


def test_what_the_mail_answers_counts_whoever_answers(write: Write) -> None:
    """PP-1: it has to be the recipient's own."""
    write(message_id="<question@example.com>")
    write(sender=BEN, message_id="<question2@example.com>")
    write(sender=BEN, message_id="")
    stranger = {"sender": "stranger@remote.example"}
    assert ask(answers=("<x@x>", "<question@example.com>"), **stranger) == {ANN: YESTERDAY}
    assert ask(answers=("<question@example.com>",), sender="") == {ANN: YESTERDAY}
    assert ask(answers=("",), **stranger) == {}


def test_an_id_of_any_length_can_be_recorded_and_found(write: Write) -> None:
    """P6: an index that refuses a long value would refuse the mail, for ever."""
    long = "<" + "\U0001f40c" * 990 + ">"
    write(message_id=long)
    assert ask(answers=(long,), sender="x@x.example") == {ANN: YESTERDAY}


def test_both_questions_are_asked_by_index(write: Write) -> None:
    """One indexed query for each message, however long the journal."""
    write()
    values = {"sender": FRIEND, "own": [ANN], "answered_ids": ["<1@x>"], "since": NOW, "oldest": 0}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql.FIND_PEN_PALS}", values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "recipient_by_canonical" in plan
    assert "own_mail_by_message_id" in plan
    assert "Seq Scan" not in plan


def test_a_journal_that_cannot_be_asked_is_a_temporary_failure(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P3."""
    monkeypatch.setattr(sql, "FIND_PEN_PALS", "SELECT 1 / 0")
    with pytest.raises(JournalUnavailable):
        ask()
