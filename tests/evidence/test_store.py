"""The journal: what is recorded before anything is sent, and what a retry may skip (design 4.2)."""

import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection, connections
from django.db.backends.utils import CursorWrapper
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quarantine import store
from quarantine.later import LaterWrites, Write
from quarantine.lease import holds, make_owner
from quarantine.models import Attempt, BodyChunk, MailRecord, RecipientRecord, RetryKey
from quarantine.octets import BodyDamaged, read_pieces, stored_octets
from quarantine.store import DatabaseJournal
from smtpfilter.errors import InProgress, JournalUnavailable
from smtpfilter.mail.envelope import Client
from smtpfilter.mail.findings import BadHeader, Findings
from smtpfilter.verdict.outcome import Outcome
from tests.evidence.builders import (
    BUSY,
    HELD_REPLY,
    NO,
    OK,
    SPAM,
    deferred,
    delivered,
    entry,
    held,
    settled,
)

KEY = b"k" * 32
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def outcomes() -> dict[str, str]:
    return dict(RecipientRecord.objects.values_list("address", "outcome"))


def test_an_opened_message_is_recorded_with_all_that_led_to_its_verdict(
    journal: DatabaseJournal,
) -> None:
    made = entry(delivered("Ann+x@Example.com"), held("eve@example.com"), now=NOW)
    assert journal.open(made, b"octets") == {}
    mail = MailRecord.objects.get(pk=made.envelope.mail_id.number)
    assert (mail.mail_id, mail.received_at) == (str(made.envelope.mail_id), NOW)
    assert (mail.mail_from, mail.client_ident, mail.score) == ("bob@sender.example", "4ABC", 1005.3)
    assert mail.read_findings() == SPAM
    ann, eve = mail.recipients.order_by("position")
    assert (ann.address, ann.canonical) == ("Ann+x@Example.com", "ann+x@example.com")
    assert (ann.owner, ann.domain, bytes(ann.path)) == (
        "ann@example.com",
        "example.com",
        b"Ann+x@Example.com",
    )
    assert (ann.outcome, ann.state, ann.settled_at) == ("pending", None, None)
    assert (eve.outcome, eve.state, eve.category, eve.destiny) == (
        "held",
        "held",
        "spam",
        "discard",
    )
    assert eve.reasons[0] == "score 1005.3 reaches the kill level 6.3"
    assert eve.reply == "250 2.7.0 Ok, held"
    assert eve.expires_at - eve.settled_at == timedelta(days=30)
    assert eve.effective_settings()["spam_kill_level"] == {"value": 6.3, "origin": "@."}
    assert eve.effective_settings()["spam_lover"]["origin"] == "ann@example.com"
    assert eve.effective_settings()["spam_tag3_level"]["value"] == "never"


def test_note_and_close_write_the_outcome_and_the_reply_of_the_next_hop(
    journal: DatabaseJournal,
) -> None:
    made = entry(delivered("a@example.com"), delivered("b@example.com"), delivered("c@example.com"))
    journal.open(made, b"")
    journal.note(made.envelope, settled(Outcome.DELIVERED, OK, "a@example.com"))
    assert outcomes() == {
        "a@example.com": "delivered",
        "b@example.com": "pending",
        "c@example.com": "pending",
    }
    last = settled(Outcome.REJECTED, NO, "b@example.com") | settled(
        Outcome.DEFERRED, BUSY, "c@example.com"
    )
    journal.close(made.envelope, last, NOW)
    rows = {r.address: (r.outcome, r.reply) for r in RecipientRecord.objects.all()}
    assert rows == {
        "a@example.com": ("delivered", "250 2.0.0 Ok: queued as 4XYZ"),
        "b@example.com": ("rejected", "550 5.1.1 No such user"),
        "c@example.com": ("deferred", "451 4.3.0 Busy"),
    }


def test_a_retry_is_told_what_was_settled_and_updates_the_same_row(
    journal: DatabaseJournal,
) -> None:
    recipients = (delivered("a@example.com"), delivered("b@example.com"), held("c@example.com"))
    first = entry(*recipients, key=KEY)
    journal.open(first, b"octets")
    done = settled(Outcome.DELIVERED, OK, "a@example.com") | settled(
        Outcome.DEFERRED, BUSY, "b@example.com"
    )
    journal.close(first.envelope, done, NOW)

    retry = entry(*recipients, key=KEY)
    assert journal.open(retry, b"octets") == settled(
        Outcome.DELIVERED, OK, "a@example.com"
    ) | settled(Outcome.HELD, HELD_REPLY, "c@example.com")
    assert outcomes()["b@example.com"] == "pending"
    journal.close(retry.envelope, settled(Outcome.DELIVERED, OK, "b@example.com"), NOW)

    mail = MailRecord.objects.get()
    assert mail.mail_id == str(first.envelope.mail_id)
    assert mail.later_ids == [retry.envelope.mail_id.number]
    assert set(outcomes().values()) == {"delivered", "held"}
    assert b"".join(read_pieces(mail.id)) == b"octets"
    third = entry(*recipients, key=KEY)
    assert len(journal.open(third, b"octets")) == 3


