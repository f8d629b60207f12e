"""What time does to the journal: expiry, the bin, the end of octets, attempts and records."""

from datetime import UTC, datetime, timedelta

import pytest

from appliance.accounts.models import User
from quarantine import retention
from quarantine.bin import delete_held, restore
from quarantine.errors import Expired
from quarantine.models import (
    Attempt,
    BodyChunk,
    MailEvent,
    MailRecord,
    RecipientRecord,
    Release,
    RetryKey,
)
from quarantine.release import release_now, request_release
from quarantine.retention import retain
from quarantine.store import DatabaseJournal
from tests.evidence.builders import OCTETS, ScriptedRelay, delivered, entry, held

NOW = datetime.now(UTC)
SOON, LATER = NOW + timedelta(days=29), NOW + timedelta(days=31)


def states() -> list[str | None]:
    return list(RecipientRecord.objects.order_by("pk").values_list("state", flat=True))


def test_a_copy_expires_after_its_days_and_its_octets_go(journal: DatabaseJournal) -> None:
    journal.open(entry(held(), held("eve@example.com"), delivered("b@x.org")), OCTETS)
    assert not any(retain(now=SOON).values())
    assert states() == ["held", "held", None]
    assert retain(now=LATER) == {"expired": 2, "purged": 1, "forgotten": 0, "ended": 0}
    assert states() == ["expired", "expired", None]
    assert not BodyChunk.objects.exists()
    assert not MailRecord.objects.get().has_body
    assert set(MailEvent.objects.values_list("deed", "actor", "recipient")) == {
        ("expire", "retention", "ann@example.com"),
        ("expire", "retention", "eve@example.com"),
    }


def test_octets_stay_while_one_recipient_needs_them(
    journal: DatabaseJournal, administrator: User
) -> None:
    journal.open(entry(held(), held("eve@example.com")), OCTETS)
    first = RecipientRecord.objects.order_by("pk")[0]
    RecipientRecord.objects.exclude(pk=first.pk).update(state="expired")
    assert retain(now=SOON)["purged"] == 0
    request_release(recipient_id=first.pk, actor=administrator)
    assert retain(now=LATER)["purged"] == 0, "a copy that is being released is never purged"
    assert states()[0] == "releasing"


def test_a_released_copy_can_be_looked_at_until_it_would_have_expired(
    journal: DatabaseJournal, administrator: User
) -> None:
    journal.open(entry(held()), OCTETS)
    row_id = RecipientRecord.objects.get().pk
    release_now(recipient_id=row_id, actor=administrator, relay=ScriptedRelay())
    assert retain(now=SOON)["purged"] == 0
    assert retain(now=LATER) == {"expired": 0, "purged": 1, "forgotten": 0, "ended": 0}
    assert states() == ["released"]


def test_the_bin_is_emptied_after_72_hours(journal: DatabaseJournal, administrator: User) -> None:
    journal.open(entry(held()), OCTETS)
    row_id = RecipientRecord.objects.get().pk
    delete_held(recipient_id=row_id, actor=administrator)
    assert retain(now=NOW + timedelta(hours=71))["expired"] == 0
    assert retain(now=NOW + timedelta(hours=73))["expired"] == 1
    with pytest.raises(Expired):
        restore(recipient_id=row_id, actor=administrator)


def test_attempts_are_remembered_for_seven_days(journal: DatabaseJournal) -> None:
    journal.open(entry(held(), key=b"k" * 32), OCTETS)
    assert retain(now=NOW + timedelta(days=6))["forgotten"] == 0
    assert retain(now=NOW + timedelta(days=8))["forgotten"] == 1
    assert not RetryKey.objects.exists()
    assert not Attempt.objects.exists()


def test_a_record_ends_after_its_days_and_the_events_outlive_it(
    journal: DatabaseJournal, administrator: User
) -> None:
    journal.open(entry(held()), OCTETS)
    journal.open(entry(delivered()), OCTETS)
    row_id = RecipientRecord.objects.order_by("pk")[0].pk
    release_now(recipient_id=row_id, actor=administrator, relay=ScriptedRelay())
    assert retain(now=NOW + timedelta(days=89))["ended"] == 0
    assert retain(now=NOW + timedelta(days=91))["ended"] == 2
    assert not MailRecord.objects.exists()
    assert not Release.objects.exists()
    assert MailEvent.objects.count() == 1


def test_many_copies_expire_batch_by_batch(
    journal: DatabaseJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention, "PURGED_AT_ONCE", 3)
    for _ in range(5):
        journal.open(entry(held()), OCTETS)
    done = retain(now=LATER)
    assert (done["expired"], done["purged"]) == (5, 5)
    assert retain(now=NOW + timedelta(days=91))["ended"] == 5
