"""The octets of one message, as received: unstuffed, line ends untouched.

They stay in a spool file and are read through a memory map, so that memory is bounded whatever the
size; bytes serve just as well where a message is small or made up.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Octets = bytes | mmap.mmap

CHUNK_BYTES = 65536


def chunks(octets: Octets, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Yield octets[start:end] in pieces of at most 64 KiB."""
    end = len(octets) if end is None else end
    for at in range(start, end, CHUNK_BYTES):
        yield octets[at : min(at + CHUNK_BYTES, end)]


@dataclass(frozen=True, slots=True)
class SpooledMail:
    """A message in the spool: its octets, their SHA-256 (hex), and the file and folder that
    scanners may read.

    `path` is the file of the octets; `folder` is the message's own spool folder, gone when the
    message is done.
    """

    octets: Octets
    sha256: str
    path: Path
    folder: Path

    @property
    def size_bytes(self) -> int:
        return len(self.octets)


@dataclass(frozen=True, slots=True)
class Content:
    """What is sent: an (edited) header section, then `octets` from `body_start`.

    `header` ends with the empty line where there is one; Content(b"", octets, 0) is the message as
    received.
    """

    header: bytes
    octets: Octets
    body_start: int

    def chunks(self) -> Iterator[bytes]:
        """Yield the content in pieces of at most 64 KiB (the header in one)."""
        if self.header:
            yield self.header
        yield from chunks(self.octets, self.body_start)
