"""The message in an opaque S/MIME signature: readers show it, so it is looked into.

A signature that stands beside its message (smime.p7s) holds none.  A digest, a checksum
with a key and no protection at all wrap it alike.

Source: RFC 8551 3.5.2, RFC 5652 4, 5.1, 5.2, 7 and 9.1; X.690 8.1 for lengths that are not told in
advance.
"""

import itertools
import re
from collections.abc import Iterator

_WRAPPERS = {  # object identifiers, and the SEQUENCE that is encapContentInfo
    bytes.fromhex("2a864886f70d010701"): 0,  # Data: the outermost
    bytes.fromhex("2a864886f70d010702"): 1,  # SignedData
    bytes.fromhex("2a864886f70d010705"): 2,  # DigestedData
    bytes.fromhex("2a864886f70d0109100102"): 2,  # AuthenticatedData
}
_FIELD = re.compile(rb"(?:MIME-Version|Content-[A-Za-z-]{2,30}):", re.IGNORECASE)
_SEQUENCE, _IDENTIFIER, _OCTETS, _OCTETS_IN_PIECES, _EXPLICIT = 0x30, 0x06, 0x04, 0x24, 0xA0
_DEEPEST = 8  # levels of lengths that are not told in advance
_LONGEST_LENGTH = 8  # octets

Span = tuple[int, int]  # start and end
Element = tuple[int, int, int]  # tag, start and end of the content


def signed_message(content: bytes) -> bytes:
    """Return the message that `content` carries and signs, b"" where it is no such thing."""
    if not content.startswith(b"\x30"):
        return b""
    try:
        outer = _nth(content, (0, len(content)), _SEQUENCE)
        place = _WRAPPERS.get(content[slice(*_nth(content, outer, _IDENTIFIER))], -1)
        if place < 0:
            return b""
        if place:
            wrapped = _nth(content, _nth(content, outer, _EXPLICIT), _SEQUENCE)
            outer = _nth(content, wrapped, _SEQUENCE, place)
        return b"".join(_octets(content, *_nth(content, outer, _EXPLICIT)))
    except (IndexError, ValueError):
        return b""


def is_entity(message: bytes) -> bool:
    """Is it one in MIME, as it has to be?  Anything may be wrapped."""
    return bool(_FIELD.match(message))


def _nth(content: bytes, span: Span, wanted: int, number: int = 1) -> Span:
    """Return the content of the `number`th element with the tag.  Raises ValueError, IndexError."""
    found = ((first, last) for tag, first, last in _elements(content, *span) if tag == wanted)
    inner = next(itertools.islice(found, number - 1, None), (0, 0))
    if not inner[1]:
        raise ValueError("it holds no message")
    return inner


def _octets(content: bytes, start: int, end: int) -> Iterator[bytes]:
    for tag, first, last in _elements(content, start, end):
        if tag == _OCTETS:
            yield content[first:last]
        elif tag == _OCTETS_IN_PIECES:
            yield from (content[a:b] for kind, a, b in _elements(content, first, last) if kind == 4)


def _elements(content: bytes, start: int, end: int) -> Iterator[Element]:
    while start < end:
        tag, first, last, start = _element(content, start)
        yield tag, first, last


def _element(content: bytes, at: int, depth: int = 0) -> tuple[int, int, int, int]:
    """Return tag, start and end of the content, and where the next element begins."""
    tag, length = content[at], content[at + 1]
    start = at + 2
    if length == 0x80 and depth < _DEEPEST:
        end = start
        while content[end : end + 2] != b"\0\0":
            *_, end = _element(content, end, depth + 1)
        return tag, start, end, end + 2
    if length & 0x80:
        octets = length & 0x7F
        if not 0 < octets <= _LONGEST_LENGTH:
            raise ValueError("a length that makes no sense")
        length = int.from_bytes(content[start : start + octets], "big")
        start += octets
    return tag, start, start + length, start + length
