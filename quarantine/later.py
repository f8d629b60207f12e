"""Writes that Postgres did not take are tried again for a minute, beside the mail flow.

The reply to the sender must neither change nor wait for them.  What is written for one message is
merged, so that an older write never overtakes a newer one.  The thread lives only while there is
work; it is no daemon thread, so a process that drains ends after it.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from django.db import close_old_connections, connection

from smtpfilter.mail.envelope import MailId
from smtpfilter.verdict.outcome import Settlement

TRIED_SECONDS = 60.0
PAUSE_SECONDS = 1.0
MOST_MESSAGES = 10_000  # that may wait; beyond them writes are lost, with a line in the log

_log = logging.getLogger("postern")


@dataclass(frozen=True, slots=True)
class Write:
    """What is to be written for one message: the number of its attempt, its row, its lease."""

    attempt: int
    mail_number: int
    retry_key: bytes | None
    owner: str
    settled: dict[bytes, Settlement]
    closing: bool
    since: float = field(default_factory=time.monotonic)

    def merged(self, newer: "Write") -> "Write":
        return replace(newer, settled=self.settled | newer.settled, since=self.since)


class LaterWrites:
    """`write` may raise; `done` is told of every message that is closed or given up."""

    def __init__(self, write: Callable[[Write], None], done: Callable[[int], None]) -> None:
        self._write, self._done = write, done
        self._waiting: dict[int, Write] = {}
        self._at_work: int | None = None
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, write: Write) -> None:
        with self._change:
            older = self._waiting.get(write.attempt)
            if older is None and len(self._waiting) >= MOST_MESSAGES:
                self._give_up(write)
                return
            self._waiting[write.attempt] = older.merged(write) if older else write
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="journal-later")
                with suppress(RuntimeError):  # out of threads: it waits for the next write's
                    thread.start()
                    self._thread = thread
            self._change.notify_all()

    def has(self, attempt: int) -> bool:
        """Tell whether something of this message is still to be written."""
        with self._change:
            return attempt in self._waiting or attempt == self._at_work

    def flush(self, seconds: float) -> bool:
        """Wait until everything is written or given up; False where that took longer."""
        with self._change:
            return self._change.wait_for(lambda: self._thread is None, seconds)

    def _run(self) -> None:
        try:
            while (write := self._take()) is not None:
                if not self._tried(write):
                    self._put_back(write)
                    time.sleep(PAUSE_SECONDS)
        finally:
            connection.close()

    def _put_back(self, write: Write) -> None:
        """Queue it behind the others, merged with what has come for its message in the meantime."""
        with self._change:
            newer = self._waiting.pop(write.attempt, None)
            self._waiting[write.attempt] = write.merged(newer) if newer else write
            self._at_work = None

    def _take(self) -> Write | None:
        with self._change:
            self._at_work = None
            if not self._waiting:
                self._thread = None
                self._change.notify_all()
                return None
            write = self._waiting.pop(next(iter(self._waiting)))
            self._at_work = write.attempt
            return write

    def _tried(self, write: Write) -> bool:
        """Return True where nothing is left to do for this write."""
        try:
            close_old_connections()
            self._write(write)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next try may go better
            if time.monotonic() - write.since < TRIED_SECONDS:
                return False
            _log.error("journal: %s", type(error).__name__)
            self._give_up(write)
            return True
        if write.closing:
            self._done(write.attempt)
        return True

    def _give_up(self, write: Write) -> None:
        outcomes = ", ".join(sorted({str(s.outcome) for s in write.settled.values()}))
        _log.error("journal: gave up on %s (%s)", MailId(write.attempt), outcomes)
        self._done(write.attempt)
