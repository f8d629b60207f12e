"""kill -9 of the workers at each phase of a message (BB-25): nothing is lost, and what was settled
is not done twice.

The phase is held open from outside - an engine or a next hop that says nothing, a table that is
locked - so the product has no switch for it.  Then Postfix's part is played: the same message,
under the same queue id, comes again.
"""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from tests.doubles.next_hop import NextHop, Script
from tests.doubles.upstream import Upstream
from tests.flows.conftest import Manage
from tests.flows.mails import EICAR, mail
from tests.flows.running import RunningFilter, running_filter
from tests.scan.fake_engine import (
    FakeEngine,
    clamd_says,
    clamd_that_finds_nothing,
    hangs,
    spamd_says,
)

QUEUE_ID = "ADDR=192.0.2.1 IDENT=4bKx2L3Qz1z8"
CLEAN = clamd_that_finds_nothing
INFECTED = clamd_says(b"stream: Eicar-Test-Signature FOUND\0")
HAM = spamd_says(b"SPAMD/1.1 0 EX_OK\r\nContent-length: 0\r\nSpam: False ; 0.1 / 6.3\r\n\r\n")
WAIT_SECONDS = 20.0


class House:
    """A filter between a scripted next hop and scripted engines."""

    def __init__(self, postern: RunningFilter, hop: NextHop, clamd: FakeEngine, spamd: FakeEngine):
        self.postern, self.hop, self.clamd, self.spamd = postern, hop, clamd, spamd

    def start_sending(self, content: bytes, *recipients: str) -> list[str]:
        """Send in a thread that hears no answer, or the one in the list that is returned."""
        answers: list[str] = []

        def run() -> None:
            try:
                answers.extend(self.send(content, *recipients))
            except OSError:
                answers.append("")

        threading.Thread(target=run, daemon=True).start()
        return answers

    def send(self, content: bytes, *recipients: str) -> list[str]:
        return self.postern.send(content, *recipients, xforward=QUEUE_ID)


