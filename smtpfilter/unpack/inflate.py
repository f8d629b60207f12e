"""Packed streams that stand within something else, unpacked in steps that the budget bounds.

What is damaged or cut off yields what comes before the damage; so does what is no stream at all.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import NamedTuple, Protocol

from smtpfilter.unpack.limits import Budget

_STEP = 1 << 16  # octets that are given or come out between two looks at the budget
_MEMORY = 64 << 20  # octets for an xz dictionary
_ERRORS = (zlib.error, OSError, lzma.LZMAError, ValueError, EOFError)


class Inflated(NamedTuple):
    """`end`: where the stream ends, 0 where it is damaged or cut off."""

    content: bytes
    end: int


class _Decoder(Protocol):
    """What the modules of the standard library have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


_DECODERS: dict[str, Callable[[], _Decoder]] = {
    "deflate": lambda: zlib.decompressobj(-15),
    "zlib": lambda: zlib.decompressobj(),
    "gz": lambda: zlib.decompressobj(31),
    "bz2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY),
}


def inflated(content: bytes, way: str, budget: Budget, start: int = 0) -> Inflated:
    """Return what the stream at `start` unpacks to.  Raises Unlookable where a limit is reached.

    `way`: deflate, zlib, gz, bz2 or xz.  Both what goes in and what comes out is paid for.
    """
    unpacked, piece, given, at = bytearray(), b"", b"", start
    decoder = _DECODERS[way]()
    try:
        while not decoder.eof:
            if not given and getattr(decoder, "needs_input", True):
                if at >= len(content) and not piece:
                    break
                given, at = content[at : at + _STEP], at + _STEP
                budget.spend_bytes(len(given))
            piece = decoder.decompress(given, _STEP)
            given = getattr(decoder, "unconsumed_tail", b"")
            budget.spend_bytes(len(piece))
            unpacked += piece
    except _ERRORS:
        return Inflated(bytes(unpacked), 0)
    end = min(at, len(content)) - len(decoder.unused_data) if decoder.eof else 0
    return Inflated(bytes(unpacked), end)
