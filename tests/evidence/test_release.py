"""Releasing, deleting and restoring held mail (design 4.10; Q-6 to Q-8; G1, G4 to G7)."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connections, transaction

from appliance.accounts.models import Role, User
from appliance.domains.models import Domain, Mailbox
from quarantine import wake
from quarantine.bin import delete_held, restore
from quarantine.errors import AlreadyReleased, Expired, NotAllowed, ReleaseError
from quarantine.models import BodyChunk, MailEvent, RecipientRecord, Release
from quarantine.release import (
    decline,
    due_releases,
    latest_reply,
    perform_release,
    release_now,
    request_release,
)
from quarantine.store import DatabaseJournal
from smtpfilter.config import Endpoint
from smtpfilter.mail.address import NULL_SENDER
from smtpfilter.mail.reply import Reply
from smtpfilter.policy.destiny import Destiny
from smtpfilter.ports.delivery import Handover, Submission
from smtpfilter.smtp.relay import SmtpRelay
from smtpfilter.verdict.category import Category
from tests.doubles.next_hop import NextHop
from tests.evidence.builders import BUSY, NO, OCTETS, OK, ScriptedRelay, address, entry, held


def hold(journal: DatabaseJournal, *addresses: str, **changes: object) -> int:
    """Hold a message and return the row of its first recipient."""
    rows = [held(a, **changes) for a in addresses or ("ann@example.com",)]
    made = entry(*rows)
    journal.open(made, OCTETS)
    return RecipientRecord.objects.order_by("pk").filter(mail_id=made.envelope.mail_id.number)[0].pk


def state(row_id: int) -> str | None:
    return RecipientRecord.objects.get(pk=row_id).state


def deeds() -> list[tuple[str, str]]:
    return list(MailEvent.objects.order_by("pk").values_list("deed", "actor"))


def test_a_released_copy_is_what_was_received_with_its_own_envelope(
    journal: DatabaseJournal, administrator: User, no_worker: list[int]
) -> None:
    """Q-6: to exactly this recipient, from the original sender, nothing added."""
    row_id, relay = hold(journal, "Ann+x@Example.com", "eve@example.com"), ScriptedRelay()
    release = request_release(recipient_id=row_id, actor=administrator)
    assert release is not None
    assert no_worker == [release.pk]
    assert state(row_id) == "releasing"
    perform_release(release_id=release.pk, relay=relay)
    (sent,) = relay.sent
    assert sent.mail_from == address("bob@sender.example")
    assert [r.address.octets for r in sent.recipients] == [b"Ann+x@Example.com"]
    assert relay.octets == [OCTETS]
    row = RecipientRecord.objects.get(pk=row_id)
    assert (row.state, row.outcome, row.reply) == ("released", "held", str(OK))
    assert deeds() == [("release", "root@example.com")]


@pytest.mark.parametrize("outcome", ["pending", "deferred"])
def test_a_copy_of_mail_that_is_still_tried_is_not_released(
    journal: DatabaseJournal,
    administrator: User,
    monkeypatch: pytest.MonkeyPatch,
    outcome: str,
) -> None:
    """A lover's mail that the next hop deferred comes again: a release would double it."""
    row_id = hold(journal)
    RecipientRecord.objects.update(outcome=outcome)
    age = datetime.now(UTC) - RecipientRecord.objects.get().mail.received_at
    monkeypatch.setattr("quarantine.release.SENDERS_TRY", age + timedelta(days=1))
    with pytest.raises(NotAllowed, match="still tries"):
        request_release(recipient_id=row_id, actor=administrator)
    assert state(row_id) == "held"
    monkeypatch.setattr("quarantine.release.SENDERS_TRY", age - timedelta(days=1))
    request_release(recipient_id=row_id, actor=administrator)
    assert state(row_id) == "releasing"


def test_the_null_sender_stays_null(journal: DatabaseJournal, administrator: User) -> None:
    made, relay = entry(held(), mail_from=""), ScriptedRelay()
    journal.open(made, OCTETS)
    row = release_now(
        recipient_id=RecipientRecord.objects.get().pk, actor=administrator, relay=relay
    )
    assert row.state == "released"
    assert relay.sent[0].mail_from == NULL_SENDER


