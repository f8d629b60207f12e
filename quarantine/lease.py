"""Who works on an attempt: a token for one message in one process, and whether it still holds.

A lease holds while its time runs and its process lives, so that after a kill -9 the retry goes on
at once.  Of a process on another host nothing is known but the time.
"""

import os
import socket
from collections.abc import Container
from functools import lru_cache
from pathlib import Path


def make_owner(mail_number: int) -> str:
    """Return the token of this process for one message: host/pid/start/number."""
    return f"{_this_process(os.getpid())}/{mail_number}"


def holds(owner: str, in_time: bool, at_work: Container[int]) -> bool:
    """Tell whether the lease of `owner` still binds.

    `at_work`: the numbers of the messages that this process works on.
    """
    if not owner or not in_time:
        return False
    process, _, number = owner.rpartition("/")
    if process == _this_process(os.getpid()):
        return int(number) in at_work
    host, pid, start = process.rsplit("/", 2)
    return host != socket.gethostname() or _start_of(int(pid)) == start


@lru_cache(maxsize=4)
def _this_process(pid: int) -> str:
    return f"{socket.gethostname()}/{pid}/{_start_of(pid)}"


def _start_of(pid: int) -> str | None:
    """Return when the process started, in clock ticks since boot; None where it is gone or dead.

    Field 22 of /proc/PID/stat, counted behind the command, which may hold blanks and brackets
    (proc(5)).
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="latin-1").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]
