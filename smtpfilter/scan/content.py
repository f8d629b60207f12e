"""The contents that virus scanners are shown: unpacked files, and the EICAR test file."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smtpfilter.mail.octets import Octets
from smtpfilter.ports.engines import ScannerFailed


@contextmanager
def opened(path: Path) -> Iterator[Octets]:
    """Give the octets of an unpacked file.  Raises ScannerFailed where it cannot be read: nobody
    may call clean what was not shown.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else None
    except OSError as error:
        raise ScannerFailed(f"an unpacked part cannot be read: {error.strerror}") from error
    if mapped is None:
        yield b""
        return
    with mapped:
        yield mapped


def eicar() -> bytes:
    """Return the EICAR test file, put together here so that this file is none."""
    return b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
