"""One MIME entity, and one way of reading it."""

from dataclasses import dataclass, replace

from smtpfilter.mail.octets import Octets
from smtpfilter.unpack.ambiguity import Oddities
from smtpfilter.unpack.contents import Node, Place, joined
from smtpfilter.unpack.delimiters import Span
from smtpfilter.unpack.fields import ContentFields

MESSAGE_TYPES = frozenset({"message/rfc822", "message/global", "message/news"})

# Of these virus scanners that are given the raw message look into every part; of a signed one, say,
# ClamAV takes a single text.
_LOOKED_THROUGH = MESSAGE_TYPES | {
    f"multipart/{kind}" for kind in ("mixed", "alternative", "related", "digest", "report")
}


@dataclass(frozen=True, slots=True)
class Entity:
    """One MIME entity: octets[start:end] of a message or of a decoded content, and its place.

    `outer`: the boundaries around it in the same octets.
    """

    octets: Octets
    start: int
    end: int
    place: Place
    default_type: str = "text/plain"
    outer: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """An entity with one end of its header section, and what the section says."""

    entity: Entity
    fields: ContentFields
    oddities: Oddities
    body: int

    @property
    def declared(self) -> str:
        return self.fields.declared or self.entity.default_type

    @property
    def node(self) -> Node:
        return joined((self.declared,), (), self.fields.names)

    @property
    def span(self) -> Span:
        return self.body, self.entity.end

    @property
    def is_coded_file(self) -> bool:
        """Is it no text, but in an encoding for texts?  Its line ends are those of its reader."""
        text = self.declared.startswith("text/")
        return self.fields.encoding == "quoted-printable" and not text

    def inner(self, number: int) -> Place:
        """Return the place of the `number`th entity in this one."""
        place = self.entity.place
        level = place.level + (self.declared in MESSAGE_TYPES)
        ancestors = (*place.ancestors, self.node)
        hidden = place.hidden or self.declared not in _LOOKED_THROUGH
        return Place(f"{place.path}.{number}", ancestors, level, hidden, place.guess)


def guessed(entity: Entity) -> Entity:
    """Return the entity as one that only may be there."""
    return replace(entity, place=replace(entity.place, hidden=True, guess=True))


def is_container(declared: str) -> bool:
    return declared.startswith("multipart/") or declared in MESSAGE_TYPES
