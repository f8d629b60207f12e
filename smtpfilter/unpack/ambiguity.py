"""Header sections that programs read differently, told on the raw octets before any parser.

A message that two programs take apart in two ways passes a filter in one and reaches its reader in
the other (CVE-2024-28054).  What is told here as a sentence becomes unchecked content of the kind
"ambiguous".  It is meant harshly, since programs that write mail do none of this; what they do get
wrong is let alone: a missing last delimiter, text around the parts, a field that is said twice in
the same words, blanks around "=", a lone 8-bit character in a name.

Source: RFC 2045 5 and 6, RFC 2046 5.1, RFC 2231; reliability M1 to M4, M6 to M8, M13; BB-18.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from smtpfilter.unpack import charset
from smtpfilter.unpack.fields import (
    LONGEST_VALUE,
    MOST_VALUES,
    boundaries,
    declared_type,
    first_and_last,
)
from smtpfilter.unpack.names import shown_names
from smtpfilter.unpack.parameters import Parameter, parameters, segments
from smtpfilter.unpack.sections import fields_end
from smtpfilter.unpack.transfer import is_identity, transfer_encoding

LONGEST_BOUNDARY = 70  # RFC 2046 5.1.1

_FIELD = re.compile(
    rb"^(?P<name>content-type|content-transfer-encoding|content-disposition|mime-version)"
    rb"(?P<gap>[\0-\t\v-\x20]*):(?P<value>.*(?:\n[ \t].*)*)",
    re.IGNORECASE | re.MULTILINE,
)
_HIDDEN = re.compile(  # such a field where its name does not begin the line, or is misspelt
    rb"^(?P<before>[^\n!-~]*)content[-_ ](?:"
    rb"type[^\n\w]*[\w.+-]+/\w|"
    rb"transfer[-_ ]?encoding[^\n\w]*(?:base64|quoted|x-?uue?|uue)|"
    rb"disposition[^\n\w]*(?:attachment|inline))",
    re.IGNORECASE | re.MULTILINE,
)
_BLANK_LINE = re.compile(rb"^[ \t\v\f]+$", re.MULTILINE)
_DELIMITER_LINE = re.compile(rb"^--[^\n]", re.MULTILINE)
_LONE_CR = re.compile(rb"\r(?!\n)")
_VALUE = r"(?:\"(?:[^\"\\\x00-\x1f]|\\.)*+\"|[^\s\"();,\\\x00-\x1f]++)"
_MULTIPART = re.compile(
    rf"\s*multipart/[^\s\"();,/=]++\s*(?:;\s*(?:[^\s\"()=;]++[ \t]*=[ \t]*{_VALUE}\s*)?)*",
    re.IGNORECASE,
)
_USUAL = re.compile(rf"[^()\s\"\\;]*\s*(?:;\s*(?:[^\s\"()=;]*+={_VALUE}\s*)?)*", re.ASCII)
_NOT_PRINTABLE = re.compile(rb"[^\x20-\x7e]")
_BLANK_AT_END = re.compile(r"boundary\s*=\s*\"(?:\s[^\"]*|[^\"]*\s)\"", re.IGNORECASE)
_ESCAPED_BOUNDARY = re.compile(r"boundary\s*=\s*\"[^\"]*\\", re.IGNORECASE)
_MOST_NAMES = 20
_MENTIONS_PARTS = re.compile(r"multipart|boundary", re.IGNORECASE)
_EXACT_TYPE = re.compile(r"\s*[A-Za-z0-9.+_-]+/[A-Za-z0-9.+_-]+\s*(?:;|\Z)")
_IS_MULTIPART = re.compile(r"\s*multipart/", re.IGNORECASE)
_ENCODING = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9_.+-]*)?[\s;]*")
_EXTENSION = re.compile(r"\.([a-z0-9]{1,5})\Z")


@dataclass(frozen=True, slots=True)
class Oddities:
    """What is odd in one header section.

    `told`: sentences, without content of the mail.  `unusual`: right or not, some programs may not
    understand it, so that scanners are shown what we read.
    """

    told: tuple[str, ...] = ()
    unusual: bool = False


def header_oddities(section: bytes, outer: Sequence[bytes], *, closed: bool) -> Oddities:
    """Return what is odd in the header section.

    `outer`: the boundaries around the entity.  `closed`: an empty line ends the section, or the
    entity ends with it.
    """
    lines = section.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    values: dict[str, list[bytes]] = {}
    told: list[str] = []
    starts = set()
    for match in _FIELD.finditer(lines):
        starts.add(match.start())
        if match["gap"]:
            told.append("a blank or control character stands before the colon of a field")
        if _BLANK_LINE.search(match["value"]):
            told.append("a line of blanks stands in a field that tells of its structure")
        values.setdefault(match["name"].decode("ascii").lower(), []).append(match["value"])
    for match in _HIDDEN.finditer(lines):
        if match.start() not in starts or match["before"]:
            told.append("a field that tells of its structure is hidden or misspelt")
    if not values and not told:
        return Oddities()
    if any(len(found) > MOST_VALUES for found in values.values()):
        told.append(f"it has more than {MOST_VALUES} fields of one name")
    values = {name: first_and_last(found) for name, found in values.items()}
    if not closed:
        told.append("no empty line ends its header section")
    told += _of_lines(section, lines)
    told += _of_values(values, outer)
    fields = [
        charset.undeclared(one.replace(b"\n", b"").strip()[:LONGEST_VALUE]) for one in _all(values)
    ]
    unusual = bool(_BLANK_LINE.search(lines)) or any(
        not _USUAL.fullmatch(field) for field in fields
    )
    return Oddities(tuple(dict.fromkeys(told)), bool(told) or unusual)


def _all(values: dict[str, list[bytes]]) -> Iterator[bytes]:
    for name, found in values.items():
        if name != "mime-version":
            yield from found


def _of_lines(section: bytes, lines: bytes) -> Iterator[str]:
    if _LONE_CR.search(section):
        yield "a lone CR stands in its header section"
    if b"\0" in section:
        yield "a NUL stands in its header section"
    if _DELIMITER_LINE.search(lines):
        yield "a delimiter stands in its header section"
    if fields_end(lines, 0, len(lines)) < len(lines):
        yield "a line in its header section is no field"


def _of_values(values: dict[str, list[bytes]], outer: Sequence[bytes]) -> Iterator[str]:
    unfolded = {
        name: [one.replace(b"\n", b"")[:LONGEST_VALUE] for one in found]
        for name, found in values.items()
    }
    texts = {name: list(map(charset.undeclared, found)) for name, found in unfolded.items()}
    types = texts.get("content-type", [])
    encodings = texts.get("content-transfer-encoding", [])
    dispositions = texts.get("content-disposition", [])
    if len({(declared_type(v), *boundaries(raw)) for v, raw in _pairs(types, unfolded)}) > 1:
        yield "it has two Content-Type fields that differ"
    tokens = [transfer_encoding(value) for value in encodings]
    if len({"" if token and is_identity(token) else token or "none" for token in tokens}) > 1:
        yield "it has two Content-Transfer-Encoding fields that differ"
    named = [shown_names(list(parameters(value)), ()) for value in dispositions]
    if len({tuple(names) for names in named if names}) > 1:
        yield "it has two Content-Disposition fields that differ"
    if len({"1.0" in value for value in texts.get("mime-version", [])}) > 1:
        yield "it has two MIME-Version fields that differ"
    if any(value.strip() and "1." not in value for value in texts.get("mime-version", [])):
        yield "its MIME-Version is not 1.0"
    if not all(_ENCODING.fullmatch(value) for value in encodings):
        yield "its Content-Transfer-Encoding is no single word"
    for value, raw in _pairs(types, unfolded):
        yield from _of_content_type(value, raw, outer)
    yield from _of_names(
        [one for value in dispositions for one in parameters(value)],
        [one for value in types for one in parameters(value)],
    )


def _pairs(types: Sequence[str], unfolded: dict[str, list[bytes]]) -> Iterator[tuple[str, bytes]]:
    yield from zip(types, unfolded.get("content-type", []), strict=True)


def _of_content_type(value: str, raw: bytes, outer: Sequence[bytes]) -> Iterator[str]:
    exact = _MULTIPART.fullmatch if _IS_MULTIPART.match(value) else _EXACT_TYPE.match
    if _MENTIONS_PARTS.search(value) and not exact(value):
        yield "its Content-Type is not written as the standard wants it"
    given = list(parameters(value))
    pieces = [number for number, _value in segments(given, "boundary")]
    whole = [name for name, _value in given if name in ("boundary", "boundary*")]
    found = boundaries(raw)
    if len(found) > 1 or len(whole) + bool(pieces) > 1:
        yield "it has two boundary parameters"
    if pieces != list(range(len(pieces))):
        yield "its boundary is in pieces whose numbers are not in order"
    if _BLANK_AT_END.search(value):
        yield "its boundary begins or ends with a blank"
    if _ESCAPED_BOUNDARY.search(value):
        yield "its boundary has escaped characters"
    if (whole or pieces) and not all(one.strip() for one in found or [b""]):
        yield "its boundary is empty"
    for boundary in found:
        yield from _of_boundary(boundary, outer)


def _of_boundary(boundary: bytes, outer: Sequence[bytes]) -> Iterator[str]:
    if len(boundary) > LONGEST_BOUNDARY:
        yield f"its boundary is longer than {LONGEST_BOUNDARY} characters"
    if _NOT_PRINTABLE.search(boundary):
        yield "its boundary holds a control or 8-bit character"
    if boundary != boundary.strip():
        yield "its boundary begins or ends with a blank"
    if boundary in outer:
        yield "its boundary is that of the parts around it"


def _of_names(disposition: Sequence[Parameter], typed: Sequence[Parameter]) -> Iterator[str]:
    """Tell where names end differently, and so are opened by different programs."""
    for found, wanted in ((disposition, "filename"), (typed, "name")):
        numbers = [number for number, _value in segments(found, wanted)]
        if sorted(numbers) != list(range(len(numbers))):
            yield "a name is in pieces of which some are missing or double"
    shown = {name.strip(". ").lower() for name in shown_names(disposition, typed)}
    if len(shown) > _MOST_NAMES:
        yield f"it has more than {_MOST_NAMES} names"
        return
    whole = [name for name in shown if not any(name != x and x.startswith(name) for x in shown)]
    if len({match[1] for name in whole if (match := _EXTENSION.search(name))}) > 1:
        yield "its names end differently"
