"""The filter's parent process: it binds, forks workers, restarts those that die, and drains.

The listening sockets are made once and shared (no SO_REUSEPORT: a second filter would silently
share the port, and closing a listener would reset waiting clients).  The parent opens no connection
to Postgres and starts no thread, so forking is safe.  Workers die with it.
"""

import ctypes
import errno
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from smtpfilter.config import ConfigError, Endpoint, FilterConfig
from smtpfilter.daemon import serve
from smtpfilter.ports.session import Handler
from smtpfilter.smtp.spool import group_id

log = logging.getLogger("postern.smtp")

_BACKLOG = 511  # connections that may wait in the kernel
_FIRST_INHERITED = 3  # systemd's SD_LISTEN_FDS_START
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
_PR_SET_PDEATHSIG = 1
_LONGEST_PAUSE_SECONDS = 30.0
_STEADY_SECONDS = 2.0  # workers that lived so long may be replaced at once
_AFTER_DRAIN_SECONDS = 75.0  # to close: the journal tries its late writes for a minute


def run(
    config: FilterConfig, make_handler: Callable[[], Handler], *, foreground: bool = False
) -> int:
    """Serve until told to stop; return the exit code.

    `make_handler` is called in each worker, after the fork.  `foreground`: one process, no workers.
    """
    try:
        group_id(config.scan_group)
        listeners = listening_sockets(config.listen)
    except (ConfigError, OSError) as error:
        sys.stderr.write(f"postern: filter: {error}\n")
        return 1
    _write_pid_file(config.pid_file)
    try:
        if foreground:
            notify_systemd("READY=1")
            alone = replace(config, workers=1)
            return 0 if serve(listeners, alone, make_handler, worker=False) else 1
        return Supervisor(listeners, config, make_handler).run()
    finally:
        _remove_pid_file(config.pid_file)
        _remove_socket_files(config.listen)


def listening_sockets(endpoints: Sequence[Endpoint]) -> list[socket.socket]:
    """Return the sockets to listen on, systemd's if it passed any.

    Raises OSError: a clear line; then none is left open.
    """
    if os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS"):
        passed = range(_FIRST_INHERITED, _FIRST_INHERITED + int(os.environ["LISTEN_FDS"]))
        return [socket.socket(fileno=number) for number in passed]
    with ExitStack() as stack:
        listeners = [stack.enter_context(_listening_socket(endpoint)) for endpoint in endpoints]
        stack.pop_all()
        return listeners


def _listening_socket(endpoint: Endpoint) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    listener = socket.socket(socket.AF_UNIX if endpoint.path else family, socket.SOCK_STREAM)
    try:
        if endpoint.path:
            _remove_stale(endpoint.path)
            listener.bind(endpoint.path)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((endpoint.host, endpoint.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = "another program listens there" if error.errno == errno.EADDRINUSE else error.strerror
        raise OSError(f"cannot listen on {endpoint}: {why}") from error
    return listener


def notify_systemd(state: str) -> None:
    """Tell systemd, where it asked for it (sd_notify(3))."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel, suppress(OSError):
        channel.connect("\0" + path[1:] if path.startswith("@") else path)
        channel.send(state.encode())


class Supervisor:
    """The workers of one parent."""

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        config: FilterConfig,
        make_handler: Callable[[], Handler],
    ) -> None:
        self._listeners = listeners
        self._config = config
        self._make_handler = make_handler
        self._born: dict[int, float] = {}  # process id -> monotonic time
        self._early_deaths = 0

    def run(self) -> int:
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        gc.freeze()  # the workers share these pages as long as nobody writes to them
        for _ in range(self._config.workers):
            self._fork()
        notify_systemd("READY=1")
        try:
            while signal.sigwait(_SIGNALS) == signal.SIGCHLD:
                self._replace(self._reap())
        finally:
            self._stop()
        return 0

    def _fork(self) -> None:
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            self._work(parent)
        self._born[pid] = time.monotonic()

    def _work(self, parent: int) -> None:
        """Be a worker, to the end of the process."""
        code = 1
        try:
            _die_with(parent)
            code = 0 if serve(self._listeners, self._config, self._make_handler) else 1
        except BaseException:
            log.exception("a worker failed")
        finally:
            logging.shutdown()
            os._exit(code)

    def _reap(self) -> int:
        """Collect the workers that ended; return how many.

        Several that end at once are one early death: the kernel kills in bursts, too.
        """
        ended = [pid for pid in self._born if os.waitpid(pid, os.WNOHANG)[0]]
        births = [self._born.pop(pid) for pid in ended]
        if births:
            steady = time.monotonic() - min(births) > _STEADY_SECONDS
            self._early_deaths = 0 if steady else self._early_deaths + 1
        return len(ended)

    def _replace(self, ended: int) -> None:
        if not ended:
            return
        pause = min(_LONGEST_PAUSE_SECONDS, 0.05 * 2.0**self._early_deaths)
        log.error("%d worker(s) ended unexpectedly, new ones start in %.1f s", ended, pause)
        told = signal.sigtimedwait(_SIGNALS - {signal.SIGCHLD}, pause)
        if told:
            os.kill(os.getpid(), told.si_signo)  # run() sees it next
            return
        for _ in range(ended):
            self._fork()

    def _stop(self) -> None:
        """Let the workers finish what they are at; kill those that take too long."""
        notify_systemd("STOPPING=1")
        for listener in self._listeners:
            listener.close()
        for pid in self._born:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + self._config.drain_timeout_seconds + _AFTER_DRAIN_SECONDS
        while self._born and (left := deadline - time.monotonic()) > 0:
            signal.sigtimedwait({signal.SIGCHLD}, left)
            self._reap()
        for pid in self._born:
            log.error("worker %d does not end: killed", pid)
            os.kill(pid, signal.SIGKILL)


def _die_with(parent: int) -> None:
    """Have this process killed when its parent dies, however it dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _remove_stale(path: str) -> None:
    """Remove a unix socket that nobody listens on any more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink(missing_ok=True)
        except OSError:
            return


def _write_pid_file(path: str) -> None:
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(f"{os.getpid()}\n", encoding="ascii")


def _remove_pid_file(path: str) -> None:
    if path:
        Path(path).unlink(missing_ok=True)


def _remove_socket_files(endpoints: Sequence[Endpoint]) -> None:
    for endpoint in endpoints:
        if endpoint.path and not os.environ.get("LISTEN_FDS"):
            Path(endpoint.path).unlink(missing_ok=True)
