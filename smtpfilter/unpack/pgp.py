"""What OpenPGP only wraps: literal data, compressed or signed, but not encrypted.

Everybody's program opens it without any key, so it is looked into.  It has no mark of its own:
what does not read as packets to its literal data is none, and nothing is told of it.

Source: RFC 9580 4.2, 4.3, 5.2, 5.4, 5.6 and 5.9.
"""

from collections.abc import Iterator

from smtpfilter.unpack.archives import Member
from smtpfilter.unpack.inflate import inflated
from smtpfilter.unpack.limits import Budget

_SIGNATURE, _ONE_PASS, _COMPRESSED, _MARKER, _LITERAL, _PADDING = 2, 4, 8, 10, 11, 21
_BESIDE = frozenset({_SIGNATURE, _ONE_PASS, _MARKER, _PADDING})
_FORMATS = b"btulm1"
_DATE = 4  # octets
_DEEPEST = 8  # compressed within each other
_MOST_BESIDE = 1000  # packets before the data
_WAYS = ("", "deflate", "zlib", "bz2")  # by the number of the compression


def is_open(content: bytes) -> bool:
    """May it be data that is not encrypted?  Told by its first packet, at the speed of a look."""
    if len(content) < 2 or not content[0] & 0x80:
        return False
    tag = _tag(content)
    start = _Body(content, 0).start
    if tag == _LITERAL:
        return content[start : start + 1] in [bytes([one]) for one in _FORMATS]
    if tag == _COMPRESSED:
        return content[start : start + 1] in (b"\0", b"\1", b"\2", b"\3")
    return tag in _BESIDE and content[start : start + 1] in (b"\3", b"\4", b"\6", b"P")


def pgp_members(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the literal data, where there is some.  Raises Unlookable where a limit is reached."""
    for _level in range(_DEEPEST):
        tag, body = _data(content)
        if tag != _COMPRESSED or body[:1] > b"\3":
            break
        way = _WAYS[body[0]] if body else ""
        content = inflated(body[1:], way, budget).content if way else body[1:]
    else:
        return
    name_end = 2 + (body[1] if len(body) > 1 else 0)
    if tag == _LITERAL and body[:1] and body[0] in _FORMATS and len(body) >= name_end + _DATE:
        budget.spend_part()
        budget.spend_bytes(len(body))
        yield Member((body[2:name_end],), body[name_end + _DATE :])


def _data(content: bytes) -> tuple[int, bytes]:
    """Return tag and body of the first packet that is not just beside the data; (0, b"")."""
    at = 0
    for _packet in range(_MOST_BESIDE):
        if at >= len(content) or not content[at] & 0x80:
            break
        tag, body = _tag(content, at), _Body(content, at)
        if tag not in _BESIDE:
            return tag, b"".join(body)
        at = body.end()
    return 0, b""


def _tag(content: bytes, at: int = 0) -> int:
    return content[at] & 0x3F if content[at] & 0x40 else content[at] >> 2 & 0x0F


class _Body:
    """The body of the packet at `at`: iterating yields its pieces, as far as they are there."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content = content
        self._new = bool(content[at] & 0x40)
        self._kind = content[at] & 3
        self._at = at + 1
        self.start = self._length(at + 1)[0]

    def __iter__(self) -> Iterator[bytes]:
        for start, end in self._spans():
            yield self._content[start:end]

    def end(self) -> int:
        """Return where the next packet begins."""
        return max(end for _start, end in self._spans())

    def _spans(self) -> Iterator[tuple[int, int]]:
        at, goes_on = self._at, True
        while goes_on:
            start, length, goes_on = self._length(at)
            at = start + length
            yield start, at

    def _length(self, at: int) -> tuple[int, int, bool]:
        """Return start and length of a piece, and whether another one follows."""
        if not self._new:
            octets = (1, 2, 4, 0)[self._kind]
            left = len(self._content) - at
            length = int.from_bytes(self._content[at : at + octets], "big") if octets else left
            return at + octets, length, False
        first = self._content[at] if at < len(self._content) else 0
        if first < 192:
            return at + 1, first, False
        if first < 224:
            second = self._content[at + 1] if at + 1 < len(self._content) else 0
            return at + 2, ((first - 192) << 8) + second + 192, False
        if first < 255:
            return at + 1, 1 << (first & 0x1F), True
        return at + 5, int.from_bytes(self._content[at + 1 : at + 5], "big"), False
