"""The Content-* fields of one MIME entity: its type, encoding, boundary and every name it goes by.

Forgiving, as mail readers are, and linear in the size of the header section.  Of a field that
occurs twice the first one counts, and what the others say is told beside it.

Source: RFC 2045 5.1, RFC 2183, RFC 2231; B-2 for the names.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote_to_bytes

from smtpfilter.mail.findings import visible
from smtpfilter.mail.octets import Octets
from smtpfilter.unpack import charset
from smtpfilter.unpack.names import part_names
from smtpfilter.unpack.parameters import Parameter, parameters, segments
from smtpfilter.unpack.sections import LONGEST_HEADER
from smtpfilter.unpack.transfer import transfer_encoding

T = TypeVar("T")

LONGEST_VALUE = 1 << 16  # octets of one field

MOST_VALUES = 10  # of one thing that is said several times: the first and the last ones

_CONTENT_FIELD = re.compile(
    rb"^content-(?P<name>type|transfer-encoding|disposition|location)[ \t]*:"
    rb"(?P<value>.*(?:\n[ \t].*)*)",
    re.IGNORECASE | re.MULTILINE,
)
_MIME_TYPE = re.compile(r"[\s\"]*([^\s/;,()\"=]{1,100})\s*/\s*([^\s;,()\"=]{1,100})")


@dataclass(frozen=True, slots=True)
class ContentFields:
    """What the header section says of the content.  `declared` is "" where it says nothing.

    `other_types`, `other_encodings`, `other_boundaries`: what programs read that do not take the
    first of several.
    """

    declared: str
    encoding: str
    boundary: bytes
    names: tuple[str, ...]
    too_long: bool = False
    other_types: tuple[str, ...] = ()
    other_encodings: tuple[str, ...] = ()
    other_boundaries: tuple[bytes, ...] = ()


def read_fields(octets: Octets, start: int, end: int) -> ContentFields:
    """Return the Content-* fields of the header section octets[start:end]."""
    header = octets[start:end].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    values: dict[str, list[bytes]] = {}
    too_long = end - start >= LONGEST_HEADER
    for match in _CONTENT_FIELD.finditer(header):
        value = match["value"].replace(b"\n", b"").strip()
        too_long = too_long or len(value) > LONGEST_VALUE
        values.setdefault(match["name"].decode("ascii").lower(), []).append(value[:LONGEST_VALUE])
    types, encodings, dispositions, locations = (
        [charset.undeclared(value) for value in first_and_last(values.get(name, []))]
        for name in ("type", "transfer-encoding", "disposition", "location")
    )
    declared, *other_types = _each_once([declared_type(value) for value in types] or [""])
    encoding, *other_encodings = _each_once([transfer_encoding(v) for v in encodings] or [""])
    boundary, *other_boundaries = _each_once(
        [one for value in first_and_last(values.get("type", [])) for one in boundaries(value)]
        or [b""]
    )
    return ContentFields(
        declared=declared,
        encoding=encoding,
        boundary=boundary,
        names=part_names(
            _all_parameters(dispositions), _all_parameters(types), "".join(locations[:1])
        ),
        too_long=too_long,
        other_types=tuple(other_types),
        other_encodings=tuple(other_encodings),
        other_boundaries=tuple(other_boundaries),
    )


def declared_type(value: str) -> str:
    """Return the type that a Content-Type field names, in lower case, "" where it names none."""
    match = _MIME_TYPE.match(value)
    return visible(f"{match[1]}/{match[2]}".lower()) if match else ""


def boundaries(value: bytes) -> list[bytes]:
    """Return the exact octets of all boundary parameters, the one that most readers take first."""
    found = list(parameters(value.decode("latin-1")))
    plain = [text for name, text in found if name == "boundary"]
    coded = [text for name, text in found if name == "boundary*"]
    pieces = segments(found, "boundary")
    firsts = dict(reversed(pieces))
    coded += ["".join(firsts[number] for number in sorted(firsts))] if firsts else []
    coded += ["".join(text for _number, text in pieces)] if pieces else []
    octets = [text.encode("latin-1") for text in plain]
    octets += [unquote_to_bytes(text.rpartition("'")[2].encode("latin-1")) for text in coded]
    return first_and_last(_each_once([one.rstrip() for one in octets]))


def first_and_last(values: Sequence[T]) -> list[T]:
    """Return at most MOST_VALUES of them, from both ends: one of those counts for a program."""
    half = MOST_VALUES // 2
    return [*values] if len(values) <= MOST_VALUES else [*values[:half], *values[-half:]]


def _all_parameters(values: Sequence[str]) -> list[Parameter]:
    return [parameter for value in values for parameter in parameters(value)]


def _each_once(values: Sequence[T]) -> list[T]:
    return list(dict.fromkeys(values))
