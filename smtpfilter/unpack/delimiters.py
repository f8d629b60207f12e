"""The delimiter lines of a multipart: its parts, and what lies around them or only looks like one.

Source: RFC 2046 5.1.1; reliability M1, M8.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from smtpfilter.mail.octets import Octets

_AFTER_BOUNDARY = re.compile(rb"(?P<last>--)?[ \t]*(?P<line_end>(?>\r\n|\r|\n)|\Z)")
_BEFORE = re.compile(rb"(?:\A|[\r\n])[\0-\x20]*+\Z")
_DECLARED = re.compile(rb"boundary\s{0,9}=\s{0,9}\"?([^\s\";]{1,300})", re.IGNORECASE)
_GUESS = re.compile(  # a line like a delimiter, before one like a field that tells of structure
    rb"--(?P<boundary>[^\r\n]{0,300})(?>\r\n|\r|\n)"
    rb"(?=(?>(?:(?!content-)[!-9;-~]{1,60}:[^\r\n]{0,300}(?>\r\n|\r|\n)){0,5})"
    rb"content-[a-z-]{4,20}[\0-\x20]*:)",
    re.IGNORECASE,
)
_STRUCTURE = re.compile(
    rb"(?:\A|(?<=[\r\n]))content-(?:type|transfer-encoding|disposition)[ \t]*:", re.IGNORECASE
)
_AROUND = 200  # octets before a boundary in which its line may begin
_MOST_GUESSES = 20

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Division:
    """How a boundary divides a body.  `around`: what stands before the first part and after the
    last one.  `closed`: there is a last delimiter.
    """

    parts: tuple[Span, ...]
    around: tuple[Span, ...] = ()
    closed: bool = False


def divide(octets: Octets, start: int, end: int, boundary: bytes, most: int) -> Division:
    """Return the parts between the delimiter lines, `most` + 1 at most; a missing last delimiter
    is forgiven.
    """
    parts: list[Span] = []
    opened: int | None = None
    preamble = (start, end)
    for line_start, line_end, last in _delimiters(octets, start, end, boundary):
        if opened is None:
            preamble = (start, line_start)
        else:
            parts.append((opened, max(opened, _before_line_end(octets, line_start, opened))))
        opened = line_end
        if last and len(parts) <= most:
            return Division(tuple(parts), (preamble, (line_end, end)), closed=True)
        if len(parts) > most:
            return Division(tuple(parts))
    if opened is not None:
        parts.append((opened, end))
    return Division(tuple(parts), (preamble,))


def holds_structure(octets: Octets, span: Span) -> bool:
    """Tell whether a field that describes a part stands at the beginning of a line."""
    return bool(_STRUCTURE.search(octets, *span))


def is_divided(octets: Octets, span: Span, boundary: bytes) -> bool:
    """Tell whether a delimiter line that opens a part stands in the span."""
    return any(not last for _start, _end, last in _delimiters(octets, *span, boundary))


def has_lookalike(octets: Octets, start: int, end: int, boundary: bytes) -> bool:
    """Tell whether a line is a delimiter to some programs only.

    A longer boundary of another multipart in there is none: mailers that number their boundaries
    are many.
    """
    delimiter = b"--" + boundary
    strict = {found for found, _end, _last in _delimiters(octets, start, end, boundary)}
    declared: set[bytes] | None = None
    lengths: set[int] = set()
    found = octets.find(delimiter, start, end)
    while found >= 0:
        before = octets[max(start, found - _AROUND) : found]
        if found not in strict and _BEFORE.search(before):
            if declared is None:
                declared = set(_DECLARED.findall(octets, start, end)) - {boundary}
                lengths = {len(other) for other in declared if other.startswith(boundary)}
            begins = (octets[found + 2 : found + 2 + length] for length in lengths)
            if declared.isdisjoint(begins):
                return True
        found = octets.find(delimiter, found + len(delimiter), end)
    return False


def guessed_boundaries(octets: Octets, start: int, end: int) -> list[bytes]:
    """Return what may be boundaries in a body, declared or not: they stand before fields."""
    found: dict[bytes, None] = {}
    for line in _dashed_lines(octets, start, end):
        match = _GUESS.match(octets, line, end)
        if match:
            boundary = match["boundary"].rstrip(b" \t")
            found[boundary.removesuffix(b"--") or boundary] = None
            if len(found) >= _MOST_GUESSES:
                break
    return list(found)


def _dashed_lines(octets: Octets, start: int, end: int) -> Iterator[int]:
    """Yield where the lines begin that begin with "--"."""
    if octets[start : start + 2] == b"--":
        yield start
    for line_end in (b"\n--", b"\r--"):
        found = octets.find(line_end, start, end)
        while found >= 0:
            yield found + 1
            found = octets.find(line_end, found + 1, end)


def _delimiters(
    octets: Octets, start: int, end: int, boundary: bytes
) -> Iterator[tuple[int, int, bool]]:
    """Yield (start, end, is it the last) of every delimiter line in octets[start:end]."""
    delimiter = b"--" + boundary
    found = octets.find(delimiter, start, end)
    while found >= 0:
        after = found + len(delimiter)
        at_line_start = found == start or octets[found - 1 : found] in (b"\r", b"\n")
        match = _AFTER_BOUNDARY.match(octets, after, end) if at_line_start else None
        if match:
            yield found, match.end(), match["last"] is not None
            after = match.end()
        found = octets.find(delimiter, after, end)


def _before_line_end(octets: Octets, position: int, earliest: int) -> int:
    """Return where the line end before `position` begins: it belongs to the delimiter."""
    if position - 2 >= earliest and octets[position - 2 : position] == b"\r\n":
        return position - 2
    return position - 1