def test_a_release_that_the_next_hop_refuses_has_failed_and_may_be_tried_again(
    journal: DatabaseJournal, administrator: User
) -> None:
    row_id, relay = hold(journal), ScriptedRelay(NO, OK)
    first = release_now(recipient_id=row_id, actor=administrator, relay=relay)
    assert (first.state, first.reply) == ("failed", str(NO))
    again = release_now(recipient_id=row_id, actor=administrator, relay=relay)
    assert (again.state, again.reply) == ("released", str(OK))


def test_a_next_hop_that_defers_is_asked_again_later(
    journal: DatabaseJournal, administrator: User
) -> None:
    """G7: pending and visible, with longer and longer pauses."""
    row_id, relay = hold(journal), ScriptedRelay(BUSY, BUSY, OK)
    row = release_now(recipient_id=row_id, actor=administrator, relay=relay)
    assert (row.state, latest_reply(row)) == ("releasing", str(BUSY))
    release = Release.objects.get()
    assert (release.state, release.tries) == ("waiting", 1)
    perform_release(release_id=release.pk, relay=relay)
    assert len(relay.sent) == 1, "it is not due yet"
    assert not due_releases(datetime.now(UTC)).exists()
    for minutes in (1, 3):
        assert due_releases(datetime.now(UTC) + timedelta(minutes=minutes)).exists()
        Release.objects.update(not_before=datetime.now(UTC))
        perform_release(release_id=release.pk, relay=relay)
    assert state(row_id) == "released"


def test_a_next_hop_that_defers_for_days_has_refused(
    journal: DatabaseJournal, administrator: User
) -> None:
    row_id = hold(journal)
    release = request_release(recipient_id=row_id, actor=administrator)
    assert release is not None
    Release.objects.update(requested_at=datetime.now(UTC) - timedelta(days=4))
    perform_release(release_id=release.pk, relay=ScriptedRelay(BUSY))
    assert state(row_id) == "failed"


def test_of_twenty_people_who_release_at_once_one_wins_and_one_copy_leaves(
    journal: DatabaseJournal, administrator: User
) -> None:
    """G6."""
    row_id, relay, barrier = hold(journal), ScriptedRelay(), threading.Barrier(20)

    def release(_: int) -> str:
        barrier.wait()
        try:
            return str(release_now(recipient_id=row_id, actor=administrator, relay=relay).state)
        except AlreadyReleased as error:
            assert "root@example.com" in str(error)
            return "told"
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(20) as threads:
        answers = Counter(threads.map(release, range(20)))
    assert answers == {"told": 19, "released": 1}
    assert len(relay.sent) == 1


def test_a_release_that_many_workers_take_up_is_sent_once(
    journal: DatabaseJournal, administrator: User
) -> None:
    """G5: the same task delivered many times."""
    release = request_release(recipient_id=hold(journal), actor=administrator)
    relay, barrier = ScriptedRelay(), threading.Barrier(20)
    assert release is not None

    def work(_: int) -> None:
        barrier.wait()
        perform_release(release_id=release.pk, relay=relay)
        connections["default"].close()

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(work, range(20)))
    assert len(relay.sent) == 1


def test_what_a_dead_worker_left_behind_is_taken_up_after_its_lease(
    journal: DatabaseJournal, administrator: User
) -> None:
    """G4."""
    row_id = hold(journal)
    release = request_release(recipient_id=row_id, actor=administrator)
    assert release is not None
    now = datetime.now(UTC)
    Release.objects.update(state="sending", lease_until=now + timedelta(minutes=1), tries=1)
    assert not due_releases(now).exists()
    Release.objects.update(lease_until=now - timedelta(seconds=1))
    perform_release(release_id=release.pk, relay=ScriptedRelay())
    assert state(row_id) == "released"


class Overtaken(ScriptedRelay):
    """Answers only after another worker took the release over."""

    def send(self, submission: Submission) -> Handover:
        Release.objects.update(tries=2)
        return super().send(submission)


