"""The message in an opaque S/MIME signature: readers show it, so it is looked into.

A signature that stands beside its message (smime.p7s) holds none.

Source: RFC 8551 3.5.2, RFC 5652 5.1 and 5.2; X.690 8.1 for lengths that are not told in advance.
"""

from collections.abc import Iterator

_SIGNED = bytes.fromhex("06092a864886f70d010702")  # the object identifier of SignedData
_SHOWN = 32  # octets in which it stands
_SEQUENCE, _OCTETS, _OCTETS_IN_PIECES, _EXPLICIT = 0x30, 0x04, 0x24, 0xA0
_DEEPEST = 8  # levels of lengths that are not told in advance
_LONGEST_LENGTH = 8  # octets

Element = tuple[int, int, int]  # tag, start and end of the content


def signed_message(content: bytes) -> bytes:
    """Return the message that `content` carries and signs, b"" where it is no such thing."""
    if not content.startswith(b"\x30") or _SIGNED not in content[:_SHOWN]:
        return b""
    try:
        signed = _inner(content, (_SEQUENCE, _EXPLICIT, _SEQUENCE, _SEQUENCE, _EXPLICIT))
        return b"".join(_octets(content, *signed))
    except (IndexError, ValueError):
        return b""


def _inner(content: bytes, tags: tuple[int, ...]) -> tuple[int, int]:
    """Return the span that is reached by going into the first element of each tag in turn."""
    start, end = 0, len(content)
    for wanted in tags:
        found = (span for tag, *span in _elements(content, start, end) if tag == wanted)
        start, end = next(found, (0, 0))
        if not end:
            raise ValueError("it holds no message")
    return start, end


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
