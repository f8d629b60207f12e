"""A session server in a thread, with a handler that the test scripts."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from smtpfilter.config import Endpoint, FilterConfig
from smtpfilter.daemon import Daemon
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.mail.reply import Reply
from smtpfilter.smtp.pool import Pool
from smtpfilter.smtp.spool import Spool
from smtpfilter.supervisor import listening_sockets

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1"))


class FakeHandler:
    """Keeps what it was given and answers as told.

    `answer`: a reply, replies, an exception to raise, or a function of (envelope, mail).
    `gate`: where set, process() waits for it; `started` tells that it does.
    """

    def __init__(self) -> None:
        self.answer: object = Reply(250, "2.0.0", "Ok: queued as TEST")
        self.envelopes: list[Envelope] = []
        self.contents: list[bytes] = []
        self.sums: list[str] = []
        self.finished = 0
        self.gate: threading.Event | None = None
        self.started = threading.Event()

    def process(self, envelope: Envelope, mail: SpooledMail) -> Sequence[Reply]:
        self.envelopes.append(envelope)
        self.contents.append(bytes(mail.octets))
        self.sums.append(mail.sha256)
        self.started.set()
        if self.gate:
            assert self.gate.wait(20)
        answer = self.answer(envelope, mail) if callable(self.answer) else self.answer
        self.finished += 1
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Reply):
            return [answer] * (len(envelope.recipients) if envelope.lmtp else 1)
        return answer

    def close(self) -> None:
        """Hold nothing open."""


class Server:
    """A daemon in a thread of this process."""

    def __init__(self, config: FilterConfig, handler: FakeHandler) -> None:
        self.config = config
        self.handler = handler
        self.drained: bool | None = None
        self.stopped = False
        self.listeners = listening_sockets(config.listen)
        self.addresses = [listener.getsockname() for listener in self.listeners]
        self.address = self.addresses[0]
        self.spool = Spool(config.spool_dir, config.spool_limit_bytes)
        self.pool = Pool(handler, threads=config.threads, backlog=config.backlog)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(10)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        daemon = Daemon(self.listeners, self.config, self.pool, self.spool)
        daemon.start()
        self._ready.set()
        await self._stop.wait()
        self.drained = await daemon.drain()

    def begin_to_stop(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)

    def stop(self) -> None:
        """Stop it; a test may do so before the fixture does."""
        if self.stopped:
            return
        self.stopped = True
        self.begin_to_stop()
        self._thread.join(20)
        assert not self._thread.is_alive()
        self.spool.close()


@pytest.fixture
def handler() -> FakeHandler:
    return FakeHandler()


@pytest.fixture
def config(tmp_path: Path) -> FilterConfig:
    return FilterConfig(
        hostname="filter.example",
        listen=(Endpoint(host="127.0.0.1", port=0),),
        allowed_clients=LOOPBACK,
        spool_dir=tmp_path,
        threads=4,
        backlog=4,
        drain_timeout_seconds=10.0,
    )


@pytest.fixture
def start(config: FilterConfig, handler: FakeHandler) -> Iterator[Callable[..., Server]]:
    """Start a server with changed settings."""
    servers: list[Server] = []

    def start(**changes: object) -> Server:
        servers.append(Server(replace(config, **changes), handler))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(start: Callable[..., Server]) -> Server:
    return start()


def eventually(condition: Callable[[], object]) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)
