"""Packed single files that libarchive does not read: Brotli, and what Windows' COMPRESS.EXE makes.

Runs in a child process only.  Sources: RFC 7932; the SZDD format as it is written down at
https://www.cabextract.org.uk/libmspack/doc/szdd_kwaj_format.html
"""

import struct
from collections.abc import Iterator

import brotli

from smtpfilter.unpack.archives import Member
from smtpfilter.unpack.limits import Budget, Unlookable

SZDD = b"SZDD\x88\xf0\x27\x33"
_SZDD_HEADER = 14  # octets: signature, mode, the name's lost letter, size
_WINDOW = 4096
_STEP = 1 << 16  # octets between two looks at the budget


def brotli_members(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the file in a Brotli stream.  Raises Unlookable, also where it is none."""
    budget.spend_part()
    unpacked = bytearray()
    decoder = brotli.Decompressor()
    given = content
    try:
        while not decoder.is_finished():
            piece = decoder.process(given, output_buffer_limit=_STEP)
            if not piece and decoder.can_accept_more_data():
                break
            budget.spend_bytes(len(piece))
            unpacked += piece
            given = b""
    except brotli.error as error:
        raise Unlookable("undecodable", "it is no Brotli stream, or damaged") from error
    yield Member((), bytes(unpacked))
    if not decoder.is_finished():
        raise Unlookable("undecodable", "it is cut off")


def szdd_members(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the file that was compressed.  Raises Unlookable."""
    budget.spend_part()
    size = struct.unpack_from("<I", content.ljust(_SZDD_HEADER, b"\0"), 10)[0]
    unpacked = _lzss(content, size, budget)
    yield Member((), unpacked)
    if len(unpacked) < size:
        raise Unlookable("undecodable", "it is cut off")


def _lzss(content: bytes, size: int, budget: Budget) -> bytes:
    """Return what is packed: a bit per item tells an octet from a copy out of a ring of 4 KB."""
    window = bytearray(b" " * _WINDOW)
    unpacked = bytearray()
    position, fill, told = _SZDD_HEADER, _WINDOW - 16, 0
    while position < len(content) and len(unpacked) < size:
        flags, position = content[position], position + 1
        for bit in range(8):
            if flags >> bit & 1:
                copied = content[position : position + 1]
                position += 1
            elif position + 2 <= len(content):
                low, high = content[position], content[position + 1]
                position += 2
                copied = _copied(window, low | (high & 0xF0) << 4, (high & 0x0F) + 3, fill)
            else:
                copied = b""
            for octet in copied:
                window[fill] = octet
                fill = (fill + 1) % _WINDOW
            unpacked += copied
        if len(unpacked) - told >= _STEP:
            budget.spend_bytes(len(unpacked) - told)
            told = len(unpacked)
    budget.spend_bytes(len(unpacked) - told)
    return bytes(unpacked[:size])


def _copied(window: bytearray, start: int, length: int, fill: int) -> bytes:
    """Return `length` octets of the ring from `start`; some may be those that are being copied."""
    copied = bytearray()
    for offset in range(length):
        place = (start + offset) % _WINDOW
        behind = (place - fill) % _WINDOW
        copied.append(copied[behind] if behind < len(copied) else window[place])
    return bytes(copied)