@pytest.mark.parametrize(("reply", "expected"), [(OK, "released"), (NO, "releasing")])
def test_of_a_worker_that_lost_its_lease_only_a_success_counts(
    journal: DatabaseJournal, administrator: User, reply: Reply, expected: str
) -> None:
    row_id = hold(journal)
    release = request_release(recipient_id=row_id, actor=administrator)
    assert release is not None
    perform_release(release_id=release.pk, relay=Overtaken(reply))
    assert state(row_id) == expected


def test_a_damaged_copy_is_never_sent(journal: DatabaseJournal, administrator: User) -> None:
    row_id, relay = hold(journal), ScriptedRelay()
    BodyChunk.objects.update(octets=b"something else")
    row = release_now(recipient_id=row_id, actor=administrator, relay=relay)
    assert (row.state, relay.sent) == ("failed", [])


def test_a_command_does_not_wait_for_ever(journal: DatabaseJournal, administrator: User) -> None:
    row_id, answer = hold(journal), threading.Event()

    class Slow(ScriptedRelay):
        def send(self, submission: Submission) -> Handover:
            answer.wait()
            return super().send(submission)

    row = release_now(recipient_id=row_id, actor=administrator, relay=Slow(), seconds=0.1)
    assert row.state == "releasing"
    answer.set()
    for thread in threading.enumerate():
        if thread.name == "release":
            thread.join(20)
    assert state(row_id) == "released"


def person(role: Role, *, mailbox: str = "", domain: str = "") -> User:
    user, _ = User.objects.get_or_create(email=f"{role}@example.com", role=role)
    if mailbox:
        user.mailboxes.add(
            Mailbox.objects.get_or_create(address=mailbox, domain=mailbox.partition("@")[2])[0]
        )
    if domain:
        user.domains.add(Domain.objects.get_or_create(name=domain)[0])
    return user


def test_an_owner_asks_for_infected_mail_and_a_manager_grants_or_declines_it(
    journal: DatabaseJournal, no_worker: list[int]
) -> None:
    infected = {"categories": (Category.VIRUS,), "blocked_by": Category.VIRUS}
    row_id = hold(journal, "ann+x@example.com", destiny=Destiny.DISCARD, **infected)
    owner = person(Role.OWNER, mailbox="ann@example.com")
    manager = person(Role.MANAGER, domain="example.com")
    assert request_release(recipient_id=row_id, actor=owner) is None
    assert (state(row_id), no_worker) == ("requested", [])
    assert request_release(recipient_id=row_id, actor=owner) is None
    decline(recipient_id=row_id, actor=manager)
    assert state(row_id) == "held"
    request_release(recipient_id=row_id, actor=owner)
    assert request_release(recipient_id=row_id, actor=manager) is not None
    assert [deed for deed, _ in deeds()] == ["ask", "decline", "ask", "release"]


def test_an_owner_releases_spam_of_the_own_mailbox_alone(journal: DatabaseJournal) -> None:
    owner = person(Role.OWNER, mailbox="ann@example.com")
    mine, other = hold(journal, "ann@example.com"), hold(journal, "eve@example.com")
    assert request_release(recipient_id=mine, actor=owner) is not None
    for verb in (request_release, delete_held, restore):
        with pytest.raises(NotAllowed):
            verb(recipient_id=other, actor=owner)
    assert state(other) == "held"


def test_an_auditor_and_a_helpdesk_cannot_delete(journal: DatabaseJournal) -> None:
    row_id = hold(journal)
    with pytest.raises(NotAllowed):
        request_release(recipient_id=row_id, actor=person(Role.AUDITOR))
    with pytest.raises(NotAllowed):
        delete_held(recipient_id=row_id, actor=person(Role.HELPDESK, domain="example.com"))


