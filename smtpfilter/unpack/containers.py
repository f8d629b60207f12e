"""Which contents are containers, and who opens them."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from smtpfilter.unpack.archives import DAMAGED, READERS, Member, members
from smtpfilter.unpack.arj import arj_members
from smtpfilter.unpack.carve import carved_members, hangs_behind
from smtpfilter.unpack.disk import disk_members
from smtpfilter.unpack.flat import active_mime_members, flat_members
from smtpfilter.unpack.limits import Budget, Unlookable
from smtpfilter.unpack.mbox import mbox_members
from smtpfilter.unpack.ole import ole_members
from smtpfilter.unpack.onenote import onenote_members
from smtpfilter.unpack.packed import brotli_members, szdd_members
from smtpfilter.unpack.pdf import pdf_members
from smtpfilter.unpack.pgp import is_open, pgp_members
from smtpfilter.unpack.rtf import rtf_members
from smtpfilter.unpack.tnef import tnef_members
from smtpfilter.unpack.wim import wim_members
from smtpfilter.unpack.zips import hides_zip, is_empty_zip, zip_members

Opener = Callable[[bytes, Budget], Iterator[Member]]
LockOpener = Callable[[bytes, Budget, Sequence[str]], Iterator[Member]]

_ZIPS = frozenset({".zip", ".jar", ".apk", ".ooxml", ".odf", ".kmz"})
_TNEF = ".tnef"
_READ = {f".{short}": reader for short, reader in READERS.items()}
_ARCHIVES: dict[str, Opener] = {
    ".arj": arj_members,
    ".img": disk_members,
    ".vhd": disk_members,
    ".wim": wim_members,
    ".szdd": szdd_members,
}
_DOCUMENTS: dict[str, Opener] = {  # what is something by itself, even without anything in it
    ".rtf": rtf_members,
    ".one": onenote_members,
    ".xml": flat_members,
    ".activemime": active_mime_members,
    ".mbox": mbox_members,
}
_LOCKED: dict[str, LockOpener] = {".cdf-ms": ole_members, ".pdf": pdf_members}
_PACKS = frozenset({".7z", ".rar", ".cab"})  # so that no file shows in them as it is
_KEEPS_FILES_WHOLE = frozenset({".cdf-ms", ".one"})  # so that they seem to hang behind it
_CLOSED = frozenset(  # nothing here reads them
    {".ace", ".arc", ".zoo", ".sit", ".lzo", ".lrz", ".udf", ".vhdx", ".bz", ".installshield"}
)
_MESSAGE_NAME = re.compile(r"\.(eml|mht|mhtml)[.\s]*\Z", re.IGNORECASE)
_CONTAINER_NAME = re.compile(
    r"\.(zipx?|7z|rar|tar|tgz|t?gz|t?bz2|t?xz|lzma|lz4|zst|cab|lzh|lha|ace|arj|cpio|rpm|deb|jar"
    r"|xar|wim|vhdx?|lzo?|lrz)[.\s]*\Z",
    re.IGNORECASE,
)
_BROTLI_NAME = re.compile(r"\.(?:br|tbr)[.\s]*\Z", re.IGNORECASE)  # it has no other mark
_NOTHING_SPECIAL = frozenset({".dat", ".txt", ".asc"})
_PACKED_NAME = re.compile(r"\.(?:gz|gzip|bz2|xz|lzma|lz|lz4|zst|Z|br)\Z", re.IGNORECASE)
_PACKED_TAR = re.compile(r"\.(?:tgz|taz|tbz2?|txz|tlz|tzst|tbr)\Z", re.IGNORECASE)
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
    """Is it a message by its name or its beginning?  Programs open such a file as mail."""
    if _is_container(types):
        return False
    return ".mail" in types or any(_MESSAGE_NAME.search(name) for name in names)


def stands_for_itself(types: Sequence[str]) -> bool:
    """Is it something by itself, even where members are found in it?"""
    return not _is_container(types)


def open_container(
    content: bytes,
    types: Sequence[str],
    names: Sequence[str],
    budget: Budget,
    passwords: Sequence[str] = (),
) -> Iterator[Member] | None:
    """Return the members of a container; iterating raises Unlookable.  None: it is none.

    `passwords` are tried where it is encrypted: zip files, PDF and Office documents (Z4).
    """
    if _TNEF in types:
        return tnef_members(content, budget)
    if not _ZIPS.isdisjoint(types):
        if is_empty_zip(content):
            return None
        return _not_empty(zip_members(content, budget, passwords))
    for short in types:
        if short in _READ:
            found = members(content, _READ[short], budget)
            named = _named(content, found, names) if _READ[short].raw else found
            if _READ[short].raw or short in _PACKS:
                return chain(_not_empty(named), _zip_behind(content, budget, passwords))
            return _not_empty(named)
        if short in _ARCHIVES:
            return _not_empty(_renamed(_ARCHIVES[short](content, budget), names))
    if types[0] in _NOTHING_SPECIAL and any(map(_BROTLI_NAME.search, names)):
        return _named(content, brotli_members(content, budget), names)
    return _in_and_behind(content, types, budget, passwords)


def _zip_behind(content: bytes, budget: Budget, passwords: Sequence[str]) -> Iterator[Member]:
    """Yield what is in a zip file behind packed data, which some programs read instead.  Packed
    data may look like one: what is damaged is none.
    """
    if not hides_zip(content):
        return
    try:
        for member in zip_members(content, budget, passwords):
            if member.problem != DAMAGED:
                yield member if member.content is None else replace(member, problem=None)
    except Unlookable as reason:
        if reason.kind != "undecodable":
            raise


def _in_and_behind(
    content: bytes, types: Sequence[str], budget: Budget, passwords: Sequence[str]
) -> Iterator[Member] | None:
    """Return what is embedded in a document, and what hangs behind any content."""
    found = [_DOCUMENTS[short](content, budget) for short in types if short in _DOCUMENTS]
    found += [_LOCKED[short](content, budget, passwords) for short in types if short in _LOCKED]
    if is_open(content):
        found.append(pgp_members(content, budget))
    if hides_zip(content):
        found.append(zip_members(content, budget, passwords))
    if _KEEPS_FILES_WHOLE.isdisjoint(types) and (places := hangs_behind(content, types)):
        found.append(carved_members(content, places, budget))
    return chain(*found) if found else None


def _is_container(types: Sequence[str]) -> bool:
    return not ({_TNEF} | _ZIPS | _READ.keys() | _ARCHIVES.keys()).isdisjoint(types)


def _not_empty(found: Iterator[Member]) -> Iterator[Member]:
    """Yield the members; a container without any is one that was not understood (design 5)."""
    some = False
    for member in found:
        some = True
        yield member
    if not some:
        raise Unlookable("undecodable", "nothing is found in it")


def _renamed(found: Iterator[Member], names: Sequence[str]) -> Iterator[Member]:
    """Yield a single packed file without a name under those of its container."""
    for member in found:
        yield member if member.names else replace(member, names=_unpacked(names))


def _unpacked(names: Sequence[str]) -> tuple[bytes, ...]:
    stems = [_PACKED_TAR.sub(".tar", _PACKED_NAME.sub("", name)) for name in names]
    return tuple(stem.encode("utf-8", "replace") for stem in stems)


def _named(content: bytes, found: Iterator[Member], names: Sequence[str]) -> Iterator[Member]:
    """Yield a packed file under the names that it will have when it is unpacked."""
    own = _gzip_name(content)
    for member in found:
        yield replace(member, names=(*([own] if own else []), *_unpacked(names)))


def _gzip_name(content: bytes) -> bytes:
    """Return the file name in a gzip header (RFC 1952 2.3), b"" where there is none."""
    if content[:2] != b"\x1f\x8b" or not content[3] & _GZIP_NAMED:
        return b""
    start = 10
    if content[3] & _GZIP_EXTRA:
        start += 2 + int.from_bytes(content[10:12], "little")
    return content[start : start + 4096].partition(b"\0")[0]
