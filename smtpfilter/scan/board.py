"""The board of engines: who is asked, how many at once, for how long, and what a failure is called.

Each engine has its own semaphore, so that quick virus scans never queue behind slow spam scans;
its deadline, which includes the wait for a turn; its circuit breaker; and one second try where
the connection broke early (A1, B3).  Nothing here raises for what an engine does, and no text
holds mail content.

An engine that is not configured was not asked by choice: no finding, no failure.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from smtpfilter.config import FilterConfig
from smtpfilter.mail.findings import SpamReport
from smtpfilter.policy.site import Site
from smtpfilter.ports import (
    ConnectionBroke,
    Letter,
    ScannerFailed,
    SpamScanner,
    Specimen,
    VirusScan,
    VirusScanner,
)
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

    def ask(self, scan: Callable[[float], Found]) -> Found:
        """Return `scan(seconds left)`.  Raises ScannerFailed, at once where the breaker is open."""
        deadline = Deadline(self._seconds, self._clock)
        if self._breaker.refuses():
            raise ScannerFailed(f"{self.name}: {_RESTING}")
        if not self._turns.acquire(timeout=self._seconds):
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


class Board:
    """All engines of one process (ports.Engines).  To be made after the fork."""

    def __init__(
        self,
        *,
        virus: Sequence[VirusScanner],
        spam: SpamScanner | None,
        config: FilterConfig,
        clock: Clock = time.monotonic,
    ) -> None:
        seat = partial(Seat, clock=clock)
        patience = config.virus_timeout_seconds
        self._virus = [
            (scanner, seat(scanner.name, at_once=config.virus_scans, seconds=patience))
            for scanner in virus
        ]
        patience = config.spam_timeout_seconds
        self._spam = spam
        self._spam_seat = seat("spamd", at_once=config.spam_scans, seconds=patience)

    def scan_viruses(self, specimen: Specimen, site: Site) -> VirusScan:
        """Ask every virus scanner; one definite answer is enough (V-2), all findings count."""
        answers: list[VirusScan] = []
        failures: list[str] = []
        for scanner, seat in self._virus:
            try:
                answers.append(seat.ask(partial(scanner.scan, specimen)))
            except ScannerFailed as failure:
                failures.append(str(failure))
        if not answers:
            return VirusScan(viruses=None, failure="; ".join(failures) or None)
        return VirusScan(
            viruses=tuple(virus for answer in answers for virus in answer.viruses or ()),
            unchecked=tuple(item for answer in answers for item in answer.unchecked),
        )

    def scan_spam(self, letter: Letter, site: Site) -> tuple[SpamReport | None, str | None]:
        """Ask the spam engine: (report, None), (None, why), or (None, None) where there is none."""
        spam = self._spam
        if spam is None:
            return None, None
        try:
            return self._spam_seat.ask(partial(spam.scan, letter)), None
        except ScannerFailed as failure:
            return None, str(failure)
