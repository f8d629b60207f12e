"""Every name that a part goes by, as programs decode it and as it stands there (B-2).

Source: RFC 2047, RFC 2231; reliability M6.
"""

import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote_to_bytes

from smtpfilter.mail.findings import visible
from smtpfilter.unpack import charset
from smtpfilter.unpack.parameters import Parameter, segments

LONGEST_NAME = 1000  # characters; of a longer name both ends are kept
_TAIL = 255

_BETWEEN_WORDS = re.compile(r"\?=\s+=\?")
_ENCODED_WORD = re.compile(
    r"=\?(?P<charset>[^?\s*]{1,40})(?:\*[^?\s]*)?\?(?P<way>[bBqQ])\?(?P<text>[^?]*)\?="
)
_COMMENT = re.compile(r"\([^()]*+\)")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_PERCENT_NUL = re.compile(r"\x00|%00")
_FOLDER = re.compile(r"[/\\]")
_STREAM = re.compile(r"::?\$?[A-Za-z]*\Z")  # of NTFS: "a.exe::$DATA" is a.exe
_AT_POINT = re.compile(r"\s++(?=\.)|(?<=\.)\s++")
_OVERLONG_POINT = b"\xc0\xae".decode("latin-1")
_FORMATTING = frozenset({"Cf", "Cc"})


def part_names(
    disposition: Sequence[Parameter], typed: Sequence[Parameter], location: str
) -> tuple[str, ...]:
    """Return every form of the names: the file name first, decoded before raw, each once.

    `location`: of Content-Location, which names a part that has no other name (RFC 2557 4.2).
    """
    found = [*_all_forms(disposition, typed)]
    forms = [form for shown in found for form in shown]
    if not forms and location:
        forms.append(location.rpartition("/")[2])
    return name_forms(forms)


def name_forms(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names, then how readers show them and save them under another ending; each once,
    fit for storing.
    """
    forms = [name for name in names if name.strip()]
    shown = [_plain(form) for form in forms]
    saved = [(form, _as_saved(form)) for form in (*forms, *shown)]
    others = [file for form, file in saved if not form.endswith(file)]
    return tuple(dict.fromkeys(_bounded(form) for form in (*forms, *shown, *others)))


def shown_names(disposition: Sequence[Parameter], typed: Sequence[Parameter]) -> list[str]:
    """Return one name for every parameter that names the part, as programs show it."""
    return [forms[0] for forms in _all_forms(disposition, typed)]


def _all_forms(
    disposition: Sequence[Parameter], typed: Sequence[Parameter]
) -> Iterator[tuple[str, ...]]:
    """Yield the forms of each parameter; "name" and "filename" are exchanged by some programs."""
    for found, wanted in (
        (disposition, "filename"),
        (typed, "name"),
        (disposition, "name"),
        (typed, "filename"),
    ):
        for name, value in found:
            if name == f"{wanted}*":
                yield _percent_decoded(value), value
        for whole in _continued(found, wanted):
            yield _percent_decoded(whole), whole, _words_decoded(whole)
        for name, value in found:
            if name == wanted:
                coded = (_percent_decoded(value),) if _PERCENT.search(value) else ()
                unescaped = _ESCAPED.sub(r"\1", value)  # as RFC 822 has it; folders on Windows
                yield _words_decoded(value), value, _COMMENT.sub("", value), unescaped, *coded


def _continued(found: Sequence[Parameter], wanted: str) -> Iterator[str]:
    """Yield the name that stands in pieces, in all ways where programs differ (RFC 2231 3)."""
    pieces = segments(found, wanted)
    if not pieces:
        return
    firsts = dict(reversed(pieces))
    yield "".join(firsts[number] for number in sorted(firsts))
    if [number for number, _value in pieces] != list(range(len(pieces))):
        yield "".join(value for _number, value in pieces)
        yield "".join(value for _number, value in sorted(pieces, key=lambda piece: piece[0]))
        yield firsts.get(0, "")


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


def _as_saved(name: str) -> str:
    """Return the name that a file gets: no folders, no stream, nothing after a NUL, no points and
    blanks at its end; blanks within come from folding.
    """
    name = _PERCENT_NUL.split(name.replace(_OVERLONG_POINT, "."), 1)[0]
    name = _FOLDER.split(name)[-1]
    return _AT_POINT.sub("", _STREAM.sub("", name)).rstrip(". ")