@pytest.fixture(scope="module")
def house(database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = Path(tempfile.mkdtemp(prefix="postern-"))
    clamd, spamd = FakeEngine(folder / "clamd", CLEAN), FakeEngine(folder / "spamd", HAM)
    settings = {"FILTER_CLAMD": str(clamd.endpoint), "FILTER_SPAMD": str(spamd.endpoint)}
    with (
        NextHop() as hop,
        running_filter(tmp_path_factory.mktemp("filter"), hop, **settings) as postern,
    ):
        yield House(postern, hop, clamd, spamd)
    clamd.stop()
    spamd.stop()
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def as_new(house: House) -> None:
    house.clamd.play, house.spamd.play, house.hop.script = CLEAN, HAM, Script()
    house.hop.ledger.clear()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Nobody else writes to `table` meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def blocked_statements() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(cursor.fetchone()[0])


def test_killed_while_the_message_comes_in(house: House) -> None:
    with Upstream(house.postern.address) as client:
        client.say("EHLO mx.example.com")
        client.say(f"XFORWARD {QUEUE_ID}")
        client.envelope("sender@example.org", "bob@example.com")
        client.say("DATA")
        client.send(mail()[:100])
        house.postern.kill_workers()
    assert not house.hop.ledger
    assert house.send(mail())[0].startswith("250 ")
    assert len(house.hop.delivered) == 1


@pytest.mark.parametrize("engine", ["clamd", "spamd"])
def test_killed_while_an_engine_thinks(house: House, engine: str, manage: Manage) -> None:
    fake: FakeEngine = getattr(house, engine)
    fake.play, asked = hangs, fake.asked
    house.start_sending(mail())
    wait_for(lambda: fake.asked > asked)
    house.postern.kill_workers()
    assert manage("mails", "list") == []
    fake.play = CLEAN if engine == "clamd" else HAM
    assert house.send(mail())[0].startswith("250 ")
    assert len(house.hop.delivered) == 1


def test_killed_while_the_journal_opens(house: House, manage: Manage) -> None:
    house.clamd.play = INFECTED
    with locked("quarantine_recipient"):
        house.start_sending(mail(EICAR))
        wait_for(blocked_statements)
        house.postern.kill_workers()
    assert house.send(mail(EICAR))[0].startswith("250 2.7.0 ")
    assert len(manage("quarantine", "list")) == 1


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_killed_before_the_dot(house: House, stage: str, manage: Manage) -> None:
    house.hop.script.hang_at = stage
    house.start_sending(mail())
    wait_for(lambda: house.hop.ledger)
    house.postern.kill_workers()
    house.hop.script = Script()
    assert house.send(mail())[0].startswith("250 ")
    assert len(house.hop.delivered) == 1
    (entry,) = manage("mails", "list")
    assert entry["recipients"][0]["outcome"] == "delivered"


def test_killed_between_the_dot_and_its_answer_a_second_copy_is_possible(house: House) -> None:
    house.hop.script.hang_at = "dot"
    house.start_sending(mail())
    wait_for(lambda: house.hop.ledger and house.hop.ledger[0].dotted)
    house.postern.kill_workers()
    house.hop.script = Script()
    assert house.send(mail())[0].startswith("250 ")
    assert sum(transaction.dotted for transaction in house.hop.ledger) == 2


def test_killed_between_two_groups_the_first_is_not_served_twice(
    house: House, manage: Manage
) -> None:
    manage("policy", "set", "two@example.com", "bypass_spam_checks=yes")
    house.hop.script.rcpt["two@example.com"] = "250 2.1.5 Ok"
    house.hop.script.delay_seconds["rcpt"] = 0.0
    house.hop.script.mail = ["250 2.1.0 Ok", b""]  # the second MAIL is never answered
    house.start_sending(mail(), "one@example.com", "two@example.com")
    wait_for(lambda: len(house.hop.ledger) == 2)
    house.postern.kill_workers()
    house.hop.script = Script()
    assert house.send(mail(), "one@example.com", "two@example.com")[0].startswith("250 ")
    assert len(house.hop.deliveries_to("one@example.com")) == 1
    assert len(house.hop.deliveries_to("two@example.com")) == 1


def test_killed_while_the_journal_closes_a_second_copy_is_possible_but_no_loss(
    house: House, manage: Manage
) -> None:
    """The window between the next hop's answer and our commit is the documented one (P2)."""
    house.hop.script.delay_seconds["dot"] = 0.5
    house.start_sending(mail())
    wait_for(lambda: house.hop.ledger and house.hop.ledger[0].dotted)
    with locked("quarantine_recipient"):
        wait_for(blocked_statements)
        house.postern.kill_workers()
    house.hop.script = Script()
    assert house.send(mail())[0].startswith("250 ")
    assert 1 <= len(house.hop.delivered) <= 2
    (entry,) = manage("mails", "list")
    assert entry["recipients"][0]["outcome"] == "delivered"


def test_killed_after_the_answer_the_retry_hears_it_again(house: House) -> None:
    first = house.send(mail())
    house.postern.kill_workers()
    again = house.send(mail())
    assert again == first
    assert len(house.hop.delivered) == 1


def test_a_held_message_is_held_once_however_often_it_comes(house: House, manage: Manage) -> None:
    house.clamd.play = INFECTED
    first = house.send(mail(EICAR))
    house.postern.kill_workers()
    assert house.send(mail(EICAR)) == first
    assert len(manage("quarantine", "list")) == 1


def test_the_upstream_that_leaves_during_the_commit_finds_it_done(house: House) -> None:
    """E3: what was started is finished; the retry is answered without a new copy."""
    house.hop.script.delay_seconds["dot"] = 0.5
    with Upstream(house.postern.address) as client:
        client.say("EHLO mx.example.com")
        client.say(f"XFORWARD {QUEUE_ID}")
        client.envelope("sender@example.org", "bob@example.com")
        client.say("DATA")
        client.send(mail() + b".\r\n")
        wait_for(lambda: house.hop.ledger and house.hop.ledger[0].dotted)
        client.reset()
    wait_for(lambda: house.hop.delivered)
    wait_for(lambda: house.send(mail())[0].startswith("250 "))
    assert len(house.hop.delivered) == 1
