"""The parts of a message: its MIME tree walked on the raw octets, leaves decoded.

Written here instead of using `email`: that hides ambiguity, recurses without end and takes
seconds on hostile input (findings 15, 16).  Every step is linear in the size of the message, and
the budget bounds their number.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from smtpfilter.mail.findings import Part, Unchecked
from smtpfilter.mail.octets import Octets
from smtpfilter.unpack.contents import Contents, Node, Place, joined
from smtpfilter.unpack.fields import ContentFields, header_end, read_fields
from smtpfilter.unpack.limits import Budget, Unlookable
from smtpfilter.unpack.transfer import decode

MESSAGE_TYPES = frozenset({"message/rfc822", "message/global", "message/news"})
LONGEST_BOUNDARY = 2000  # octets; RFC 2046 allows 70
_IDENTITY = frozenset({"", "7bit", "8bit", "binary"})

_AFTER_BOUNDARY = re.compile(rb"(?P<last>--)?[ \t]*(?P<line_end>(?>\r\n|\r|\n)|\Z)")


@dataclass(frozen=True, slots=True)
class Entity:
    """One MIME entity: octets[start:end] of a message or of a decoded content, and its place."""

    octets: Octets
    start: int
    end: int
    path: str
    ancestors: tuple[Node, ...] = ()
    default_type: str = "text/plain"


class Walk:
    """Finds the parts of one message; `parts` and `unchecked` hold what was found so far."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._contents = Contents(budget, self._packed_message)

    @property
    def parts(self) -> list[Part]:
        return self._contents.parts

    @property
    def unchecked(self) -> list[Unchecked]:
        return self._contents.unchecked

    def message(self, octets: Octets) -> None:
        """Find all parts of a message.  Ends early, with a remark, where a limit is reached."""
        try:
            self._entity(Entity(octets, 0, len(octets), "1"))
        except Unlookable as reason:
            self._contents.remark(reason.kind, str(reason))

    def _packed_message(self, octets: bytes, place: Place) -> None:
        self._entity(Entity(octets, 0, len(octets), place.path, place.ancestors))

    def _entity(self, entity: Entity) -> None:
        self._budget.spend_part()
        header, body = header_end(entity.octets, entity.start, entity.end)
        fields = read_fields(entity.octets, entity.start, header)
        if fields.too_long:
            self._contents.remark("limits", f"part {entity.path}: its header section is too long")
        children = list(self._children(entity, fields, body))
        if children and len(entity.ancestors) + 1 >= self._budget.limits.levels:
            self._contents.remark(
                "limits", f"nested deeper than {self._budget.limits.levels} levels"
            )
            children = []
        for child in children:
            self._entity(child)
        if not children:
            self._leaf(entity, fields, body)

    def _children(self, entity: Entity, fields: ContentFields, body: int) -> Iterator[Entity]:
        declared = fields.declared or entity.default_type
        ancestors = (*entity.ancestors, joined((declared,), (), fields.names))
        if declared in MESSAGE_TYPES:
            octets, start, end = self._nested(entity, fields, body)
            if end > start:
                yield Entity(octets, start, end, f"{entity.path}.1", ancestors)
        if declared.startswith("multipart/") and 0 < len(fields.boundary) <= LONGEST_BOUNDARY:
            inner = "message/rfc822" if declared == "multipart/digest" else "text/plain"
            spans = _split(entity.octets, body, entity.end, fields.boundary)
            for number, (start, end) in enumerate(spans, start=1):
                path = f"{entity.path}.{number}"
                yield Entity(entity.octets, start, end, path, ancestors, inner)
                if number > self._budget.limits.parts:
                    return

    def _nested(self, entity: Entity, fields: ContentFields, body: int) -> tuple[Octets, int, int]:
        """Return where the attached message is: in place, or decoded against RFC 2046."""
        if fields.encoding in _IDENTITY:
            return entity.octets, body, entity.end
        content = self._content(entity, fields, body)
        return content, 0, len(content)

    def _leaf(self, entity: Entity, fields: ContentFields, body: int) -> None:
        content = self._content(entity, fields, body)
        declared = fields.declared or entity.default_type
        container = declared.startswith("multipart/") or declared in MESSAGE_TYPES
        effective = "text/plain" if container and content else declared
        place = Place(entity.path, entity.ancestors)
        self._contents.add(content, place, joined((effective, declared), (), ()), fields.names)

    def _content(self, entity: Entity, fields: ContentFields, body: int) -> bytes:
        content, problem = decode(fields.encoding, entity.octets[body : entity.end])
        self._budget.spend_bytes(len(content))
        if problem:
            self._contents.remark("undecodable", f"part {entity.path}: {problem}")
        return content


def _split(octets: Octets, start: int, end: int, boundary: bytes) -> Iterator[tuple[int, int]]:
    """Yield the spans between delimiter lines (RFC 2046 5.1.1); a missing last one is forgiven."""
    opened: int | None = None
    for line_start, line_end, last in _delimiters(octets, start, end, boundary):
        if opened is not None:
            yield opened, max(opened, _before_line_end(octets, line_start, opened))
        opened = line_end
        if last:
            return
    if opened is not None:
        yield opened, end


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
