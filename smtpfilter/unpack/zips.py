"""Zip files in every plausible reading: their directory and their members' own headers may differ.

Programs disagree on which of the two counts, and virus scanners were fooled that way
(CVE-2004-1096).  So a member goes by all names that either gives it, and what the directory leaves
out is read as well (reliability Z3).
"""

import io
import struct
import zipfile
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from dataclasses import replace

from smtpfilter.unpack.archives import ZIP, ZIP_STREAM, Member, Problem, members
from smtpfilter.unpack.limits import Budget, Unlookable

LEFT_OUT: Problem = ("ambiguous", "the zip file's directory leaves it out")
LOCAL = b"PK\x03\x04"
_CENTRAL = b"PK\x01\x02"
_END = b"PK\x05\x06"
_END_ZONE = 66_000  # octets: the end record, its longest comment and a little junk
_UNICODE_PATH = 0x7075  # APPNOTE 4.6.9
_LOCAL_LENGTH = 30
_UTF8_FLAG = 0x800

Names = tuple[bytes, ...]


def hides_zip(content: bytes) -> bool:
    """Tell whether a zip file hangs behind something else: self-extractors, polyglots."""
    end = content.rfind(_END, max(0, len(content) - _END_ZONE))
    return end > 0 and content.find(LOCAL, 0, end) > 0


def is_empty_zip(content: bytes) -> bool:
    """Is it a zip file that nothing was put into?"""
    return content.startswith(_END) and LOCAL not in content


def zip_members(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the members by the directory first, then those that only a reader of streams finds.

    Raises Unlookable, after all that could be found, where the directory cannot be read.
    """
    aliases = _aliases(content, budget)
    seen: Counter[bytes] = Counter()
    broken: Unlookable | None = None
    try:
        for member in members(content, ZIP, budget):
            yield _known_as(member, aliases, seen)
    except Unlookable as reason:
        if reason.kind == "limits":
            raise
        broken = reason
    start = content.find(LOCAL)
    if start >= 0:
        for member in _left_out(content[start:], budget.container(), seen):
            yield replace(member, problem=member.problem or (None if broken else LEFT_OUT))
    if broken:
        raise broken


def _left_out(content: bytes, budget: Budget, seen: Counter[bytes]) -> Iterator[Member]:
    """Yield the members whose names a reader of streams finds more often than they were `seen`."""
    streamed: Counter[bytes] = Counter()

    def count(name: bytes) -> bool:
        if not name.endswith(b"/"):
            streamed[_plain(name)] += 1
        return False

    with suppress(Unlookable):
        deque(members(content, ZIP_STREAM, copy(budget), count), maxlen=0)
    more = {name for name, times in streamed.items() if times > seen[name]}
    if more:
        try:
            yield from members(content, ZIP_STREAM, budget, lambda name: _plain(name) in more)
        except Unlookable as reason:
            if reason.kind == "limits":
                raise


def _known_as(member: Member, aliases: dict[bytes, Names], seen: Counter[bytes]) -> Member:
    """Return the member with all its names, which are `seen` from now on."""
    names = tuple(
        dict.fromkeys(
            alias for name in member.names for alias in (name, *aliases.get(_plain(name), ()))
        )
    )
    seen.update(_plain(name) for name in names)
    return replace(member, names=names)


def _aliases(content: bytes, budget: Budget) -> dict[bytes, Names]:
    """Return for each name of a member all of its names, where there are several."""
    if content.count(_CENTRAL) > budget.limits.parts:
        return {}  # too many members anyway
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OverflowError):
        return {}
    found: dict[bytes, Names] = {}
    for entry in entries:
        coding = "utf-8" if entry.flag_bits & _UTF8_FLAG else "cp437"
        name = entry.orig_filename.encode(coding, "replace")
        local, extra = _local(content, entry.header_offset)
        names = (name, local, _unicode_path(entry.extra), _unicode_path(extra))
        known = tuple(dict.fromkeys(name for name in names if name))
        if len(known) > 1:
            found.update((_plain(name), (*found.get(_plain(name), ()), *known)) for name in known)
    return found


def _local(content: bytes, offset: int) -> tuple[bytes, bytes]:
    """Return the name and the extra field in the member's own header."""
    header = content[max(0, offset) : max(0, offset) + _LOCAL_LENGTH]
    if len(header) < _LOCAL_LENGTH or not header.startswith(LOCAL):
        return b"", b""
    name_length, extra_length = struct.unpack_from("<HH", header, 26)
    middle = offset + _LOCAL_LENGTH + name_length
    return content[middle - name_length : middle], content[middle : middle + extra_length]


def _unicode_path(extra: bytes) -> bytes:
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        if kind == _UNICODE_PATH:
            return extra[position + 9 : position + 4 + length]
        position += 4 + length
    return b""


def _plain(name: bytes) -> bytes:
    """Return the name as libarchive may change it."""
    return name.replace(b"\\", b"/").rstrip(b"/")
