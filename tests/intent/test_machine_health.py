"""The parts that tell of disk and Celery, with real folders and a stand-in for Redis."""

from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from redis import RedisError

from appliance.status import health, heartbeat, tasks
from appliance.status.disk import disk
from appliance.status.probe import Probe

Room = namedtuple("Room", "total used free")


class Redis:
    """What is used of Redis."""

    def __init__(self, waiting: int = 0) -> None:
        self.kept: dict[str, bytes] = {}
        self._waiting = waiting

    def llen(self, name: str) -> int:
        assert name == "celery"
        return self._waiting

    def set(self, name: str, value: str, ex: int) -> None:
        assert ex > heartbeat.SILENT_SECONDS
        self.kept[name] = value.encode()

    def get(self, name: str) -> bytes | None:
        return self.kept.get(name)


@pytest.mark.parametrize(
    ("free", "ok", "warns"), [(50, True, False), (10, True, True), (2, False, True)]
)
def test_a_disk_that_fills_up_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, ok: bool, warns: bool
) -> None:
    room = Room(100e9, (100 - free) * 1e9, free * 1e9)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: room)

    told = disk(tmp_path, tmp_path / "missing")

    assert told == Probe(ok, f"{free}.0 GB of 100.0 free at {tmp_path}", warns=warns)


@pytest.mark.parametrize(
    ("ago", "waiting", "said", "warns"),
    [
        (None, 0, "Redis answers, 0 tasks wait, Celery was never at work: do its worker", True),
        (12, 1, "Redis answers, 1 task waits, Celery was at work 12 s ago", False),
        (600, 90, "90 tasks wait, Celery was last at work 10 min ago: do its worker", True),
    ],
)
def test_a_silent_celery_is_told(
    monkeypatch: pytest.MonkeyPatch, ago: int | None, waiting: int, said: str, warns: bool
) -> None:
    redis = Redis(waiting)
    monkeypatch.setattr(health, "broker", lambda seconds: redis)
    monkeypatch.setattr("time.time", lambda: 5000.0)
    if ago is not None:
        heartbeat.beat(redis)
        monkeypatch.setattr("time.time", lambda: 5000.0 + ago)

    told = health._broker()

    assert said in told.detail
    assert (told.ok, told.warns) == (True, warns)


def test_each_minute_celery_gives_its_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where Redis is gone the engines are asked."""
    redis, asked = Redis(), []
    monkeypatch.setattr(tasks, "broker", lambda seconds: redis)
    monkeypatch.setattr(tasks, "probe_all", lambda: asked.append("all") or {})

    tasks.self_test()
    monkeypatch.setattr(tasks, "beat", _gone)
    tasks.self_test()

    assert heartbeat.seconds_since_beat(redis) is not None
    assert asked == ["all", "all"]


def _gone(redis: Any) -> None:
    raise RedisError("gone")


@pytest.mark.parametrize(("seconds", "took"), [(None, ""), (0.0123, "12 ms"), (1.26, "1.3 s")])
def test_the_time_of_an_answer_is_told_in_words(seconds: float | None, took: str) -> None:
    assert Probe(True, "answers", seconds=seconds).took == took
