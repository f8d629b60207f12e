"""Can the scanners that read files read ours?  Who cannot is told with the group that he lacks.

A daemon on a unix socket tells by it who it is (SO_PEERCRED), and /proc in which groups.  One that
is asked over TCP tells nothing: its self-test does.  Programs run as the filter itself.
"""

import grp
import os
import pwd
import re
import socket
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smtpfilter.config import Endpoint, FilterConfig
from smtpfilter.ports.engines import ScannerFailed
from smtpfilter.scan.entries import read_entries
from smtpfilter.scan.wire import Deadline, connect

PATIENCE_SECONDS = 2.0

_GROUPS = re.compile(r"^Groups:(.*)$", re.MULTILINE)
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: unix(7)
_READING_DAEMONS = ("sophie", "sssp")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who a daemon runs as."""

    uid: int
    groups: frozenset[int]

    @property
    def name(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return f"number {self.uid}"

    def may_enter(self, folder: Path) -> bool:
        """Tell whether it may look at what lies in `folder`, by mode bits."""
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid in self.groups:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def unreadable(config: FilterConfig) -> list[str]:
    """Return a sentence for each scanner that cannot read the messages.  Raises ConfigError."""
    return [
        f"{entry.name} {complaint}"
        for entry in read_entries(config)
        if entry.protocol in _READING_DAEMONS and entry.address.startswith("/")
        for complaint in complaints(listener(entry.address), config)
    ]


def complaints(reader: Reader | None, config: FilterConfig) -> Iterator[str]:
    """Yield what keeps it from reading messages; nothing where nobody is known to listen."""
    if reader is None or reader.uid in (0, _filter_uid(config.spool_dir)):
        return
    for folder in (*reversed(config.spool_dir.absolute().parents), config.spool_dir):
        if folder.is_dir() and not reader.may_enter(folder):
            yield f"runs as user {reader.name}, which may not enter {folder}"
    group = config.scan_group
    if not group:
        yield (
            f"runs as user {reader.name}, which cannot read messages: name a group that it is in"
            " in FILTER_SCAN_GROUP"
        )
    elif _gid(group) not in reader.groups:
        yield (
            f"runs as user {reader.name}, which is not in group {group} (FILTER_SCAN_GROUP):"
            f" usermod -aG {group} {reader.name}, and start it again"
        )


def listener(path: str) -> Reader | None:
    """Return who listens on the unix socket `path`, None where nobody does."""
    try:
        with connect(Endpoint(path=path), Deadline(PATIENCE_SECONDS)) as connected:
            size = _CREDENTIALS.size
            octets = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    except (ScannerFailed, OSError):
        return None  # told as a scanner that does not answer
    pid, uid, gid = _CREDENTIALS.unpack(octets)
    return Reader(uid, frozenset({gid, *_further_groups(pid)}))


def _further_groups(pid: int) -> Iterator[int]:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return
    for groups in _GROUPS.findall(status):
        yield from map(int, groups.split())


def _filter_uid(spool_dir: Path) -> int:
    """Return whose the messages are: the owner of a filter's folder, else ourselves."""
    owners = [folder.stat().st_uid for folder in spool_dir.glob("postern-*") if folder.is_dir()]
    return owners[0] if owners else os.geteuid()


def _gid(group: str) -> int | None:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        return None
