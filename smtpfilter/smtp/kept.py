"""Connections to the next hop that wait for their next message.

Each holds a process of Postfix, so it is given up after a minute without work, and retired after
a hundred transactions.
"""

import threading
import time
from contextlib import suppress

from smtpfilter.smtp.connection import NextHopConnection

LONGEST_IDLE_SECONDS = 60.0
MOST_TRANSACTIONS = 100


class KeptConnections:
    """Thread-safe: a connection is taken out while it is used."""

    def __init__(self) -> None:
        self._kept: list[NextHopConnection] = []
        self._sweeper: threading.Timer | None = None
        self._lock = threading.Lock()

    def take(self) -> NextHopConnection | None:
        """Return the latest used connection that still lives."""
        with self._lock:
            found = self._kept.pop() if self._kept else None
        if found and found.gone:
            found.close()
            return self.take()
        return found

    def put_back(self, connection: NextHopConnection) -> None:
        """Keep a connection that has ended a transaction well."""
        connection.transactions += 1
        connection.used_at = time.monotonic()
        if connection.transactions >= MOST_TRANSACTIONS:
            connection.quit()
            return
        with self._lock:
            self._kept.append(connection)
            self._sweep_later()

    def close(self) -> None:
        """Say goodbye on all of them."""
        with self._lock:
            kept, self._kept = self._kept, []
            if self._sweeper:
                self._sweeper.cancel()
                self._sweeper = None
        for connection in kept:
            connection.quit()

    def _sweep_later(self) -> None:
        if self._kept and self._sweeper is None:
            sweeper = threading.Timer(LONGEST_IDLE_SECONDS / 2, self._sweep)
            sweeper.daemon = True
            with suppress(RuntimeError):  # out of threads: mail was taken, all the same
                sweeper.start()
                self._sweeper = sweeper

    def _sweep(self) -> None:
        oldest = time.monotonic() - LONGEST_IDLE_SECONDS
        with self._lock:
            idle = [c for c in self._kept if c.used_at < oldest]
            self._kept = [c for c in self._kept if c.used_at >= oldest]
            self._sweeper = None
            self._sweep_later()
        for connection in idle:
            connection.quit()
