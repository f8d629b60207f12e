"""Decoded contents as files, for virus scanners: parts/0001, parts/0002 ... in a message's folder.

Names come from a counter, never from the mail (X-4).  The files go with the folder.
"""

import errno
import hashlib
import os
import shutil
from pathlib import Path

from smtpfilter.ports.unpacking import PartFile
from smtpfilter.unpack.limits import Unlookable

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class NoRoom(Exception):
    """The spool is full: no fault of the mail."""


class PartFiles:
    """The files of one message.  `all_files`: contents that stand openly in the mail as well.

    The same octets are written once, `most_bytes` in all at most.
    """

    def __init__(self, folder: Path, most_bytes: int, *, all_files: bool) -> None:
        """Forget what an attempt before this one left.  Raises NoRoom."""
        self.written: list[PartFile] = []
        self._folder = folder / "parts"
        self._left = most_bytes
        self._all_files = all_files
        self._known: set[bytes] = set()
        shutil.rmtree(self._folder, ignore_errors=True)

    def keep(self, content: bytes, *, hidden: bool) -> None:
        """Write the content, if scanners are to see it.  Raises NoRoom, Unlookable."""
        if not content or not (hidden or self._all_files):
            return
        known = hashlib.sha256(content).digest()
        if known in self._known:
            return
        self._left -= len(content)
        if self._left < 0:
            raise Unlookable("limits", "the unpacked content is too large to be scanned")
        self._known.add(known)
        try:
            self.written.append(PartFile(self._write(content), hidden))
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise NoRoom(f"spool: {error.strerror}") from None
            if error.errno == errno.EFBIG:
                raise Unlookable("limits", "a part is too large to be scanned") from None
            raise

    def _write(self, content: bytes) -> Path:
        if not self.written:
            self._folder.mkdir(exist_ok=True)
            self._folder.chmod(0o2750)
        path = self._folder / f"{len(self.written) + 1:04}"
        with path.open("xb") as file:
            os.fchmod(file.fileno(), 0o640)
            file.write(content)
        return path
