"""The parts of a message: its MIME tree walked on the raw octets, leaves decoded.

Written here instead of using `email`: that hides ambiguity, recurses without end and takes
seconds on hostile input (findings 15, 16).  Every step is linear in the size of the message, and
the budget bounds their number.

What programs read in different ways is read in all of them (design 2.1): by every boundary and
every encoding that is declared, by what looks like a boundary, with every end of a header section.
The first reading is what most readers show; the others add what they find, as hidden parts.  Mail
that is written properly has one reading.
"""

from collections.abc import Iterator
from dataclasses import replace

from smtpfilter.mail.findings import Part, Unchecked, UncheckedKind
from smtpfilter.mail.octets import Octets
from smtpfilter.unpack.ambiguity import header_oddities
from smtpfilter.unpack.bodies import body_oddities
from smtpfilter.unpack.contents import Contents, Place, joined
from smtpfilter.unpack.delimiters import Division, divide, guessed_boundaries
from smtpfilter.unpack.entity import MESSAGE_TYPES, Entity, Reading, guessed, is_container
from smtpfilter.unpack.fields import read_fields
from smtpfilter.unpack.files import PartFiles
from smtpfilter.unpack.limits import Budget, Unlookable
from smtpfilter.unpack.sections import header_end, other_ends
from smtpfilter.unpack.transfer import Decoded, decode, decode_as_any, is_identity

LONGEST_BOUNDARY = 2000  # octets; RFC 2046 allows 70
_DEEPEST_MULTIPARTS = 50
_SHORT_TEXT = 60  # octets around the parts: "This is a multi-part message in MIME format."
_MOST_READINGS = 200  # of one message beside the first ones: it is told as ambiguous then anyway


