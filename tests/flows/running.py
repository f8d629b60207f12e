"""A filter as operators run it: supervisor and workers in processes of their own, on the test
database.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from tests.doubles.next_hop import NextHop
from tests.doubles.upstream import Upstream, send_mail

READY_SECONDS = 30.0


class RunningFilter:
    """`address` is where it listens, `log` what it has written so far."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.address = ("127.0.0.1", port)
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def send(self, content: bytes, *recipients: str, **how: object) -> list[str]:
        """Send one message; return the final reply, or one per recipient for LMTP."""
        return send_mail(
            self.address, content, recipients=recipients or ("bob@example.com",), **how
        )

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def kill_workers(self) -> None:
        """kill -9 every worker, as the kernel does when memory runs out, and wait for new ones."""
        old = self.workers()
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + READY_SECONDS
        while set(self.workers()) & set(old) or not self.workers():
            assert time.monotonic() < deadline, "no new workers"
            time.sleep(0.05)


@contextmanager
def running_filter(folder: Path, hop: NextHop, **settings: str) -> Iterator[RunningFilter]:
    """Start a filter between `hop` and the test database; `settings` are FILTER_* variables."""
    listen = settings.get("FILTER_LISTEN") or f"127.0.0.1:{free_port()}"
    port = int(listen.partition(",")[0].rpartition(":")[2])
    log = folder / "filter.log"
    spool = tempfile.mkdtemp(prefix="postern-")  # short, as a folder for unix sockets must be
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "FILTER_LISTEN": listen,
        "FILTER_RELAY": hop.endpoint,
        "FILTER_NOTIFY": hop.endpoint,
        "FILTER_SPOOL_DIR": spool,
        "APPLIANCE_HOSTNAME": "filter.example.com",
        **settings,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "runfilter"],
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        running = RunningFilter(process, port, log)
        _wait_until_it_greets(running)
        yield running
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(spool)


def database_url() -> str:
    """Return the test database as DATABASE_URL has it."""
    at = connection.settings_dict
    host = at["HOST"] or at["OPTIONS"]["host"]
    return f"postgres://{at['USER']}@/{at['NAME']}?host={host}"


def free_port() -> int:
    """Return a port on which nothing listens now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _wait_until_it_greets(running: RunningFilter) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with Upstream(running.address, timeout=READY_SECONDS) as client:
                assert client.greeting.startswith("220 ")
                return
        except OSError:
            assert running.process.poll() is None, running.log
            assert time.monotonic() < deadline, running.log
            time.sleep(0.05)