def test_deleted_mail_lies_in_the_bin_and_comes_back(
    journal: DatabaseJournal, administrator: User
) -> None:
    row_id = hold(journal)
    delete_held(recipient_id=row_id, actor=administrator)
    assert state(row_id) == "deleted"
    with pytest.raises(NotAllowed, match="restore it first"):
        request_release(recipient_id=row_id, actor=administrator)
    restore(recipient_id=row_id, actor=administrator)
    assert release_now(recipient_id=row_id, actor=administrator, relay=ScriptedRelay()).state == (
        "released"
    )
    assert [deed for deed, _ in deeds()] == ["delete", "restore", "release"]


@pytest.mark.parametrize(
    ("now_in", "error"),
    [("released", AlreadyReleased), ("releasing", AlreadyReleased), ("expired", Expired)],
)
def test_what_is_gone_cannot_be_released_or_deleted(
    journal: DatabaseJournal, administrator: User, now_in: str, error: type[ReleaseError]
) -> None:
    row_id = hold(journal)
    RecipientRecord.objects.update(state=now_in)
    for verb in (request_release, delete_held):
        with pytest.raises(error):
            verb(recipient_id=row_id, actor=administrator)
    assert state(row_id) == now_in
    assert deeds() == []


@pytest.mark.parametrize("attempt", range(5))
def test_a_release_races_a_deletion_and_one_of_them_happens(
    journal: DatabaseJournal, administrator: User, attempt: int
) -> None:
    row_id, barrier = hold(journal), threading.Barrier(2)

    def act(verb: Callable[..., object]) -> str:
        barrier.wait()
        try:
            verb(recipient_id=row_id, actor=administrator)
        except ReleaseError:
            return "refused"
        finally:
            connections["default"].close()
        return "done"

    with ThreadPoolExecutor(2) as threads:
        answers = sorted(threads.map(act, (request_release, delete_held)))
    assert answers == ["done", "refused"]


def test_nobody_can_change_what_was_done(journal: DatabaseJournal, administrator: User) -> None:
    delete_held(recipient_id=hold(journal), actor=administrator)
    for change in (lambda: MailEvent.objects.update(actor="x"), MailEvent.objects.all().delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_a_state_that_there_is_not_is_refused_by_the_database(journal: DatabaseJournal) -> None:
    hold(journal)
    for column in ("state", "outcome", "category", "destiny"):
        with pytest.raises(DatabaseError), transaction.atomic():
            RecipientRecord.objects.update(**{column: "odd"})


def test_without_redis_a_release_waits_for_the_sweeper(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """G1."""

    def no_redis(*_: object, **__: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(wake.current_app, "send_task", no_redis)
    wake.wake_sender(5)
    assert "release 5 waits for the sweeper" in caplog.text


def test_a_release_reaches_the_next_hop_byte_for_byte(
    journal: DatabaseJournal, administrator: User
) -> None:
    octets = b"Subject: x\r\n\r\n.\r\n..dots\r\n\x00\xff\xfe" + b"long" * 5000 + b"\r\n"
    journal.open(entry(held(), octets=octets), octets)
    with NextHop() as hop:
        relay = SmtpRelay(Endpoint.parse(hop.endpoint), "filter.example")
        row_id = RecipientRecord.objects.get().pk
        row = release_now(recipient_id=row_id, actor=administrator, relay=relay)
        relay.close()
    (taken,) = hop.ledger
    assert taken.content == octets
    assert row.state == "released"
    assert row.reply.startswith("250 ")


class CuttingRelay(ScriptedRelay):
    """Takes the copy; meanwhile Postgres ends the connection of the one who sends it."""

    def send(self, submission: Submission) -> Handover:
        connections["default"].connection.close()
        return super().send(submission)


def test_an_answer_is_written_though_postgres_was_away_meanwhile(
    journal: DatabaseJournal, administrator: User
) -> None:
    """Else the sweeper would send a second copy when the lease is over (G5)."""
    row_id, relay = hold(journal), CuttingRelay()
    release = request_release(recipient_id=row_id, actor=administrator)
    assert release is not None
    perform_release(release_id=release.pk, relay=relay)
    assert state(row_id) == "released"
    assert not due_releases(datetime.now(UTC) + timedelta(days=1)).exists()