class Walk:
    """Finds the parts of one message; `parts` and `unchecked` hold what was found so far."""

    def __init__(self, budget: Budget, files: PartFiles | None = None) -> None:
        self._budget = budget
        self._contents = Contents(budget, self._packed_message, files)
        self._readings_left = _MOST_READINGS

    @property
    def parts(self) -> list[Part]:
        return self._contents.parts

    @property
    def unchecked(self) -> list[Unchecked]:
        return self._contents.unchecked

    def message(self, octets: Octets) -> None:
        """Find all parts of a message.  Ends early, with a remark, where a limit is reached."""
        try:
            self._entity(Entity(octets, 0, len(octets), Place("1")))
        except Unlookable as reason:
            self._contents.remark(reason.kind, str(reason))

    def _packed_message(self, octets: bytes, place: Place) -> None:
        self._entity(Entity(octets, 0, len(octets), place))

    def _entity(self, entity: Entity) -> None:
        self._budget.spend_part()
        header, body = header_end(entity.octets, entity.start, entity.end)
        self._read(entity, header, body)
        for other_header, other_body in other_ends(entity.octets, entity.start, header, body):
            if self._another_reading():
                self._read(guessed(entity), other_header, other_body)

    def _read(self, entity: Entity, header: int, body: int) -> None:
        fields = read_fields(entity.octets, entity.start, header)
        oddities = header_oddities(
            entity.octets[entity.start : header],
            entity.outer,
            closed=header < body or body == entity.end,
        )
        if fields.too_long:
            self._tell(entity, "limits", "its header section is too long")
        if oddities.unusual:
            entity = replace(entity, place=replace(entity.place, hidden=True))
        reading = Reading(entity, fields, oddities, body)
        for sentence in (*oddities.told, *body_oddities(entity.octets, reading.span, fields)):
            self._tell(entity, "ambiguous", sentence)
        division = self._division(reading, fields.boundary)
        children = self._not_too_deep(reading, list(self._children(reading, division)))
        for child in children:
            self._entity(child)
        if not children or any(not is_container(kind) for kind in fields.other_types):
            self._leaf(reading)
        self._around(reading, division)
        self._read_again(reading, division, len(children))

    def _children(self, reading: Reading, division: Division | None) -> Iterator[Entity]:
        if reading.declared in MESSAGE_TYPES:
            yield from self._nested(reading)
        if division:
            yield from self._parts(reading, division, reading.fields.boundary, first=1)

    def _division(self, reading: Reading, boundary: bytes) -> Division | None:
        if not reading.declared.startswith("multipart/"):
            return None
        if not 0 < len(boundary) <= LONGEST_BOUNDARY:
            return None
        return divide(reading.entity.octets, *reading.span, boundary, self._budget.limits.parts)

    def _parts(
        self, reading: Reading, division: Division, boundary: bytes, first: int
    ) -> Iterator[Entity]:
        entity = reading.entity
        inner = "message/rfc822" if reading.declared == "multipart/digest" else "text/plain"
        for number, (start, end) in enumerate(division.parts, start=first):
            place = reading.inner(number)
            outer = (*entity.outer, boundary)
            yield Entity(entity.octets, start, end, place, inner, outer)

    def _nested(self, reading: Reading) -> Iterator[Entity]:
        """Yield the attached message: in place, or decoded against RFC 2046 5.2.1."""
        entity, place = reading.entity, reading.inner(1)
        if is_identity(reading.fields.encoding):
            if entity.end > reading.body:
                yield Entity(entity.octets, reading.body, entity.end, place, outer=entity.outer)
            return
        content = self._decoded(reading).contents[0]
        if content:
            yield Entity(content, 0, len(content), replace(place, hidden=True))

    def _leaf(self, reading: Reading) -> None:
        entity, declared = reading.entity, reading.declared
        decoded = self._decoded(reading)
        if decoded.problem:
            self._tell(entity, "undecodable", decoded.problem)
        if decoded.odd and not (declared.startswith("text/") and decoded.harmless):
            self._tell(entity, "ambiguous", decoded.odd)
        unusual = reading.is_coded_file or declared.startswith("message/")
        hidden = entity.place.hidden or unusual or len(decoded.contents) > 1
        place = replace(entity.place, hidden=hidden)
        for number, content in enumerate(decoded.contents):
            effective = "text/plain" if is_container(declared) and content else declared
            types = joined((effective, declared), (), reading.fields.other_types)
            self._contents.add(content, place, types, reading.fields.names)
            if not number:
                place = replace(place, guess=True)

    def _decoded(self, reading: Reading) -> Decoded:
        fields, octets = reading.fields, reading.entity.octets[reading.body : reading.entity.end]
        if fields.other_encodings or (reading.oddities.told and octets):
            decoded = decode_as_any((fields.encoding, *fields.other_encodings), octets)
        else:
            decoded = decode(fields.encoding, octets)
        if reading.is_coded_file:
            unix = tuple(content.replace(b"\r\n", b"\n") for content in decoded.contents)
            decoded = replace(decoded, contents=tuple(dict.fromkeys((*decoded.contents, *unix))))
        for content in decoded.contents:
            self._budget.spend_bytes(len(content))
        return decoded

    def _read_again(self, reading: Reading, division: Division | None, number: int) -> None:
        """Read the body by what else may divide it."""
        octets, fields = reading.entity.octets, reading.fields
        declared = [*fields.other_boundaries, *([] if division else [fields.boundary])]
        spans = division.around if division and division.parts else (reading.span,)
        if reading.oddities.told:
            spans = (reading.span,)
        known = set(division.parts) if division else set()
        for span in spans:
            guesses = [*declared, *guessed_boundaries(octets, *span)]
            for boundary in dict.fromkeys(guess for guess in guesses if guess):
                again = divide(octets, *span, boundary, self._budget.limits.parts)
                news = tuple(part for part in again.parts if part not in known)
                known.update(news)
                again = replace(again, parts=news)
                for part in self._parts(reading, again, boundary, first=number + 1):
                    number += 1
                    if self._another_reading():
                        self._entity(guessed(part))

    def _not_too_deep(self, reading: Reading, children: list[Entity]) -> list[Entity]:
        levels, place = self._budget.limits.levels, reading.entity.place
        deep = place.level >= levels and reading.declared in MESSAGE_TYPES
        if children and (deep or len(place.ancestors) >= _DEEPEST_MULTIPARTS):
            self._contents.remark("limits", f"nested deeper than {levels} levels")
            return []
        return children

    def _around(self, reading: Reading, division: Division | None) -> None:
        for start, end in division.around if division else ():
            text = reading.entity.octets[start:end].strip()
            if len(text) > _SHORT_TEXT:
                place = guessed(reading.entity).place
                self._contents.add_guess(text, place)

    def _another_reading(self) -> bool:
        self._readings_left -= 1
        return self._readings_left >= 0

    def _tell(self, entity: Entity, kind: UncheckedKind, sentence: str) -> None:
        if not entity.place.guess:
            self._contents.remark(kind, f"part {entity.place.path}: {sentence}")
