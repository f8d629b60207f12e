"""One member of a zip file by itself: all names it goes by, and its content where the flags lie.

libarchive goes by the directory.  Here a member's own header is taken out with its data, so that
it can be read although it is marked as encrypted and is not, with a password that is tried, as the
file that it is although its name is a folder's, or with the one method that libarchive lacks.

Source: PKWARE's APPNOTE 4.3, 4.4.
"""

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import inflate64

from smtpfilter.unpack.archives import ENCRYPTED, GUESSED, ZIP_STREAM, Member, Problem, members
from smtpfilter.unpack.limits import Budget, Unlookable

FORGED: Problem = ("encrypted", "it is marked as encrypted, but can be read")
LOCAL = b"PK\x03\x04"
_CENTRAL = b"PK\x01\x02"
_LOCAL_LENGTH = 30
_FLAGS_AT, _METHOD_AT = 6, 8
_DESCRIPTOR = 24  # octets: the longest that may follow the data
_ENCRYPTED_FLAG, _UTF8_FLAG = 0x1, 0x800
_UNICODE_PATH = 0x7075  # APPNOTE 4.6.9
_DEFLATE64 = 9
_STEP = 256  # octets between two looks at the budget: they may become 30,000 times as many

Names = tuple[bytes, ...]
Entry = zipfile.ZipInfo


def directory(content: bytes, budget: Budget) -> Sequence[Entry]:
    """Return the entries of the directory, none where it cannot be read."""
    if content.count(_CENTRAL) > budget.limits.parts:
        return ()  # too many members anyway
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OverflowError):
        return ()


def aliases(content: bytes, entries: Sequence[Entry]) -> Mapping[bytes, Names]:
    """Return for each name of a member all of its names, where there are several.

    Entries that lead to the same place are one member, of which libarchive shows a single name.
    """
    at_place: dict[int, dict[bytes, None]] = {}
    for entry in entries:
        local, extra = _local(content, entry.header_offset)
        names = (name_of(entry), local, _unicode_path(entry.extra), _unicode_path(extra))
        at_place.setdefault(entry.header_offset, {}).update((name, None) for name in names if name)
    found: dict[bytes, Names] = {}
    for known in at_place.values():
        if len(known) > 1:
            found.update((plain(name), (*found.get(plain(name), ()), *known)) for name in known)
    return found


def name_of(entry: Entry) -> bytes:
    coding = "utf-8" if entry.flag_bits & _UTF8_FLAG else "cp437"
    return entry.orig_filename.encode(coding, "replace")


def plain(name: bytes) -> bytes:
    """Return the name as libarchive may change it."""
    return name.replace(b"\\", b"/").rstrip(b"/")


def is_encrypted(entry: Entry) -> bool:
    return bool(entry.flag_bits & _ENCRYPTED_FLAG)


def starts_encrypted(content: bytes) -> bool:
    """Is the first member marked as encrypted by its own header?"""
    at = max(0, content.find(LOCAL))
    header = content[at : at + _LOCAL_LENGTH]
    return len(header) == _LOCAL_LENGTH and bool(header[_FLAGS_AT] & _ENCRYPTED_FLAG)


def password_for(
    content: bytes, entries: Sequence[Entry], candidates: Sequence[str], budget: Budget
) -> str:
    """Return which candidate opens the smallest encrypted member, "" for none."""
    locked = [entry for entry in entries if is_encrypted(entry)]
    if not locked:
        return ""
    taken = _alone(content, min(locked, key=lambda entry: entry.compress_size))
    for candidate in candidates:
        member = _first(taken, budget, (candidate,))
        if member and member.problem == GUESSED:
            return candidate
    return ""


def read_anyway(content: bytes, entry: Entry, member: Member, budget: Budget) -> Member:
    """Return a `member` that is encrypted or damaged with its content, where that can be had."""
    taken = _alone(content, entry)
    if len(taken) <= _LOCAL_LENGTH:
        return member
    if member.problem != ENCRYPTED:
        inflatable = entry.compress_type == _DEFLATE64
        return _inflated(member, taken, entry, budget) if inflatable else member
    cleared = bytearray(taken)
    cleared[_FLAGS_AT] &= ~_ENCRYPTED_FLAG
    found = _first(bytes(cleared), budget)
    if found is None or found.problem or not found.content:
        return member
    return replace(member, content=found.content, problem=FORGED)


def folder_with_content(content: bytes, entry: Entry, budget: Budget) -> Member | None:
    """Return a file that is called like a folder, as some programs write it."""
    taken = bytearray(_alone(content, entry))
    end = _LOCAL_LENGTH + int.from_bytes(taken[26:28], "little") - 1
    if bytes(taken[end : end + 1]) not in (b"/", b"\\"):
        return None
    taken[end : end + 1] = b"_"
    found = _first(bytes(taken), budget)
    return replace(found, names=(name_of(entry),)) if found else None


def _alone(content: bytes, entry: Entry) -> bytes:
    """Return the member with its own header; b"" where it has none."""
    start = max(0, entry.header_offset)
    header = content[start : start + _LOCAL_LENGTH]
    if len(header) < _LOCAL_LENGTH or not header.startswith(LOCAL):
        return b""
    names = sum(struct.unpack_from("<HH", header, 26))
    return content[start : start + _LOCAL_LENGTH + names + entry.compress_size + _DESCRIPTOR]


def _first(taken: bytes, budget: Budget, passwords: Sequence[str] = ()) -> Member | None:
    try:
        return next(members(taken, ZIP_STREAM, budget, passwords=passwords), None)
    except Unlookable as reason:
        if reason.kind == "limits":
            raise
        return None


def _inflated(member: Member, taken: bytes, entry: Entry, budget: Budget) -> Member:
    packed = taken[_LOCAL_LENGTH + sum(struct.unpack_from("<HH", taken, 26)) :]
    inflater = inflate64.Inflater()
    unpacked = bytearray()
    with suppress(ValueError, EOFError, RuntimeError):
        for at in range(0, len(packed), _STEP):
            piece = inflater.inflate(packed[at : at + _STEP])
            budget.spend_bytes(len(piece))
            unpacked += piece
            if inflater.eof:
                break
    whole = len(unpacked) == entry.file_size
    return replace(member, content=bytes(unpacked), problem=None if whole else member.problem)


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
