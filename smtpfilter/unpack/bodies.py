"""Bodies that programs take apart differently: the other half of ambiguity.py.

What text stands around the parts does not matter, nor does a missing last delimiter.

Source: RFC 2045 6.4, RFC 2046 5.1 and 5.2; reliability M1, M7, M8; BB-18.
"""

from collections.abc import Iterator

from smtpfilter.mail.octets import Octets
from smtpfilter.unpack.delimiters import (
    Span,
    divide,
    guessed_boundaries,
    has_lookalike,
    holds_structure,
    is_divided,
)
from smtpfilter.unpack.fields import ContentFields
from smtpfilter.unpack.transfer import decode, is_identity


def body_oddities(octets: Octets, span: Span, fields: ContentFields) -> Iterator[str]:
    """Yield what is odd in the body of an entity with these fields."""
    declared, boundary = fields.declared, fields.boundary
    if declared.startswith("message/partial"):
        yield "it is a piece of a message of which the others are elsewhere"
    if declared.startswith("message/external-body"):
        yield "its content is elsewhere"
    if not declared.startswith("multipart/"):
        if boundary and is_divided(octets, span, boundary):
            yield "it has a boundary and parts, but is no multipart"
        return
    if not boundary:
        if guessed_boundaries(octets, *span):
            yield "it has parts, but no boundary"
        return
    division = divide(octets, *span, boundary, 1 << 30)
    if division.closed and is_divided(octets, division.around[1], boundary):
        yield "parts follow after its last delimiter"
    if any(holds_structure(octets, around) for around in division.around):
        yield "something like a part stands before its first or after its last delimiter"
    if has_lookalike(octets, *span, boundary):
        yield "a line is a delimiter to some programs only"
    if not is_identity(fields.encoding):
        yield from _of_encoded(octets, span, fields, len(division.parts))


def _of_encoded(octets: Octets, span: Span, fields: ContentFields, parts: int) -> Iterator[str]:
    """Tell whether the multipart has other parts where its encoding is undone (RFC 2045 6.4)."""
    for content in decode(fields.encoding, octets[slice(*span)]).contents:
        inside = len(divide(content, 0, len(content), fields.boundary, 1 << 30).parts)
        if inside != parts and (inside or not parts):
            yield "it is encoded, which a multipart may not be"
            return
