"""Which contents are containers, and who opens them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from smtpfilter.unpack.archives import READERS, Member, members
from smtpfilter.unpack.limits import Budget, Unlookable
from smtpfilter.unpack.ole import ole_members
from smtpfilter.unpack.tnef import tnef_members
from smtpfilter.unpack.transfer import uudecode
from smtpfilter.unpack.zips import hides_zip, is_empty_zip, zip_members

_ZIPS = frozenset({".zip", ".jar", ".apk", ".ooxml", ".odf", ".kmz"})
_OLE = ".cdf-ms"
_UUE = ".uue"
_UU_NAME = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]+)", re.MULTILINE)
_READ = {f".{short}": reader for short, reader in READERS.items()}
_CLOSED = frozenset(  # nothing here reads them
    {".ace", ".arj", ".arc", ".zoo", ".sit", ".lzo", ".lrz", ".wim", ".udf", ".vhd", ".bz"}
    | {".installshield"}
)
_MESSAGE_NAME = re.compile(r"\.(eml|mht|mhtml)[.\s]*\Z", re.IGNORECASE)
_CONTAINER_NAME = re.compile(
    r"\.(zip|7z|rar|tar|tgz|t?gz|t?bz2|t?xz|lzma|lz4|zst|cab|lzh|lha|ace|arj)[.\s]*\Z",
    re.IGNORECASE,
)
_NOTHING_SPECIAL = frozenset({".dat", ".txt", ".asc"})
_PACKED_NAME = re.compile(r"\.(?:gz|gzip|bz2|xz|lzma|lz|lz4|zst|Z)\Z", re.IGNORECASE)
_PACKED_TAR = re.compile(r"\.(?:tgz|taz|tbz2?|txz|tlz|tzst)\Z", re.IGNORECASE)
_GZIP_NAMED = 8  # flag FNAME (RFC 1952 2.3.1)
_GZIP_EXTRA = 4


def unreadable_container(types: Sequence[str], names: Sequence[str], opened: bool) -> str:
    """Return why this container was not `opened` or not in full, "" where it was or is none."""
    closed = [short for short in types if short in _CLOSED]
    if closed:
        return f"nothing here reads {closed[0]}"
    plain = not opened and types[0] in _NOTHING_SPECIAL
    if plain and any(_CONTAINER_NAME.search(name) for name in names):
        return "its name promises an archive, which it is not"
    return ""


def is_message(types: Sequence[str], names: Sequence[str]) -> bool:
    """Is it a message by its name?  Programs open such a file as mail."""
    return not _is_container(types) and any(_MESSAGE_NAME.search(name) for name in names)


def stands_for_itself(types: Sequence[str]) -> bool:
    """Is it something by itself, even where members are found in it?"""
    return not _is_container(types)


def open_container(
    content: bytes, types: Sequence[str], names: Sequence[str], budget: Budget
) -> Iterator[Member] | None:
    """Return the members of a container; iterating raises Unlookable.  None: it is none."""
    if ".tnef" in types:
        return tnef_members(content, budget)
    if _OLE in types:
        return ole_members(content, budget)
    if _UUE in types:
        return _uuencoded(content, budget)
    if not _ZIPS.isdisjoint(types):
        return None if is_empty_zip(content) else _not_empty(zip_members(content, budget))
    for short in types:
        if short in _READ:
            found = members(content, _READ[short], budget)
            named = _named(content, found, names) if _READ[short].raw else found
            return _not_empty(named)
    return zip_members(content, budget) if hides_zip(content) else None


def _is_container(types: Sequence[str]) -> bool:
    return ".tnef" in types or not (_ZIPS | _READ.keys()).isdisjoint(types)


def _not_empty(found: Iterator[Member]) -> Iterator[Member]:
    """Yield the members; a container without any is one that was not understood (design 5)."""
    some = False
    for member in found:
        some = True
        yield member
    if not some:
        raise Unlookable("undecodable", "nothing is found in it")


def _uuencoded(content: bytes, budget: Budget) -> Iterator[Member]:
    name = _UU_NAME.search(content)
    budget.spend_part()
    budget.spend_bytes(len(content))
    yield Member((name[1].rstrip(),) if name else (), uudecode(content))


def _named(content: bytes, found: Iterator[Member], names: Sequence[str]) -> Iterator[Member]:
    """Yield a packed file under the names that it will have when it is unpacked."""
    stems = [_PACKED_TAR.sub(".tar", _PACKED_NAME.sub("", name)) for name in names]
    unpacked = [stem.encode("utf-8", "replace") for stem in stems]
    own = _gzip_name(content)
    for member in found:
        yield replace(member, names=(*([own] if own else []), *unpacked))


def _gzip_name(content: bytes) -> bytes:
    """Return the file name in a gzip header (RFC 1952 2.3), b"" where there is none."""
    if content[:2] != b"\x1f\x8b" or not content[3] & _GZIP_NAMED:
        return b""
    start = 10
    if content[3] & _GZIP_EXTRA:
        start += 2 + int.from_bytes(content[10:12], "little")
    return content[start : start + 4096].partition(b"\0")[0]