def test_a_message_deferred_at_once_is_judged_anew_by_its_retry(journal: DatabaseJournal) -> None:
    first = entry(deferred(), key=KEY)
    assert journal.open(first, b"octets") == {}
    journal.close(first.envelope, settled(Outcome.DEFERRED, BUSY, "ann@example.com"), NOW)
    assert outcomes() == {"ann@example.com": "deferred"}
    retry = entry(held(), key=KEY)
    assert journal.open(retry, b"octets") == {}
    row = RecipientRecord.objects.get()
    assert (row.outcome, row.state, row.mail.has_body) == ("held", "held", True)


def test_without_a_retry_key_nothing_is_ever_skipped(journal: DatabaseJournal) -> None:
    for _ in range(2):
        made = entry(held())
        assert journal.open(made, b"octets") == {}
        journal.close(made.envelope, {}, NOW)
    assert MailRecord.objects.count() == 2
    assert not RetryKey.objects.exists()


@pytest.mark.parametrize("closed", [True, False])
def test_two_messages_that_draw_the_same_id_are_never_one(
    journal: DatabaseJournal, closed: bool
) -> None:
    first = entry(held("ann@example.com"))
    journal.open(first, b"for ann")
    if closed:
        journal.close(first.envelope, {}, NOW)
    second = entry(held("eve@example.com"), key=KEY)
    clash = replace(second, envelope=replace(second.envelope, mail_id=first.envelope.mail_id))
    with pytest.raises(JournalUnavailable):
        journal.open(clash, b"for eve")
    assert outcomes() == {"ann@example.com": "held"}
    assert b"".join(read_pieces(first.envelope.mail_id.number)) == b"for ann"
    assert journal.open(second, b"for eve") == {}  # its retry draws another


def test_a_second_attempt_waits_while_the_first_is_at_work(journal: DatabaseJournal) -> None:
    first = entry(key=KEY)
    journal.open(first, b"")
    with pytest.raises(InProgress):
        journal.open(entry(key=KEY), b"")
    journal.close(first.envelope, settled(Outcome.DELIVERED, OK, "ann@example.com"), NOW)
    assert len(journal.open(entry(key=KEY), b"")) == 1


def test_recipients_of_one_message_that_come_apart_do_not_wait_for_each_other(
    journal: DatabaseJournal,
) -> None:
    """Postfix splits a message with many recipients over several transactions with one queue id."""
    first, second = entry(delivered("a@x.org"), key=KEY), entry(delivered("b@x.org"), key=KEY)
    assert journal.open(first, b"") == journal.open(second, b"") == {}
    journal.close(second.envelope, settled(Outcome.DELIVERED, OK, "b@x.org"), NOW)
    journal.close(first.envelope, settled(Outcome.DELIVERED, OK, "a@x.org"), NOW)
    mail = MailRecord.objects.get()
    assert [(r.position, r.address) for r in mail.recipients.order_by("position")] == [
        (0, "a@x.org"),
        (1, "b@x.org"),
    ]


def test_of_many_concurrent_attempts_exactly_one_goes_on(journal: DatabaseJournal) -> None:
    barrier = threading.Barrier(8)

    def attempt(_: int) -> str:
        barrier.wait()
        try:
            journal.open(entry(held(), delivered("b@x.org"), key=KEY), b"octets")
        except InProgress:
            return "in progress"
        finally:
            connections["default"].close()
        return "open"

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(attempt, range(8)))
    assert sorted(answers) == ["in progress"] * 7 + ["open"]
    assert MailRecord.objects.count() == 1


OPEN_AND_WAIT = """
import sys, django
django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from quarantine.store import DatabaseJournal
from tests.evidence.builders import entry
DatabaseJournal().open(entry(key=b"k" * 32), b"")
print("open", flush=True)
sys.stdin.read()
"""


