"""One process of the filter: it accepts connections, and drains when it is told to.

asyncio speaks SMTP; the threads of the pool run the pipeline.
"""

import asyncio
import logging
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial

from smtpfilter.config import FilterConfig
from smtpfilter.ports.session import Handler
from smtpfilter.smtp.pool import Pool
from smtpfilter.smtp.protocol import HardenedProtocol
from smtpfilter.smtp.session import Session
from smtpfilter.smtp.spool import Spool

log = logging.getLogger("postern.smtp")

_STOPS = (signal.SIGTERM, signal.SIGINT)
_ACCEPT_PAUSE_SECONDS = 1.0  # after a refused accept: out of file descriptors (F23)
_DRAIN_STEP_SECONDS = 0.05
_LONGEST_TEMPORARY_FOLDER = 60  # octets; multiprocessing puts unix sockets there (sun_path: 107)


def serve(
    listeners: Sequence[socket.socket],
    config: FilterConfig,
    make_handler: Callable[[], Handler],
    *,
    worker: bool = True,
) -> bool:
    """Serve until SIGTERM or SIGINT, then drain; return whether all work was finished in time.

    `make_handler` is called once, here: what it connects to belongs to this process alone.
    `worker`: the process ends with its work, nothing runs at its exit.
    """
    early = _noted_stops()
    share_bytes = config.spool_limit_bytes // max(1, config.workers)
    with closing(Spool(config.spool_dir, share_bytes, config.scan_group)) as spool:
        if worker and len(os.fsencode(spool.folder)) <= _LONGEST_TEMPORARY_FOLDER:
            tempfile.tempdir = str(spool.folder)  # what a killed process leaves goes with its spool
        return _serve_from(spool, listeners, config, make_handler, early)


def _noted_stops() -> list[int]:
    """Return where signals are noted until the event loop hears them: a process that were killed at
    its start would leave its spool behind.
    """
    early: list[int] = []
    for number in _STOPS:
        signal.signal(number, lambda got, _: early.append(got))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {*_STOPS, signal.SIGCHLD})  # the parent's mask
    return early


def _serve_from(
    spool: Spool,
    listeners: Sequence[socket.socket],
    config: FilterConfig,
    make_handler: Callable[[], Handler],
    early: Sequence[int],
) -> bool:
    with closing(make_handler()) as handler:
        pool = Pool(handler, threads=config.threads, backlog=config.backlog)
        return asyncio.run(_serve(Daemon(listeners, config, pool, spool), early))


async def _serve(daemon: "Daemon", early: Sequence[int]) -> bool:
    loop = asyncio.get_running_loop()
    told_to_stop = asyncio.Event()
    for number in _STOPS:
        loop.add_signal_handler(number, told_to_stop.set)
    if early:
        told_to_stop.set()
    daemon.start()
    await told_to_stop.wait()
    return await daemon.drain()


class Daemon:
    """The sessions of one process.  Lives in one event loop."""

    def __init__(
        self, listeners: Sequence[socket.socket], config: FilterConfig, pool: Pool, spool: Spool
    ) -> None:
        self._listeners = listeners
        self._config = config
        self._pool = pool
        self._spool = spool
        self._sessions: set[HardenedProtocol] = set()
        self._arriving: set[asyncio.Task[object]] = set()

    def start(self) -> None:
        for listener in self._listeners:
            listener.setblocking(False)
            self._listen(listener)

    async def drain(self) -> bool:
        """Stop listening, send idle clients away, await the others; True if all ended in time."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.remove_reader(listener)
            listener.close()
        await asyncio.gather(*self._arriving, return_exceptions=True)
        for session in list(self._sessions):
            session.drain()
        deadline = loop.time() + self._config.drain_timeout_seconds
        while self._sessions or not self._pool.idle:
            if loop.time() > deadline:
                log.error("messages were still at work when the time to drain was over")
                return False
            await asyncio.sleep(_DRAIN_STEP_SECONDS)
        return True

    def _listen(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            asyncio.get_running_loop().add_reader(listener, partial(self._accept, listener))

    def _accept(self, listener: socket.socket) -> None:
        """Take one connection only, so that the processes behind the socket share a burst."""
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another process was faster, or the client is gone
        except OSError as error:
            log.error("cannot accept connections: %s", error)
            loop = asyncio.get_running_loop()
            loop.remove_reader(listener)
            loop.call_later(_ACCEPT_PAUSE_SECONDS, self._listen, listener)
            return
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        task = loop.create_task(loop.connect_accepted_socket(self._session, connection))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    def _session(self) -> Session:
        return Session(self._config, self._pool, self._spool, self._sessions)
