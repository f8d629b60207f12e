"""Unpacking in child processes: warm, limited, replaceable (design 4.4).

Mail content is parsed where a crash, a loop or an exploit of a parser costs one child and nothing
else.  Children are forked from a server that has the libraries loaded; they get the path of the
spool file, not its octets.  A child that died is no finding yet: the message is tried once more
in a fresh one.
"""

import contextlib
import logging
import mmap
import multiprocessing
import signal
import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as WaitTimeout
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from pebble import ProcessExpired, ProcessPool

from smtpfilter.config import FilterConfig
from smtpfilter.errors import Overloaded
from smtpfilter.mail.findings import Unchecked
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.policy.site import Limits
from smtpfilter.ports.unpacking import Unpacked
from smtpfilter.unpack.files import NoRoom, PartFiles
from smtpfilter.unpack.limits import Budget, allow_processor_time, restrain
from smtpfilter.unpack.mime import Walk

_log = logging.getLogger("postern.unpack")

CHILDREN = 2
TASKS_PER_CHILD = 1000  # then a fresh one, so that a leak in a library stays small
GRACE_SECONDS = 5.0  # the child ends by itself at its limit; after this it is ended

Task = Callable[..., Unpacked]  # of a path and the limits


def unpack_file(path: str, limits: Limits, *, all_files: bool = False) -> Unpacked:
    """Return the parts of the message in the file `path`; its files lie in the same folder.

    Runs in a child.  Raises NoRoom.
    """
    allow_processor_time(limits)
    with Path(path).open("rb") as file:
        size = file.seek(0, 2)
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else None
    with mapped or contextlib.nullcontext(b"") as octets:
        files = PartFiles(Path(path).parent, limits.content_bytes, all_files=all_files)
        walk = Walk(Budget(limits, size), files)
        try:
            walk.message(octets)
        except MemoryError:
            walk.unchecked.append(Unchecked("limits", "unpacking takes too much memory"))
        return Unpacked(tuple(walk.parts), tuple(walk.unchecked), tuple(files.written))


def _warm_up() -> None:
    """Do nothing, in a child that runs."""


class Unpacker:
    """Unpacks with a pool of children (ports.Unpacker).  To be made after the fork."""

    def __init__(
        self, config: FilterConfig, *, all_files: bool = False, task: Task = unpack_file
    ) -> None:
        """`all_files`: every part becomes a file, since a scanner reads paths."""
        self._patience = config.scan_timeout_seconds
        self._all_files = all_files
        self._task = task
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None

    def start(self) -> None:
        """Start the children now instead of with the first message."""
        self._running_pool().schedule(_warm_up).result()

    def stop(self) -> None:
        """End all children; the next message would start new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()

    def unpack(self, mail: SpooledMail, limits: Limits, *, all_files: bool = False) -> Unpacked:
        """Return the parts and what could not be looked into; see ports.Unpacker.

        Never raises on content; Overloaded where no child becomes free or can be started, or the
        spool is full.
        """
        task = partial(self._task, all_files=True) if all_files or self._all_files else self._task
        try:
            return self._ask_child(task, mail, limits)
        except (ProcessExpired, BrokenProcessPool) as first:
            _log.warning("a child died while unpacking (%s): another try", _cause(first))
        try:
            return self._ask_child(task, mail, limits)
        except ProcessExpired as second:
            _log.error("a second child died while unpacking (%s)", _cause(second))
            return Unpacked(unchecked=(_remark_on(second),))
        except BrokenProcessPool as second:
            raise Overloaded("children for unpacking cannot be started") from second

    def _ask_child(self, task: Task, mail: SpooledMail, limits: Limits) -> Unpacked:
        pool = self._running_pool()
        seconds = limits.seconds + GRACE_SECONDS
        try:
            future = pool.schedule(task, args=(str(mail.path), limits), timeout=seconds)
        except RuntimeError as error:  # the pool broke or was stopped between the two lines
            raise BrokenProcessPool(str(error)) from error
        try:
            return future.result(timeout=self._patience)
        except WaitTimeout:
            if not future.done():
                future.cancel()  # type: ignore[no-untyped-call]
                raise Overloaded("no child for unpacking became free in time") from None
            late = Unchecked("limits", f"not unpacked within {limits.seconds:g} seconds")
            return Unpacked(unchecked=(late,))
        except (ProcessExpired, BrokenProcessPool):
            raise
        except NoRoom as error:
            raise Overloaded(str(error)) from error
        except Exception as error:  # noqa: BLE001 - whatever content does to a parser is a finding
            _log.error("unpacking failed", exc_info=error)
            return Unpacked(
                unchecked=(Unchecked("failed", f"unpacking failed: {type(error).__name__}"),)
            )

    def _running_pool(self) -> ProcessPool:
        """Return a pool that takes tasks: a new one at first, and where the old one broke."""
        with self._lock:
            if self._pool is None or not self._pool.active:
                context = multiprocessing.get_context("forkserver")
                context.set_forkserver_preload([__name__])
                self._pool = ProcessPool(
                    max_workers=CHILDREN,
                    max_tasks=TASKS_PER_CHILD,
                    initializer=restrain,
                    context=context,
                )
            return self._pool


def _remark_on(death: ProcessExpired) -> Unchecked:
    if death.exitcode == -signal.SIGXCPU:
        return Unchecked("limits", "unpacking takes too much processor time")
    return Unchecked("failed", f"unpacking failed twice: {_cause(death)}")


def _cause(death: BaseException) -> str:
    code = getattr(death, "exitcode", None)
    if not isinstance(code, int):
        return "the pool broke"
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
