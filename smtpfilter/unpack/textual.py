"""Files that are written into a text: what people or scripts take out of it (M9).

uuencode, yEnc and BinHex say that they are files.  What scripts in HTML and SVG put together -
data: URIs, base64, lists of numbers, escapes - is a guess: it counts where a file comes out.
"""

import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from smtpfilter.unpack.binhex import binhex_files
from smtpfilter.unpack.filetype import short_types
from smtpfilter.unpack.limits import Budget
from smtpfilter.unpack.uuencode import uu_files
from smtpfilter.unpack.yenc import yenc_files

_SHOWN = 4096  # octets that tell text from other data
_LONGEST = 50_000_000
_MOST_FINDS = 300
_SHORTEST = 40  # octets of a guessed content: less is no file
_PLAIN = frozenset({"dat", "empty", "txt"})

_BASE64_FILE = re.compile(
    rb"(?:\A|(?<=[\r\n]))begin-base64 [0-7]{3,4} (?P<name>[^\r\n]*+)[\r\n]++"
    rb"(?P<data>[A-Za-z0-9+/\s]*+)"
)
_DATA_URI = re.compile(
    rb"\bdata:(?P<type>[\w.+-]*+/?[\w.+-]*+)(?P<way>(?:;[^,;\"'<>\s]{1,80}){0,5}),"
    rb"(?P<data>[^\"'<>()\s\\]*+)",
    re.IGNORECASE,
)
_GLUE = rb"(?:\s++|\\[rn]|[\"'`]\s*+[+,]\s*+[\"'`])"
_BASE64 = re.compile(
    rb"[A-Za-z0-9+/]{24,}+(?:" + _GLUE + rb"{1,4}[A-Za-z0-9+/]{4,}+)*={0,2}"
    rb"|(?:\A|(?<=[\r\n]))(?:[A-Za-z0-9+/]{4,}+[ \t]*+(?>\r\n|\r|\n)){6,}[A-Za-z0-9+/]*+={0,2}"
)
_NUMBERS = re.compile(rb"(?:\b(?:0x[0-9a-fA-F]{1,2}|[0-9]{1,3})\s*+,\s*+){39,}")
_NUMBER = re.compile(rb"0x[0-9a-fA-F]{1,2}|[0-9]{1,3}")
_PERCENT = re.compile(rb"(?:%[0-9A-Fa-f]{2}){40,}")
_HEX_ESCAPES = re.compile(rb"(?:\\x[0-9A-Fa-f]{2}){40,}|(?:\\u00[0-9A-Fa-f]{2}){40,}")
_HEX = re.compile(rb"\b(?:[0-9A-Fa-f]{2}){64,}\b")
_GLUED = re.compile(_GLUE)


@dataclass(frozen=True, slots=True)
class Find:
    """A file in a text.  `guess`: it only may be one."""

    name: bytes
    content: bytes
    mime_type: str = ""
    guess: bool = False


def finds(text: bytes, budget: Budget) -> Iterator[Find]:
    """Yield the files that are written into `text`.  Raises Unlookable."""
    if b"\0" in text[:_SHOWN] or len(text) > _LONGEST:
        return
    for number, find in enumerate(_all(text, budget)):
        if number >= _MOST_FINDS:
            return
        budget.spend_part()
        budget.spend_bytes(len(find.content))
        yield find


def _all(text: bytes, budget: Budget) -> Iterator[Find]:
    if b"begin" in text:
        for name, content in uu_files(text):
            yield Find(name, content)
        for match in _BASE64_FILE.finditer(text):
            yield Find(match["name"].strip(), _base64(match["data"]))
    if b"=ybegin " in text:
        for name, content in yenc_files(text):
            yield Find(name, content)
    if b"converted with BinHex" in text:
        for name, content in binhex_files(text, budget):
            yield Find(name, content)
    for match in _DATA_URI.finditer(text):
        yield from _data_uri(match)
    for pattern, decode in _GUESSES:
        for found in pattern.finditer(text):
            content = decode(found[0])
            if _is_file(content):
                yield Find(b"", content, guess=True)


def _data_uri(match: re.Match[bytes]) -> Iterator[Find]:
    plain = unquote_to_bytes(match["data"])
    content = _base64(plain) if b";base64" in match["way"].lower() else plain
    if len(content) >= _SHORTEST:
        yield Find(b"", content, match["type"].decode("ascii", "replace").lower(), guess=True)


def _is_file(content: bytes) -> bool:
    """Tell whether something came out: a kind of file that is known, or readable text."""
    if len(content) < _SHORTEST:
        return False
    readable = content.isascii() and b"\0" not in content
    return readable or short_types(content)[0] not in _PLAIN


def _base64(data: bytes) -> bytes:
    data = _GLUED.sub(b"", data).translate(bytes.maketrans(b"-_", b"+/")).partition(b"=")[0]
    data = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    whole = len(data) - (len(data) % 4 == 1)
    return binascii.a2b_base64(data[:whole] + b"=" * (-whole % 4))


def _numbers(data: bytes) -> bytes:
    values = (int(one[2:], 16) if b"x" in one else int(one) for one in _NUMBER.findall(data))
    return bytes(value & 0xFF for value in values)


def _hex(data: bytes) -> bytes:
    return bytes.fromhex(re.sub(rb"\\x|\\u00", b"", data).decode("ascii"))


_GUESSES: tuple[tuple[re.Pattern[bytes], Callable[[bytes], bytes]], ...] = (
    (_BASE64, _base64),
    (_NUMBERS, _numbers),
    (_PERCENT, unquote_to_bytes),
    (_HEX_ESCAPES, _hex),
    (_HEX, _hex),
)
