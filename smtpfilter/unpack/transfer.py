"""Content-Transfer-Encoding undone (RFC 2045 6) as mail readers do it: forgiving, never raising.

Readers show what they can of a broken encoding, so a part counts as undecodable only where
nothing comes out of it or where the encoding is none that we know.  Where they show different
things, there are several contents, the likeliest first.
"""

import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from smtpfilter.unpack.base64_readings import base64_contents
from smtpfilter.unpack.uuencode import uu_files

_IDENTITY = frozenset({"", "7bit", "8bit", "binary", "7-bit", "8-bit", "7bits", "8bits", "7", "8"})
_UUENCODE = frozenset({"uuencode", "x-uuencode", "uue", "x-uue", "x-uu"})
_TOKEN = re.compile(r"[^\s;,\"()]+")
_COMMENT = re.compile(r"\([^()]*\)")
_BLANK_AFTER = re.compile(rb"=[ \t\v\f]++(?=[\r\n])")  # of a soft line break
_NOT_HEX = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*+(?:[\r\n]|\Z))")
_ESCAPE = re.compile(rb"=[0-9A-Fa-f]{2}")
_SHORTEST = 16  # octets that base64 makes of words is no file
_HALF_HEX = re.compile(rb"=[0-9A-Fa-f]?(?![0-9A-Fa-f\r\n])")


@dataclass(frozen=True, slots=True)
class Decoded:
    """`contents`: at least one, the likeliest first.  `problem`: why none may be what a reader
    sees.  `odd`: why programs see different ones; `harmless` in a text, where it is common.
    """

    contents: tuple[bytes, ...]
    problem: str = ""
    odd: str = ""
    harmless: bool = False


def transfer_encoding(value: str) -> str:
    """Return the token in a field's value in lower case, "" where there is none."""
    match = _TOKEN.search(_COMMENT.sub(" ", value))
    return match[0].lower() if match else ""


def is_identity(encoding: str) -> bool:
    return encoding in _IDENTITY


def decode(encoding: str, octets: bytes) -> Decoded:
    """Return what programs read under this encoding."""
    if encoding in _IDENTITY:
        return Decoded((octets,))
    if encoding == "base64":
        contents, odd = base64_contents(octets)
        nothing = octets.strip() and not any(contents)
        return Decoded(contents, "its base64 holds nothing" if nothing else "", odd)
    if encoding == "quoted-printable":
        return _quoted_printable(octets)
    if encoding in _UUENCODE:
        contents = tuple(content for _name, content in uu_files(octets)) or (b"",)
        nothing = octets.strip() and not any(contents)
        return Decoded(contents, "its uuencode holds nothing" if nothing else "")
    return Decoded((octets, *_in_any(octets)), "its transfer encoding is not known")


def decode_as_any(encodings: Iterable[str], octets: bytes) -> Decoded:
    """Return what programs read that do not agree on the encoding, the first of those told."""
    each = [decode(encoding, octets) for encoding in encodings]
    contents = [content for one in each for content in one.contents]
    problem = "".join(one.problem for one in each[:1])
    return Decoded(_each_once([*contents, octets, *_in_any(octets)]), problem)


def _in_any(octets: bytes) -> list[bytes]:
    """Return what comes out under an encoding that `octets` seem to be in."""
    contents = [content for _name, content in uu_files(octets)]
    if _ESCAPE.search(octets):
        contents += _quoted_printable(octets).contents
    return [*contents, *(one for one in base64_contents(octets)[0] if len(one) >= _SHORTEST)]


def _quoted_printable(octets: bytes) -> Decoded:
    content = binascii.a2b_qp(_BLANK_AFTER.sub(b"=", octets))
    if not _NOT_HEX.search(octets):
        return Decoded((content,))
    without = binascii.a2b_qp(_HALF_HEX.sub(b"", octets))
    return Decoded(
        _each_once([content, without]), odd="its quoted-printable is broken", harmless=True
    )


def _each_once(contents: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(contents))
