"""The spool: the octets of messages at work, one folder per message, within a budget.

    FILTER_SPOOL_DIR/postern-XXXX/     this process's folder, locked while it lives
                       XXXX/           one message: scanners may add files; removed when it is done
                         message       the octets as received, unstuffed

Folders of processes that died are removed at the start: nothing in the spool was ever answered with
2xx (O-2).
"""

import fcntl
import grp
import hashlib
import mmap
import os
import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from smtpfilter.config import ConfigError
from smtpfilter.errors import SpoolFull
from smtpfilter.mail.octets import SpooledMail

_PREFIX = "postern-"


class Spool:
    """This process's folder and budget.  Thread-safe."""

    def __init__(self, folder: Path, limit_bytes: int, scan_group: str = "") -> None:
        """Make the folder, after removing those of dead processes.  Raises ConfigError, OSError."""
        self._group = group_id(scan_group)
        self._limit_bytes = limit_bytes
        self._used_bytes = 0
        self._lock = threading.Lock()
        remove_dead(folder)
        self._folder, self._held = _make_locked(folder)
        self._share(self._folder)

    @property
    def folder(self) -> Path:
        """This process's folder, gone with it however it ends."""
        return self._folder

    def has_room(self, size_bytes: int) -> bool:
        """Tell whether a message of this size would fit now."""
        return self._used_bytes + size_bytes <= self._limit_bytes

    def open(self) -> "SpoolFile":
        """Return a file for a new message in a folder of its own.  Raises SpoolFull."""
        try:
            folder = Path(tempfile.mkdtemp(dir=self._folder))
            self._share(folder)
            return SpoolFile(self, folder)
        except OSError as error:
            raise SpoolFull(f"spool: {error}") from error

    def close(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._held)

    def take(self, size_bytes: int) -> None:
        """Charge octets to the budget.  Raises SpoolFull."""
        with self._lock:
            if not self.has_room(size_bytes):
                raise SpoolFull(f"spool: over {self._limit_bytes} octets")
            self._used_bytes += size_bytes

    def give_back(self, size_bytes: int) -> None:
        with self._lock:
            self._used_bytes -= size_bytes

    def _share(self, folder: Path) -> None:
        """Let the scanners' group read what lies in `folder`; new files inherit the group."""
        if self._group is not None:
            os.chown(folder, -1, self._group)
            folder.chmod(0o2750)


class SpoolFile:
    """One message on its way into the spool."""

    def __init__(self, spool: Spool, folder: Path) -> None:
        self._spool = spool
        self._folder = folder
        self._path = folder / "message"
        self._file = self._path.open("xb")
        self._path.chmod(0o640)
        self._hash = hashlib.sha256()
        self._mapped: mmap.mmap | None = None
        self.size_bytes = 0

    def write(self, octets: bytes) -> None:
        """Append.  Raises SpoolFull."""
        self._spool.take(len(octets))
        self.size_bytes += len(octets)
        self._hash.update(octets)
        try:
            self._file.write(octets)
        except OSError as error:
            raise SpoolFull(f"spool: {error}") from error

    def finish(self) -> SpooledMail:
        """Return the message, all written.  Raises SpoolFull."""
        octets: bytes | mmap.mmap = b""
        try:
            self._file.close()
            if self.size_bytes:
                with self._path.open("rb") as file:
                    octets = self._mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise SpoolFull(f"spool: {error}") from error
        return SpooledMail(octets, self._hash.hexdigest(), self._path, self._folder)

    def remove(self) -> None:
        """Remove the message and its folder; once more does no harm."""
        with suppress(OSError):  # what a full disk did not take does not matter any more
            self._file.close()
        if self._mapped is not None:
            with suppress(BufferError):  # somebody still looks at it: it goes with the last view
                self._mapped.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._spool.give_back(self.size_bytes)
        self.size_bytes = 0


def group_id(name: str) -> int | None:
    """Return the id of the group, None for "".  Raises ConfigError."""
    if not name:
        return None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise ConfigError(f"FILTER_SCAN_GROUP: there is no group {name!r}") from None


def remove_dead(folder: Path) -> None:
    """Remove the spool folders of processes that are gone: nobody holds their lock any more."""
    for candidate in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it lives, or is being removed by another process just now
            held = os.open(candidate, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(held).st_uid == os.geteuid():
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(candidate, ignore_errors=True)
            finally:
                os.close(held)


def _make_locked(folder: Path) -> tuple[Path, int]:
    """Make a folder and lock it, unless another process that starts took it for a dead one's."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
        with suppress(FileNotFoundError):
            held = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(held, fcntl.LOCK_EX)
            if path.exists():
                return path, held
            os.close(held)
