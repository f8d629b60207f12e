"""A Postgres that hangs instead of failing: we wait so long for it, then it counts as gone.

statement_timeout is the server's own and helps nothing when the server stands still; on a unix
socket there is no other time-out.  psycopg2 lets us wait ourselves (its "green" mode): a wait that
takes too long closes the connection, and the mail is answered 451 and waits (C4).
"""

import select
import time
from functools import partial
from typing import Any

import psycopg2
from psycopg2 import extensions

SECONDS = 15.0  # more than statement_timeout, so that a server that lives speaks first


def limit_waiting(seconds: float = SECONDS) -> None:
    """Let every wait for Postgres in this process end after `seconds`, as an OperationalError."""
    extensions.set_wait_callback(partial(_wait, seconds=seconds))


def _wait(connection: Any, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (state := connection.poll()) != extensions.POLL_OK:
        waiting = select.poll()
        wanted = select.POLLIN if state == extensions.POLL_READ else select.POLLOUT
        waiting.register(connection.fileno(), wanted)
        if not waiting.poll(max(0.0, until - time.monotonic()) * 1000):
            raise psycopg2.OperationalError(f"Postgres does not answer within {seconds:g} s")
