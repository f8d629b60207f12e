"""One engine's place at the board: how many ask it at once, for how long, and when not at all.

Each engine has its own semaphore, so that quick virus scans never queue behind slow spam scans;
its deadline, which includes the wait for a turn; its circuit breaker; and one second try where
the connection broke early (A1, B3).
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from smtpfilter.ports.engines import ConnectionBroke, ScannerFailed
from smtpfilter.scan.breaker import FAILURES, PAUSE_SECONDS, Breaker
from smtpfilter.scan.wire import Clock, Deadline

_log = logging.getLogger("postern.scan")

Found = TypeVar("Found")
AT_ONCE_SECONDS = 1.0  # a connection that breaks within this cost nobody any time

_RESTING = f"failed {FAILURES} times in a row, is asked again after {PAUSE_SECONDS:g} seconds"


class Seat:
    """One engine's place at the board: its turn, its time, its breaker."""

    def __init__(
        self, name: str, *, at_once: int, seconds: float, clock: Clock = time.monotonic
    ) -> None:
        self.name = name
        self._turns = threading.BoundedSemaphore(at_once)
        self._seconds = seconds
        self._clock = clock
        self._breaker = Breaker(clock)

    def ask(self, scan: Callable[[float], Found], within: float | None = None) -> Found:
        """Return `scan(seconds left)`; `within`: what the message's own time leaves.

        Raises ScannerFailed, at once where the breaker is open.
        """
        seconds = self._seconds if within is None else min(within, self._seconds)
        deadline = Deadline(seconds, self._clock)
        if self._breaker.refuses():
            raise ScannerFailed(f"{self.name}: {_RESTING}")
        if not self._turns.acquire(timeout=seconds):
            raise ScannerFailed(f"{self.name}: all its scans are taken, none became free in time")
        try:
            return self._watched(scan, deadline)
        except ScannerFailed as failure:
            raise ScannerFailed(f"{self.name}: {failure}") from failure
        finally:
            self._turns.release()

    def _watched(self, scan: Callable[[float], Found], deadline: Deadline) -> Found:
        if not self._breaker.admits():
            raise ScannerFailed(_RESTING)
        started = self._clock()
        try:
            found = self._twice(scan, deadline)
        except BaseException as failure:
            at_once = self._clock() - started < AT_ONCE_SECONDS
            if isinstance(failure, ConnectionBroke) and at_once:
                self._breaker.close()
            elif self._breaker.failed():
                _log.warning("%s fails: not asked for %g seconds", self.name, PAUSE_SECONDS)
            raise
        if self._breaker.is_open:
            _log.warning("%s answers again", self.name)
        self._breaker.close()
        return found

    def _twice(self, scan: Callable[[float], Found], deadline: Deadline) -> Found:
        """A connection that breaks with at least half of the time left gets a second try."""
        try:
            return scan(deadline.remaining())
        except ConnectionBroke:
            if deadline.remaining() < self._seconds / 2:
                raise
            return scan(deadline.remaining())