def test_after_a_kill_the_retry_goes_on_at_once(journal: DatabaseJournal) -> None:
    """BB-25: the lease of a process that is gone does not hold."""
    name = str(connection.settings_dict["NAME"])
    with subprocess.Popen(
        [sys.executable, "-c", OPEN_AND_WAIT, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "appliance.settings"},
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(InProgress):
            journal.open(entry(key=KEY), b"")
        process.kill()
        process.wait()
        assert journal.open(entry(key=KEY), b"") == {}


def test_a_lease_of_another_host_holds_until_its_time_is_over() -> None:
    elsewhere = "other-host/1/1/5"
    assert holds(elsewhere, True, ())
    assert not holds(elsewhere, False, ())


def test_the_number_of_a_process_that_is_used_again_does_not_keep_a_lease() -> None:
    assert not holds(f"{socket.gethostname()}/{os.getppid()}/1/5", True, ())
    assert holds(make_owner(5), True, (5,))
    assert not holds(make_owner(5), True, ())


def test_a_commit_whose_outcome_is_unknown_does_not_lock_the_retry_out(
    journal: DatabaseJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C6: the connection dies between COMMIT and its answer; the rows are there or not."""
    real = store._transaction

    @contextmanager
    def in_doubt() -> Iterator[CursorWrapper]:
        with real() as cursor:
            yield cursor
        raise JournalUnavailable("connection lost")

    with monkeypatch.context() as patched:
        patched.setattr(store, "_transaction", in_doubt)
        with pytest.raises(JournalUnavailable):
            journal.open(entry(delivered(), held("b@x.org"), key=KEY), b"octets")
    assert MailRecord.objects.count() == 1
    assert journal.open(entry(delivered(), held("b@x.org"), key=KEY), b"octets") == settled(
        Outcome.HELD, HELD_REPLY, "b@x.org"
    )
    assert MailRecord.objects.count() == 1


def test_a_lease_runs_out(journal: DatabaseJournal) -> None:
    journal.open(entry(key=KEY), b"")
    Attempt.objects.update(lease_until=datetime.now(UTC) - timedelta(seconds=1))
    assert journal.open(entry(key=KEY), b"") == {}


@pytest.mark.parametrize("size", [0, 1, 262143, 262144, 262145, 3_000_000])
def test_held_octets_come_back_as_they_were(journal: DatabaseJournal, size: int) -> None:
    octets = (bytes(range(256)) + b"\r\n.\r\n\x00")[::-1] * (size // 262 + 1)
    octets = octets[:size]
    made = entry(held(), octets=octets)
    journal.open(made, octets)
    mail = MailRecord.objects.get()
    with stored_octets(mail) as stored:
        assert stored[:] == octets
    assert BodyChunk.objects.count() == max(1, -(-size // 262144))


def test_damaged_octets_are_noticed(journal: DatabaseJournal) -> None:
    journal.open(entry(held(), octets=b"abc"), b"abc")
    BodyChunk.objects.update(octets=b"abd")
    with pytest.raises(BodyDamaged), stored_octets(MailRecord.objects.get()):
        pass


def test_the_copy_of_delivered_mail_is_kept_where_the_verdict_says_so(
    journal: DatabaseJournal,
) -> None:
    journal.open(entry(delivered(keep=True), delivered("b@x.org")), b"octets")
    assert dict(RecipientRecord.objects.values_list("address", "state")) == {
        "ann@example.com": "held",
        "b@x.org": None,
    }


def test_a_doubled_recipient_is_one_row(journal: DatabaseJournal) -> None:
    journal.open(entry(delivered(), delivered(), key=KEY), b"")
    assert RecipientRecord.objects.count() == 1


def test_a_thousand_recipients_are_recorded(journal: DatabaseJournal) -> None:
    """X-6: as many as one transaction may have."""
    rows = [delivered(f"user{i}@example.com") for i in range(1100)]
    made = entry(*rows, key=KEY)
    journal.open(made, b"")
    everyone = [f"user{i}@example.com" for i in range(1100)]
    journal.close(made.envelope, settled(Outcome.DELIVERED, OK, *everyone), NOW)
    assert RecipientRecord.objects.filter(outcome="delivered").count() == 1100


def test_faults_are_counted_by_key(journal: DatabaseJournal) -> None:
    assert [journal.count_fault(KEY) for _ in range(3)] == [1, 2, 3]
    assert journal.count_fault(b"other") == 1
    made = entry(held(), key=KEY)
    assert journal.open(made, b"octets") == {}
    assert RetryKey.objects.get(key=KEY).mail_id == made.envelope.mail_id.number


hostile = st.text(st.characters(codec=None) | st.sampled_from("\x00\ud800\udfff\x1b"), max_size=40)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=hostile,
    local=st.binary(min_size=1, max_size=30).filter(lambda b: min(b) > 31 and 127 not in b),
    score=st.floats(),
)
def test_whatever_a_message_says_can_be_recorded(
    journal: DatabaseJournal, text: str, local: bytes, score: float
) -> None:
    """P6: NUL, surrogates and undecodable octets in any field are stored as U+FFFD."""
    made = entry(
        held(local + b"@x.org", reasons=(text,), banned=(text,), score=score),
        subject=text,
        client=Client(helo=text, name=text),
        findings=Findings(bad_headers=(BadHeader(1, text),)),
    )
    journal.open(made, b"octets")
    mail = MailRecord.objects.get(pk=made.envelope.mail_id.number)
    assert "\x00" not in mail.subject
    assert len(mail.subject) == len(text)
    assert mail.read_findings().bad_headers is not None
    assert bytes(mail.recipients.get().path) == local + b"@x.org"


def test_the_longest_and_oddest_addresses_can_be_recorded(journal: DatabaseJournal) -> None:
    """Undecodable octets grow threefold as U+FFFD; an index takes 2704, compressed."""
    odd = bytes(random.Random(1).choices([*range(33, 64), *[255] * 200], k=1000))
    for recipient in (odd, odd[:990] + b"@example.com", b"u@" + odd, b"\xff" * 1024):
        journal.open(entry(held(recipient), mail_from=odd, key=KEY + recipient[:3]), b"octets")
    assert {bytes(row.path) for row in RecipientRecord.objects.all()} >= {odd}


def test_no_database_means_that_nothing_is_accepted(
    journal: DatabaseJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead() -> None:
        raise OperationalError("no space left on device")

    monkeypatch.setattr(store, "close_old_connections", dead)
    with pytest.raises(JournalUnavailable):
        journal.open(entry(held()), b"octets")
    with pytest.raises(JournalUnavailable):
        journal.count_fault(KEY)


def test_a_read_only_database_means_that_nothing_is_accepted(journal: DatabaseJournal) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        with pytest.raises(JournalUnavailable):
            journal.open(entry(held()), b"octets")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
    assert not MailRecord.objects.exists()


def test_a_connection_that_was_cut_is_replaced_by_the_next_message(
    journal: DatabaseJournal,
) -> None:
    journal.open(entry(held()), b"octets")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()

    def cut() -> None:
        with connections["default"].cursor() as other:
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        connections["default"].close()

    thread = threading.Thread(target=cut)
    thread.start()
    thread.join()
    assert journal.open(entry(held()), b"octets") == {}


def test_an_outcome_that_cannot_be_written_is_written_later(
    journal: DatabaseJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failing note or close changes no reply; the older write never overtakes the newer one."""
    made = entry(delivered("a@x.org"), delivered("b@x.org"), key=KEY)
    journal.open(made, b"")
    down = threading.Event()
    down.set()

    real = store.close_old_connections

    def flaky() -> None:
        if down.is_set():
            raise OperationalError("gone")
        real()

    monkeypatch.setattr("quarantine.later.PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("quarantine.store.close_old_connections", flaky)
    monkeypatch.setattr("quarantine.later.close_old_connections", flaky)
    journal.note(made.envelope, settled(Outcome.REJECTED, NO, "a@x.org"))
    journal.close(
        made.envelope,
        settled(Outcome.DEFERRED, BUSY, "a@x.org") | settled(Outcome.DELIVERED, OK, "b@x.org"),
        NOW,
    )
    assert set(outcomes().values()) == {"pending"}
    down.clear()
    assert journal.flush(20)
    assert outcomes() == {"a@x.org": "deferred", "b@x.org": "delivered"}
    assert journal.open(entry(delivered("b@x.org"), key=KEY), b"")


def test_an_outcome_that_can_never_be_written_is_given_up(
    journal: DatabaseJournal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = entry(key=KEY)
    journal.open(made, b"")

    def gone() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("quarantine.later.TRIED_SECONDS", 0)
    monkeypatch.setattr("quarantine.store.close_old_connections", gone)
    monkeypatch.setattr("quarantine.later.close_old_connections", gone)
    journal.close(made.envelope, settled(Outcome.DELIVERED, OK, "ann@example.com"), NOW)
    assert journal.flush(20)
    assert f"gave up on {made.envelope.mail_id} (delivered)" in caplog.text


def test_a_write_waits_for_the_next_where_no_thread_can_be_started_f24(
    journal: DatabaseJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    written: list[int] = []
    later = LaterWrites(lambda write: written.append(write.attempt), lambda _: None)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        later.add(Write(1, 1, None, "", {}, closing=True))
    later.add(Write(2, 2, None, "", {}, closing=True))
    assert later.flush(20)
    assert written == [1, 2]
