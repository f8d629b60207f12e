"""How much unpacking one message may cost, and what the child that does it may use of the machine.

A limit ends the container that reached it, or the message: what was found until then counts, what
stands beside it is still looked into, and the rest is told as unchecked, never passed over (X-2).
"""

import copy
import ctypes
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from smtpfilter.mail.findings import UncheckedKind
from smtpfilter.policy.site import Limits
from smtpfilter.unpack.confine import confine

_PR_SET_PDEATHSIG = 1  # prctl(2)
MEMORY_BYTES = 1 << 30  # the child's address space
FILE_BYTES = 300_000_000  # one file that the child writes
OPEN_FILES = 64


class Unlookable(Exception):
    """Unpacking cannot go on: `kind` and `args[0]` become an Unchecked."""

    def __init__(self, kind: UncheckedKind, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(slots=True)
class _Purse:
    """What may still be spent."""

    parts: int
    octets: int


class Budget:
    """What is left of the limits for one message of `size_bytes`.  Raises Unlookable when spent.

    The message itself has one purse, and every container in it one of its own, so that a bomb does
    not hide what comes after it (X-2).  All containers together spend CONTAINERS_TOGETHER times as
    much at most, and time is the same for all.
    """

    CONTAINERS_TOGETHER = 4

    def __init__(
        self, limits: Limits, size_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = limits
        octets = min(limits.content_bytes, max(limits.free_bytes, limits.ratio * size_bytes))
        times = self.CONTAINERS_TOGETHER
        self._full = _Purse(limits.parts, octets)
        self._shared = _Purse(times * limits.parts, times * octets)
        self._purses = [replace(self._full)]
        self._clock = clock
        self._end = clock() + limits.seconds

    def container(self) -> Self:
        """Return the budget of one container of this message, whatever its depth."""
        budget = copy.copy(self)
        budget._purses = [self._shared, replace(self._full)]
        return budget

    def spend_part(self) -> None:
        for purse in self._purses:
            purse.parts -= 1
        if any(purse.parts < 0 for purse in self._purses):
            raise Unlookable("limits", f"more than {self.limits.parts} parts")
        self._check_time()

    def spend_bytes(self, count: int) -> None:
        for purse in self._purses:
            purse.octets -= count
        if any(purse.octets < 0 for purse in self._purses):
            raise Unlookable("limits", "the unpacked content is too large")
        self._check_time()

    def _check_time(self) -> None:
        if self._clock() > self._end:
            raise Unlookable("limits", f"not unpacked within {self.limits.seconds:g} seconds")


def restrain() -> None:
    """Bind this process, a child that unpacks, to its limits; it ends with its parent.

    It can start no process; where seccomp is available, it cannot reach the network either.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, 1),
    ):
        resource.setrlimit(kind, (most, most))
    confine()


def allow_processor_time(limits: Limits) -> None:
    """Give this process `limits.seconds` of processor time from now on; then SIGXCPU kills it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime + limits.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
