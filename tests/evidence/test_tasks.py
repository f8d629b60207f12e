"""What Celery wakes up: thin wrappers around verbs whose truth is in Postgres."""

from datetime import UTC, datetime, timedelta

import pytest
from celery import current_app

from appliance.accounts.models import User
from appliance.celery import app
from quarantine import tasks
from quarantine.models import MailRecord, RecipientRecord, Release
from quarantine.nexthop import notify_relay
from quarantine.release import request_release
from quarantine.store import DatabaseJournal
from quarantine.wake import SEND_RELEASE
from tests.evidence.builders import OCTETS, ScriptedRelay, entry, held


def test_every_task_that_is_named_anywhere_exists() -> None:
    current_app.loader.import_default_modules()  # as a worker does at its start
    named = {SEND_RELEASE, *(row["task"] for row in app.conf.beat_schedule.values())}
    assert named <= set(current_app.tasks)


def test_a_woken_worker_sends_the_release_once(
    journal: DatabaseJournal, administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = ScriptedRelay()
    monkeypatch.setattr(tasks, "notify_relay", lambda: relay)
    journal.open(entry(held()), OCTETS)
    release = request_release(recipient_id=RecipientRecord.objects.get().pk, actor=administrator)
    assert release is not None
    for _ in range(2):
        tasks.send_release.apply([release.pk])
    assert relay.octets == [OCTETS]
    assert RecipientRecord.objects.get().state == "released"


def test_the_sweeper_finds_what_no_call_woke_up(
    journal: DatabaseJournal, administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[int] = []
    monkeypatch.setattr(tasks.send_release, "delay", woken.append)
    journal.open(entry(held(), held("eve@example.com")), OCTETS)
    due, later = (
        request_release(recipient_id=row.pk, actor=administrator)
        for row in RecipientRecord.objects.order_by("pk")
    )
    assert due is not None
    assert later is not None
    Release.objects.filter(pk=later.pk).update(not_before=datetime.now(UTC) + timedelta(hours=1))
    tasks.send_due_releases.apply()
    assert woken == [due.pk]


def test_the_retention_task_expires_what_is_due(journal: DatabaseJournal) -> None:
    journal.open(entry(held()), OCTETS)
    RecipientRecord.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    tasks.retain.apply()
    assert RecipientRecord.objects.get().state == "expired"
    assert not MailRecord.objects.get().has_body


def test_released_mail_goes_to_the_next_hop_for_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    """FILTER_NOTIFY, which is FILTER_RELAY where it is not set: past the filter."""
    monkeypatch.setenv("FILTER_RELAY", "192.0.2.1:10026")
    monkeypatch.delenv("FILTER_NOTIFY", raising=False)
    notify_relay.cache_clear()
    assert notify_relay().name == "smtp:[192.0.2.1]:10026"
    monkeypatch.setenv("FILTER_NOTIFY", "192.0.2.2:25")
    notify_relay.cache_clear()
    assert notify_relay().name == "smtp:[192.0.2.2]:25"
    notify_relay.cache_clear()
