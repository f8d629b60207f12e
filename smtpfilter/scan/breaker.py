"""A circuit breaker: an engine that failed time and again is not asked for a while (A2, B2).

Closed, every call goes through.  After FAILURES in a row it opens: calls fail at once, so that no
message waits for an engine that hangs.  After PAUSE_SECONDS one call at a time is let through as
a probe; its success closes the breaker, and mail flows again by itself.  An engine that is plainly
down opens nothing: calls to it fail at once anyway, and the first one after its return succeeds.
"""

import threading
import time

from smtpfilter.scan.wire import Clock

FAILURES = 5
PAUSE_SECONDS = 10.0


class Breaker:
    """Safe for threads.  After `admits()` returned True comes `close()` or `failed()`."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._probing = False
        self._next_probe = 0.0

    @property
    def is_open(self) -> bool:
        return self._failures >= FAILURES

    def refuses(self) -> bool:
        """Tell whether a call would be refused now, without making one."""
        return self.is_open and (self._probing or self._clock() < self._next_probe)

    def admits(self) -> bool:
        """Tell whether the engine may be asked now; while open, one caller after the pause."""
        with self._lock:
            if self.refuses():
                return False
            self._probing = self.is_open
            return True

    def close(self) -> None:
        """Let all calls through: the engine answers, or says at once that it does not."""
        with self._lock:
            self._failures = 0
            self._probing = False

    def failed(self) -> bool:
        """Count a failure; return whether this one opened the breaker."""
        with self._lock:
            self._failures += 1
            self._probing = False
            self._next_probe = self._clock() + PAUSE_SECONDS
            return self._failures == FAILURES
