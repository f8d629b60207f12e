"""Archives and programs that hang behind something else: self-extractors, pictures with a tail.

A self-extractor is a program with an archive behind it; a picture, a document or padding with one
behind it hides it.  Each is told by more than its first octets, since those stand anywhere.

Sources: 7zFormat.txt, RAR's technote, [MS-CAB] 2.1, [MS-CFB] 2.2, the PE and ELF formats.
"""

import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence

from smtpfilter.unpack.archives import Member
from smtpfilter.unpack.limits import Budget

_MOST_FOUND = 16  # in one content
_LONGEST_DOS_PART = 0x1000  # octets of a PE file before its real header
_PDF_END = b"%%EOF"
_PROGRAMS = frozenset({".exe", ".so", ".sh"})


def _is_7z(content: bytes, at: int) -> bool:
    check = int.from_bytes(content[at + 8 : at + 12], "little")
    return len(content) >= at + 32 and zlib.crc32(content[at + 12 : at + 32]) == check


def _is_rar(content: bytes, at: int) -> bool:
    return content[at + 6 : at + 8] == b"\x01\0" or (
        content[at + 6] == 0 and content[at + 9 : at + 10] == b"\x73"
    )


def _is_cab(content: bytes, at: int) -> bool:
    return content[at + 4 : at + 8] == bytes(4) and content[at + 24 : at + 26] == b"\x03\x01"


def _is_pe(content: bytes, at: int) -> bool:
    start = int.from_bytes(content[at + 60 : at + 64], "little")
    return 0 < start < _LONGEST_DOS_PART and content[at + start : at + start + 4] == b"PE\0\0"


def _is_elf(content: bytes, at: int) -> bool:
    return content[at + 4 : at + 5] in (b"\1", b"\2") and content[at + 6 : at + 7] == b"\1"


def _is_ole(content: bytes, at: int) -> bool:
    return content[at + 28 : at + 30] == b"\xfe\xff"


Check = Callable[[bytes, int], bool]
_ARCHIVES: tuple[tuple[bytes, Check], ...] = (
    (b"7z\xbc\xaf\x27\x1c", _is_7z),
    (b"Rar!\x1a\x07", _is_rar),
    (b"MSCF", _is_cab),
)
_HIDDEN: tuple[tuple[bytes, Check], ...] = (
    *_ARCHIVES,
    (b"MZ", _is_pe),
    (b"\x7fELF", _is_elf),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _is_ole),
)


def hangs_behind(content: bytes, types: Sequence[str]) -> list[int]:
    """Return where in `content`, of these short types with the point, something else begins."""
    kinds = _HIDDEN if _PROGRAMS.isdisjoint(types) else _ARCHIVES
    start = max(1, content.rfind(_PDF_END)) if ".pdf" in types else 1  # a PDF has room for files
    found = (place for mark, check in kinds for place in _places(content, start, mark, check))
    return sorted(itertools.islice(found, _MOST_FOUND))


def carved_members(content: bytes, places: Sequence[int], budget: Budget) -> Iterator[Member]:
    """Yield what begins at each of `places`, with all that follows.  Raises Unlookable."""
    for place in places:
        budget.spend_part()
        budget.spend_bytes(len(content) - place)
        yield Member((), content[place:])


def _places(content: bytes, start: int, mark: bytes, check: Check) -> Iterator[int]:
    place = content.find(mark, start)
    while place >= 0:
        if check(content, place):
            yield place
        place = content.find(mark, place + 1)
