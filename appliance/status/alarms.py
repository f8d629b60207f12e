"""Alarms: what is wrong with the appliance and needs a person, kept in Postgres.

Whoever notices sounds the alarm as often as he likes; one that nobody has sounded for FRESH is
over.  A person may dismiss one; it comes back when it is sounded again.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from appliance.errors import Unknown
from appliance.policies.revisions import record
from appliance.status.models import Alarm
from smtpfilter.mail.findings import visible

_log = logging.getLogger("postern.alarms")

FRESH = timedelta(minutes=15)  # screens say so
SECONDS_BETWEEN = 30.0  # the same alarm of one process is written that often
MOST_WAITING = 100
LONGEST_NAME, LONGEST_TEXT = 100, 1000

_UPSERT = """
    INSERT INTO status_alarm (name, text, first_at, last_at, count)
    VALUES (%(name)s, %(text)s, now(), now(), %(times)s)
    ON CONFLICT (name) DO UPDATE SET
        text = excluded.text,
        last_at = excluded.last_at,
        (first_at, count) = (
            SELECT CASE WHEN fresh THEN status_alarm.first_at ELSE excluded.first_at END,
                   CASE WHEN fresh THEN status_alarm.count ELSE 0 END + excluded.count
            FROM (SELECT status_alarm.last_at > now() - %(fresh)s) AS earlier (fresh)
        )"""


class DatabaseAlarms:
    """Alarms of one process (ports.Alarms), written by a thread of its own.  To be made after the
    fork.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._heard: dict[str, int] = {}  # since they were last written
        self._written_at: dict[str, float] = {}
        self._waiting: queue.Queue[tuple[str, str, int]] = queue.Queue(MOST_WAITING)
        self._writer: threading.Thread | None = None

    def sound(self, name: str, text: str) -> None:
        """Raise the alarm; see ports.Alarms."""
        name = visible(name, LONGEST_NAME)
        with self._lock:
            self._heard[name] = self._heard.get(name, 0) + 1
            now = self._clock()
            if now - self._written_at.get(name, -SECONDS_BETWEEN) < SECONDS_BETWEEN:
                return
            self._written_at[name] = now
            try:
                self._waiting.put_nowait((name, visible(text, LONGEST_TEXT), self._heard.pop(name)))
            except queue.Full:
                return  # Postgres is away; it will be sounded again
            self._run()
        _log.error("alarm %s: %s", name, visible(text, LONGEST_TEXT))

    def flush(self) -> None:
        """Wait until what was sounded so far is written, or given up."""
        self._waiting.join()

    def _run(self) -> None:
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_all, name="alarms", daemon=True)
            self._writer.start()

    def _write_all(self) -> None:
        while True:
            name, text, times = self._waiting.get()
            try:
                write_alarm(name=name, text=text, times=times)
            except Exception as error:  # noqa: BLE001 - whatever fails here, mail goes on
                _log.warning("alarm %s cannot be written: %s", name, type(error).__name__)
            finally:
                connection.close()
                self._waiting.task_done()


def write_alarm(*, name: str, text: str, times: int = 1) -> None:
    """Store that the alarm was sounded.  Raises DatabaseError."""
    with connection.cursor() as cursor:
        name, text = visible(name, LONGEST_NAME), visible(text, LONGEST_TEXT)
        told: dict[str, Any] = {"name": name, "text": text, "times": times, "fresh": FRESH}
        cursor.execute(_UPSERT, told)


def end_alarm(*, name: str) -> None:
    """Forget the alarm, since what it told is over; nothing where it was not sounded."""
    Alarm.objects.filter(name=name).delete()


def current_alarms(now: datetime) -> list[Alarm]:
    """Return the alarms that were sounded lately, the newest first."""
    return list(Alarm.objects.filter(last_at__gt=now - FRESH))


@transaction.atomic
def dismiss_alarm(*, name: str, actor: str) -> None:
    """Forget the alarm until it is sounded again.  Raises Unknown."""
    if not Alarm.objects.filter(name=name).delete()[0]:
        raise Unknown(f"there is no alarm {visible(name, LONGEST_NAME)!r}")
    record(who=actor, verb="alarm dismiss", key=name, before={}, after=None)
