"""ARJ archives: their members, through libarchive's decoder of LHA, which packs the same way.

ARJ's methods 1 to 3 are LHA's -lh7- under other headers, so each member is given such a header.
Runs in a child process only.

Source: the technical information that comes with ARJ (technote.txt).
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from smtpfilter.unpack.archives import DAMAGED, ENCRYPTED, READERS, Member, Problem, members
from smtpfilter.unpack.limits import Budget, Unlookable

MARK = b"\x60\xea"
_SMALLEST_HEADER, _LARGEST_HEADER = 30, 2600
_GARBLED = 0x01  # flags: with a password
_CONTINUES = 0x04  # the rest is in the next volume
_FOLDER = 3
_METHODS = {0: b"-lh0-", 1: b"-lh7-", 2: b"-lh7-", 3: b"-lh7-"}
_INCOMPLETE: Problem = ("undecodable", "the rest of it is in another volume")


@dataclass(frozen=True, slots=True)
class _Header:
    """One header; `start` is where the packed data begins."""

    name: bytes
    flags: int
    method: int
    kind: int
    packed: int
    size: int
    check: int
    start: int


def arj_members(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the members.  Raises Unlookable where the rest cannot be read."""
    main = _header(content, max(0, content.find(MARK)))
    if main is None:
        raise Unlookable("undecodable", "its ARJ headers are damaged")
    position = main.start
    while content[position : position + 4] != MARK + b"\0\0":
        budget.spend_part()
        header = _header(content, position)
        if header is None:
            raise Unlookable("undecodable", "its ARJ headers are damaged")
        if header.kind != _FOLDER:
            data = content[header.start : header.start + header.packed]
            yield _member(header, data, budget)
        position = header.start + header.packed


def _header(content: bytes, position: int) -> _Header | None:
    """Return the header at `position`; None where there is none or its check sum is wrong."""
    size = int.from_bytes(content[position + 2 : position + 4], "little")
    basic = content[position + 4 : position + 4 + size]
    if content[position : position + 2] != MARK or len(basic) < size:
        return None
    if not _SMALLEST_HEADER <= size <= _LARGEST_HEADER or basic[0] > size:
        return None
    check = content[position + 4 + size : position + 8 + size]
    if check != struct.pack("<I", zlib.crc32(basic)):
        return None
    flags, method, kind = basic[4:7]
    packed, original, check_sum = struct.unpack_from("<3I", basic, 12)
    start = _after_extensions(content, position + 8 + size)
    name = basic[basic[0] :].partition(b"\0")[0]
    return _Header(name, flags, method, kind, packed, original, check_sum, start)


def _after_extensions(content: bytes, position: int) -> int:
    """Return where the headers end that may follow the first: each has a length and a check sum."""
    while length := int.from_bytes(content[position : position + 2], "little"):
        position += 2 + length + 4
    return position + 2


def _member(header: _Header, data: bytes, budget: Budget) -> Member:
    if header.flags & _GARBLED:
        return Member((header.name,), None, ENCRYPTED)
    method = _METHODS.get(header.method)
    if method is None:
        return Member((header.name,), None, ("undecodable", "its packing method is unknown"))
    for found in members(_as_lha(method, header, data), READERS["lha"], budget):
        problem = DAMAGED if zlib.crc32(found.content or b"") != header.check else None
        if header.flags & _CONTINUES:
            problem = _INCOMPLETE
        return replace(found, names=(header.name,), problem=problem)
    return Member((header.name,), None, DAMAGED)


def _as_lha(method: bytes, header: _Header, data: bytes) -> bytes:
    """Return an LHA archive, of level 1 without check sum of the content, that holds the member."""
    fields = struct.pack("<5sIIIBB", method, len(data), header.size, 0, 0x20, 0)
    fields += b"\x01x\0\0"  # a name of one letter, check sum
    return bytes((len(fields), sum(fields) & 0xFF)) + fields + data + b"\0"
