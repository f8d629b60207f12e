"""The members of containers, read as streams by libarchive.

Formats and filters are named one by one: "all" would run programs from PATH, and a plain .gz needs
the raw format (design 5).  Nothing is ever written, so a member's name is text for ban rules and
never a path (X-4).  Runs in a child process only.
"""

import ctypes
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from libarchive import ffi
from libarchive.entry import new_archive_entry
from libarchive.exception import ArchiveError

from smtpfilter.mail.findings import UncheckedKind
from smtpfilter.unpack import charset
from smtpfilter.unpack.limits import Budget, Unlookable

_REGULAR = 0o100000
_FOLDER = 0o040000
_FILE_TYPE = 0o170000
_MOST_WARNINGS = 100  # of one member: some are harmless, libarchive may repeat them for ever
_CIPHER = re.compile(r"encrypt|crypto|passphrase", re.IGNORECASE)

_entry_is_encrypted = ffi.ffi("entry_is_encrypted", [ctypes.c_void_p], ctypes.c_int)
_has_encrypted = ffi.ffi("read_has_encrypted_entries", [ctypes.c_void_p], ctypes.c_int)

logging.getLogger("libarchive").setLevel(logging.CRITICAL)  # its warnings hold words of the mail


Problem = tuple[UncheckedKind, str]
ENCRYPTED: Problem = ("encrypted", "it is encrypted")
GUESSED: Problem = ("encrypted", "it is encrypted; the message itself gives the password away")
DAMAGED: Problem = ("undecodable", "it is damaged")


@dataclass(frozen=True, slots=True)
class Reader:
    """What of libarchive is switched on to read a container."""

    formats: tuple[str, ...]
    filters: tuple[str, ...] = ()

    @property
    def raw(self) -> bool:
        """Is this a packed file, instead of files with names?"""
        return self.formats == ("raw",)


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a container.

    `names`: every name it goes by, raw octets.  `content`: None where it has none that can be read.
    `problem`: why that may not be what a reader sees, and its kind.
    """

    names: tuple[bytes, ...]
    content: bytes | None
    problem: Problem | None = None


ZIP = Reader(("zip_seekable",))
ZIP_STREAM = Reader(("zip_streamable",))  # looks at no directory
READERS = {
    "7z": Reader(("7zip",)),
    "rar": Reader(("rar", "rar5")),
    "tar": Reader(("tar",)),
    "cpio": Reader(("cpio",)),
    "a": Reader(("ar",)),
    "deb": Reader(("ar",)),
    "cab": Reader(("cab",)),
    "iso": Reader(("iso9660",)),
    "lha": Reader(("lha",)),
    "xar": Reader(("xar",)),
    "warc": Reader(("warc",)),
    "rpm": Reader(("cpio",), ("rpm", "gzip", "bzip2", "xz", "lzma", "zstd")),
    "gz": Reader(("raw",), ("gzip",)),
    "bz2": Reader(("raw",), ("bzip2",)),
    "xz": Reader(("raw",), ("xz",)),
    "lzma": Reader(("raw",), ("lzma",)),
    "lzip": Reader(("raw",), ("lzip",)),
    "lz4": Reader(("raw",), ("lz4",)),
    "zst": Reader(("raw",), ("zstd",)),
    "Z": Reader(("raw",), ("compress",)),
}


def members(
    content: bytes,
    reader: Reader,
    budget: Budget,
    wanted: Callable[[bytes], bool] = lambda name: True,
    passwords: Sequence[str] = (),
) -> Iterator[Member]:
    """Yield the members of `content` whose name is `wanted`, one after the other.

    `passwords` are tried on those that are encrypted, as far as libarchive decrypts: zip files.
    Raises Unlookable where a limit is reached or the rest cannot be read.
    """
    with _opened(content, reader, passwords) as archive, new_archive_entry() as entry:
        while _next(archive, entry):
            budget.spend_part()
            name = ffi.entry_pathname(entry) or _utf8(ffi.entry_pathname_w(entry))
            member = (
                _member(archive, entry, () if reader.raw else (name,), budget, bool(passwords))
                if wanted(name)
                else None
            )
            if member:
                yield member


def text(name: bytes) -> str:
    """Return a member's name as text."""
    return charset.undeclared(name)


@contextmanager
def _opened(content: bytes, reader: Reader, passwords: Sequence[str]) -> Iterator[int]:
    archive = ffi.read_new()
    try:
        for name in reader.filters:
            ffi.get_read_filter_function(name)(archive)
        for name in reader.formats:
            ffi.get_read_format_function(name)(archive)
        for password in passwords:
            ffi.read_add_passphrase(archive, password.encode("utf-8", "replace"))
        octets = ctypes.cast(ctypes.c_char_p(content), ctypes.c_void_p)  # no copy
        try:
            ffi.read_open_memory(archive, octets, len(content))
        except ArchiveError as error:
            raise _unlookable(error) from error
        yield archive
    finally:
        ffi.read_free(archive)


def _next(archive: int, entry: int) -> bool:
    try:
        return bool(ffi.read_next_header2(archive, entry) != ffi.ARCHIVE_EOF)
    except ArchiveError as error:
        if _has_encrypted(archive) > 0:
            raise Unlookable("encrypted", "its list of members is encrypted") from error
        raise _unlookable(error) from error


def _member(
    archive: int, entry: int, names: tuple[bytes, ...], budget: Budget, has_passwords: bool
) -> Member | None:
    """Return the member, None for a folder."""
    kind = ffi.entry_filetype(entry) & _FILE_TYPE
    encrypted = kind != _FOLDER and _entry_is_encrypted(entry)
    if encrypted and not has_passwords:
        return Member(names, None, ENCRYPTED)
    content, error = _content(archive, budget)
    if error and (encrypted or _CIPHER.search(str(error.msg))):
        return Member(names, None, ENCRYPTED)
    if encrypted:
        return Member(names, content, GUESSED)
    if kind == _FOLDER and not content:
        return None
    problem = DAMAGED if error else None
    return Member(names, content if content or kind in (_REGULAR, 0) else None, problem)


def _content(archive: int, budget: Budget) -> tuple[bytes, ArchiveError | None]:
    """Return all that can be read of the member, and what went wrong.

    By blocks, since the call for streams forgets what it read before an error.
    """
    block, size, offset = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_longlong()
    content = bytearray()
    problem = None
    for _warning in range(_MOST_WARNINGS):
        code = ffi.ARCHIVE_OK
        while code == ffi.ARCHIVE_OK:
            size.value = 0
            try:
                code = ffi.read_data_block(archive, block, size, offset)
            except ArchiveError as error:
                return bytes(content), error
            hole = max(0, offset.value - len(content)) if size.value else 0
            budget.spend_bytes(hole + size.value)
            content += bytes(hole)
            content += ctypes.string_at(block, size.value) if size.value else b""
        if code == ffi.ARCHIVE_EOF:
            break
        problem = ffi.archive_error(archive, code)
    return bytes(content), problem


def _unlookable(error: ArchiveError) -> Unlookable:
    if _CIPHER.search(str(error.msg)):
        return Unlookable("encrypted", "its list of members is encrypted")
    return Unlookable("undecodable", "it is damaged, or of a kind that cannot be read")


def _utf8(name: str | None) -> bytes:
    return (name or "").encode("utf-8", "replace")
