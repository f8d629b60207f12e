"""Alarms in Postgres: sounded as often as one likes, over when nobody sounds them any more."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from appliance.errors import Unknown
from appliance.policies.models import PolicyChange
from appliance.status import alarms
from appliance.status.alarms import (
    FRESH,
    SECONDS_BETWEEN,
    DatabaseAlarms,
    current_alarms,
    dismiss_alarm,
    write_alarm,
)
from appliance.status.models import Alarm


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """What the writing thread would have stored."""
    kept: list[tuple[str, str, int]] = []

    def keep(*, name: str, text: str, times: int) -> None:
        if text == "Postgres is away":
            raise OSError(text)
        kept.append((name, text, times))

    monkeypatch.setattr(alarms, "write_alarm", keep)
    return kept


def test_an_alarm_is_written_once_in_a_while_and_counted(
    written: list[tuple[str, str, int]],
) -> None:
    clock = Clock()
    sounding = DatabaseAlarms(clock)
    for _ in range(5):
        sounding.sound("a", "first")
        sounding.sound("b", "other")
    clock.now += SECONDS_BETWEEN
    sounding.sound("a", "second")
    sounding.flush()
    assert sorted(written) == [("a", "first", 1), ("a", "second", 5), ("b", "other", 1)]


def test_hostile_text_is_made_visible_and_short(written: list[tuple[str, str, int]]) -> None:
    """P6."""
    sounding = DatabaseAlarms()
    sounding.sound("x\0" * 100, "y\ud800" * 1000)
    sounding.flush()
    ((name, text, _),) = written
    assert (name, text) == ("x\ufffd" * 50, "y\ufffd" * 500)


def test_what_fails_in_writing_hurts_nobody(written: list[tuple[str, str, int]]) -> None:
    sounding = DatabaseAlarms()
    sounding.sound("a", "Postgres is away")
    sounding.sound("b", "it is back")
    sounding.flush()
    assert written == [("b", "it is back", 1)]


def test_nobody_waits_for_a_postgres_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(alarms, "write_alarm", lambda **_: go_on.wait(30))
    sounding = DatabaseAlarms()
    for number in range(3 * alarms.MOST_WAITING):
        sounding.sound(f"alarm {number}", "text")
    go_on.set()
    sounding.flush()


@pytest.mark.django_db(transaction=True)
def test_the_thread_writes_to_postgres_and_keeps_no_connection() -> None:
    sounding = DatabaseAlarms()
    sounding.sound("a scanner of this test", "it gives no answer")
    sounding.flush()
    told = [(alarm.name, alarm.text, alarm.count) for alarm in current_alarms(timezone.now())]
    assert ("a scanner of this test", "it gives no answer", 1) in told
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'INSERT INTO status_alarm%'"
        )
        assert cursor.fetchone() == (0,)


def age(name: str, passed: timedelta) -> datetime:
    """Move the alarm into the past; return when it was first sounded."""
    alarm = Alarm.objects.get(name=name)
    alarm.first_at -= passed
    alarm.last_at -= passed
    alarm.save()
    return alarm.first_at


def test_one_that_goes_on_is_the_same_alarm(db: None) -> None:
    write_alarm(name="a", text="first")
    began = age("a", timedelta(minutes=14))
    write_alarm(name="a", text="second", times=3)
    (alarm,) = current_alarms(timezone.now())
    assert (alarm.text, alarm.first_at, alarm.count) == ("second", began, 4)


def test_one_that_nobody_sounds_is_over_and_its_return_is_a_new_one(db: None) -> None:
    write_alarm(name="a", text="first")
    began = age("a", FRESH)
    assert current_alarms(timezone.now()) == []
    write_alarm(name="a", text="second")
    (alarm,) = current_alarms(timezone.now())
    assert alarm.count == 1
    assert alarm.first_at > began


def test_a_dismissed_one_is_gone_until_it_is_sounded_again(db: None) -> None:
    write_alarm(name="a", text="first")
    dismiss_alarm(name="a", actor="ann@example.com")
    assert current_alarms(timezone.now()) == []
    change: Any = PolicyChange.objects.latest("number")
    assert (change.who, change.verb, change.key) == ("ann@example.com", "alarm dismiss", "a")
    with pytest.raises(Unknown, match="no alarm 'a'"):
        dismiss_alarm(name="a", actor="ann@example.com")
    write_alarm(name="a", text="again")
    assert len(current_alarms(timezone.now())) == 1
