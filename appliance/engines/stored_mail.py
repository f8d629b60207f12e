"""Mail in files: single messages, mboxes, folders and Maildirs, read one message at a time.

What is read may be hostile: of each message only as much is kept as the spam scanner is shown,
whatever its size, and nothing in a file is taken for a path.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from appliance.errors import Refused
from smtpfilter.scan.sample import BODY_LIMIT_BYTES, HEADER_LIMIT_BYTES, TOLERANCE_BYTES

MOST_BYTES = HEADER_LIMIT_BYTES + BODY_LIMIT_BYTES + TOLERANCE_BYTES + 1  # sample() reads no more
_LINE_BYTES = 65536
_POSTMARK = b"From "
_QUOTED = re.compile(rb">+From ")  # as in mboxrd
_MAILDIR = ("cur", "new")


def mails_in(path: Path) -> Iterator[bytes]:
    """Yield the mails in a file, a folder with all below it, or a Maildir.

    Symbolic links below a folder are not followed.  Raises Refused where it cannot be read.
    """
    try:
        for file in _files(path) if path.is_dir() else (path,):
            with file.open("rb") as opened:
                yield from mails_of(opened)
    except OSError as error:
        raise Refused(f"cannot read {error.filename or path}: {error.strerror}") from None


def mails_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield the mails of an open file: an mbox if it begins with "From ", else one message."""
    first = file.readline(_LINE_BYTES)
    if first.startswith(_POSTMARK):
        yield from _mails_of_mbox(file)
    elif mail := (first + file.read(MOST_BYTES))[:MOST_BYTES]:
        yield mail


def _mails_of_mbox(file: BinaryIO) -> Iterator[bytes]:
    """Yield the mails after the first postmark; an empty line and a postmark end each."""
    mail, blank, at_start = bytearray(), b"", True
    while line := file.readline(_LINE_BYTES):
        if at_start and blank and line.startswith(_POSTMARK):
            if mail:
                yield bytes(mail)
            mail, blank = bytearray(), b""
        else:
            held_back = line if at_start and line in (b"\n", b"\r\n") else b""
            content = b"" if held_back else line[at_start and bool(_QUOTED.match(line)) :]
            if len(mail) < MOST_BYTES:
                mail += blank + content
            blank = held_back
        at_start = line.endswith(b"\n")
    if mail:
        yield bytes(mail)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the regular files below `folder`; of a Maildir those in cur and new."""
    for here, folders, names in os.walk(folder, onerror=_raise):
        is_maildir = all(name in folders for name in _MAILDIR)
        folders[:] = sorted(name for name in folders if not (is_maildir and name == "tmp"))
        for name in [] if is_maildir else sorted(names):
            file = Path(here, name)
            if file.is_file() and not file.is_symlink():
                yield file


def _raise(error: OSError) -> None:
    raise error
