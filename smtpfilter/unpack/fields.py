"""The Content-* fields of one MIME entity: its type, encoding, boundary and every name it goes by.

Forgiving, as mail readers are, and linear in the size of the header section.  A field that occurs
twice counts by its first occurrence.  Line ends of all three kinds count, since lone CR and LF
leave as CRLF.

Source: RFC 2045 5.1, RFC 2047, RFC 2183, RFC 2231; B-2 for the names.
"""

import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from smtpfilter.mail.findings import visible
from smtpfilter.mail.octets import Octets
from smtpfilter.unpack import charset
from smtpfilter.unpack.transfer import transfer_encoding

LONGEST_HEADER = 1 << 20  # octets of one header section
LONGEST_VALUE = 1 << 16  # octets of one field
LONGEST_NAME = 1000  # characters; of a longer name both ends are kept
_TAIL = 255

_EMPTY_LINE = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
_FIELD_LINES = re.compile(
    rb"(?:[!-9;-~]{1,1000}[ \t]*:[^\r\n]*+(?>\r\n|\r|\n|\Z)(?:[ \t][^\r\n]*+(?>\r\n|\r|\n|\Z))*+)*+"
)
_CONTENT_FIELD = re.compile(
    rb"^content-(?P<name>type|transfer-encoding|disposition)[ \t]*:(?P<value>.*(?:\n[ \t].*)*)",
    re.IGNORECASE | re.MULTILINE,
)
_MIME_TYPE = re.compile(r"[\s\"]*([^\s/;,()\"=]{1,100})\s*/\s*([^\s;,()\"=]{1,100})")
_PARAMETER = re.compile(
    r";\s*+(?P<name>[^\s=;]++)\s*+=\s*+(?P<value>\"(?:[^\"\\]|\\.)*+\"?|[^;]*)",
    re.DOTALL | re.ASCII,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SEGMENT = re.compile(r"(?P<name>[^*]+)\*(?P<number>[0-9]{1,4})\*?")
_BETWEEN_WORDS = re.compile(r"\?=\s+=\?")
_ENCODED_WORD = re.compile(
    r"=\?(?P<charset>[^?\s*]{1,40})(?:\*[^?\s]*)?\?(?P<way>[bBqQ])\?(?P<text>[^?]*)\?="
)
_FORMATTING = frozenset({"Cf", "Cc"})


@dataclass(frozen=True, slots=True)
class ContentFields:
    """What the header section says of the content.  `declared` is "" where it says nothing."""

    declared: str
    encoding: str
    boundary: bytes
    names: tuple[str, ...]
    too_long: bool = False


def header_end(octets: Octets, start: int, end: int) -> tuple[int, int]:
    """Return where the header section of the entity in octets[start:end] ends, and its body starts.

    Without an empty line the header ends at the first line that is no field.
    """
    if octets[start : start + 1] in (b"\r", b"\n"):
        first = octets[start : start + 2]
        return start, min(end, start + (2 if first == b"\r\n" else 1))
    limit = min(end, start + LONGEST_HEADER)
    match = _EMPTY_LINE.search(octets, start, limit)
    if match:
        return match.start(), match.end()
    fields = _FIELD_LINES.match(octets, start, limit)
    stop = fields.end() if fields else start
    return stop, stop


def read_fields(octets: Octets, start: int, end: int) -> ContentFields:
    """Return the Content-* fields of the header section octets[start:end]."""
    header = octets[start:end].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    values: dict[str, bytes] = {}
    too_long = end - start >= LONGEST_HEADER
    for match in _CONTENT_FIELD.finditer(header):
        value = match["value"].replace(b"\n", b"").strip()
        too_long = too_long or len(value) > LONGEST_VALUE
        name = match["name"].decode("ascii").lower()
        values.setdefault(name, value[:LONGEST_VALUE])
    text = {name: charset.undeclared(value) for name, value in values.items()}
    typed = text.get("type", "")
    mime_type = _MIME_TYPE.match(typed)
    disposition = list(_parameters(text.get("disposition", "")))
    return ContentFields(
        declared=visible(f"{mime_type[1]}/{mime_type[2]}".lower()) if mime_type else "",
        encoding=transfer_encoding(text.get("transfer-encoding", "")),
        boundary=_boundary(values.get("type", b"")),
        names=_all_names(disposition, list(_parameters(typed))),
        too_long=too_long,
    )


def _boundary(value: bytes) -> bytes:
    """Return the exact octets of the boundary parameter, b"" where there is none."""
    parameters = list(_parameters(value.decode("latin-1")))
    for name, boundary in parameters:
        if name == "boundary":
            return boundary.encode("latin-1").rstrip()
    coded = _extended(parameters, "boundary") or ""
    return unquote_to_bytes(coded.rpartition("'")[2].encode("latin-1")).rstrip()


def _parameters(value: str) -> Iterator[tuple[str, str]]:
    """Yield the parameters in order, names in lower case, values without their quotes."""
    for match in _PARAMETER.finditer(value):
        text = match["value"]
        if text.startswith('"'):
            text = _ESCAPED.sub(r"\1", text[1:].removesuffix('"'))
        yield match["name"].lower(), text.strip(" \t")


def _all_names(disposition: list[tuple[str, str]], typed: list[tuple[str, str]]) -> tuple[str, ...]:
    """Return every form of the names (B-2): the file name first, decoded before raw, each once."""
    forms = [*_names(disposition, "filename"), *_names(typed, "name")]
    return name_forms(forms)


def name_forms(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names, then how readers show them; each once, fit for storing."""
    forms = [name for name in names if name.strip()]
    return tuple(dict.fromkeys(_bounded(form) for form in [*forms, *map(_plain, forms)]))


def _names(parameters: list[tuple[str, str]], wanted: str) -> Iterator[str]:
    coded = _extended(parameters, wanted)
    if coded is not None:
        yield _percent_decoded(coded)
        yield coded
    for name, value in parameters:
        if name == wanted:
            yield _words_decoded(value)
            yield value


def _extended(parameters: list[tuple[str, str]], wanted: str) -> str | None:
    """Return the value of `wanted*` or the joined `wanted*0` `wanted*1*` ... (RFC 2231 3, 4)."""
    segments: dict[int, str] = {}
    for name, value in parameters:
        if name == f"{wanted}*":
            return value
        match = _SEGMENT.fullmatch(name)
        if match and match["name"] == wanted:
            segments.setdefault(int(match["number"]), value)
    return "".join(segments[number] for number in sorted(segments)) if segments else None


def _percent_decoded(value: str) -> str:
    declared, quote, rest = value.partition("'")
    language, second_quote, text = rest.partition("'")
    if not quote or not second_quote or len(declared) > 40 or len(language) > 40:
        declared, text = "", value
    return charset.decode(unquote_to_bytes(text), declared)


def _words_decoded(value: str) -> str:
    return _ENCODED_WORD.sub(_decode_word, _BETWEEN_WORDS.sub("?==?", value))


def _decode_word(match: re.Match[str]) -> str:
    text = match["text"].encode("utf-8", "replace")
    if match["way"] in "qQ":
        return charset.decode(binascii.a2b_qp(text, header=True), match["charset"])
    try:
        return charset.decode(binascii.a2b_base64(text + b"==="), match["charset"])
    except binascii.Error:
        return match[0]


def _bounded(name: str) -> str:
    """Return the name fit for storing: a very long one keeps its beginning and its end."""
    if len(name) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME - _TAIL - 1]}\N{HORIZONTAL ELLIPSIS}{name[-_TAIL:]}"
    return visible(name)


def _plain(name: str) -> str:
    """Return the name as readers show it: compatibility forms folded, nothing invisible."""
    folded = unicodedata.normalize("NFKC", name)
    return "".join(c for c in folded if unicodedata.category(c) not in _FORMATTING)
