"""The pipeline with scripted ports: what happens where something of ours is broken."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from smtpfilter.deliver import Courier
from smtpfilter.errors import JournalUnavailable, PolicyUnavailable, TemporaryFailure
from smtpfilter.log import Story, configure
from smtpfilter.mail.reply import Reply
from smtpfilter.policy.layers import Layer, PolicyBook
from smtpfilter.policy.settings import PolicySettings
from smtpfilter.settle import Judgement
from smtpfilter.verdict.outcome import Outcome, Settlement
from tests.unit.builders import ANN
from tests.unit.house import LETTER, House


@pytest.fixture(autouse=True)
def log() -> Iterator[io.StringIO]:
    """What operators read in the log."""
    root, config = logging.getLogger(), structlog.get_config()
    handlers = root.handlers[:]
    configure("text")
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written := io.StringIO())
    yield written
    structlog.configure(**config)
    root.handlers[:] = handlers


@pytest.fixture
def house() -> House:
    """A house whose examiner fails on every message."""
    house = House()
    house.examiner.error = ValueError("secret")
    return house


def test_a_fault_of_ours_is_a_temporary_failure_that_says_nothing(house: House) -> None:
    with pytest.raises(TemporaryFailure) as failure:
        house.process()
    assert failure.value.reply.code == 451
    assert "secret" not in str(failure.value.reply)
    assert not house.journal.entries


def test_the_trace_of_a_fault_shows_nothing_of_the_mail(house: House, log: io.StringIO) -> None:
    """P6: not even as the value of a variable."""
    with pytest.raises(TemporaryFailure):
        house.process()
    assert "ValueError" in log.getvalue()
    assert "Traceback" in log.getvalue()
    assert "ann@example.org" in LETTER.decode()
    assert "ann@example.org" not in log.getvalue()


def test_the_third_attempt_of_one_message_is_held_instead_of_bounced(house: House) -> None:
    house.source.book = PolicyBook(layers=(Layer("@.", PolicySettings(unchecked_lover=True)),))
    for _ in range(2):
        with pytest.raises(TemporaryFailure):
            house.process()
    (reply,) = house.process()
    assert reply.startswith("250 ")
    (entry,) = house.journal.entries
    assert entry.keep
    assert entry.findings.unchecked[0].kind == "failed"
    assert [row.outcome for row in entry.recipients] == [Outcome.HELD]
    assert not house.hop.sent


def test_without_a_queue_id_attempts_cannot_be_counted(house: House) -> None:
    for _ in range(5):
        with pytest.raises(TemporaryFailure):
            house.process(ident=None)
    assert house.journal.faults == 0


def test_a_failing_postgres_is_no_fault_of_the_message(house: House) -> None:
    house.source.error = PolicyUnavailable("no server")
    for _ in range(5):
        with pytest.raises(PolicyUnavailable):
            house.process()
    assert house.journal.faults == 0


def test_what_the_journal_cannot_record_is_not_sent(house: House) -> None:
    house.journal.error = JournalUnavailable("disk full")
    looped = b"Received: by a.example; now\r\n" * 111 + LETTER
    with pytest.raises(JournalUnavailable):
        house.process(content=looped)
    assert not house.hop.sent


def test_a_fault_while_delivering_gives_up_the_lease_and_keeps_what_was_settled(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = {ANN.encode(): Settlement(Outcome.DELIVERED, Reply(250, "2.0.0", "Ok"))}

    def deliver(judgement: Judgement, settled: dict[bytes, Settlement], story: Story) -> None:
        settled.update(taken)
        raise ValueError("secret")

    monkeypatch.setattr(Courier, "deliver", lambda _, *words: deliver(*words))
    house.journal.faults = 2  # so that the message gets as far as this
    with pytest.raises(TemporaryFailure):
        house.process()
    (closed,) = house.journal.closed
    assert closed == taken


def test_everything_is_closed_in_the_end(house: House) -> None:
    house.pipeline.close()
