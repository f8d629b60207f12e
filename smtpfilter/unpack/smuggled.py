"""What scripts in HTML, SVG or a plain text put together to a file: a guess (M9).

data: URIs, base64 for `atob`, lists of numbers, escapes.  Only what comes out as a file or as
readable text counts.  Ordinary text is passed over at the speed of a search.
"""

import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote_to_bytes

from smtpfilter.unpack.base64_readings import ALPHABET, base64_octets

SHORTEST = 40  # octets: less is no file
_RUN = 24  # characters of base64 in a row: no word is as long
_LINES = 36  # the same in several lines

_DATA_URI = re.compile(
    rb"data:(?P<type>[\w.+-]*+/?[\w.+-]*+)(?P<way>(?:;[^,;\"'<>\s]{1,80}){0,5}),"
    rb"(?P<data>[^\"'<>()\s\\]*+)",
    re.IGNORECASE,
)
_GLUE = rb"(?:\s++|\\[rn]|[\"'`]\s*+[+,]\s*+[\"'`])"
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{24,}+(?:" + _GLUE + rb"{1,4}[A-Za-z0-9+/]{4,}+)*={0,2}")
_BASE64_LINES = re.compile(rb"[\r\n](?:[A-Za-z0-9+/]{4,}+(?>\r\n|[\r\n])){6,}[A-Za-z0-9+/]*+=*")
_NUMBER = re.compile(rb"0x[0-9a-fA-F]{1,2}|[0-9]{1,3}")
_NUMBERS = re.compile(rb"(?:(?:%(one)s)\s*+,\s*+){39,}(?:%(one)s)?+" % {b"one": _NUMBER.pattern})
_PERCENT = re.compile(rb"(?:%[0-9A-Fa-f]{2}){40,}")
_HEX_ESCAPES = re.compile(rb"(?:\\x[0-9A-Fa-f]{2}){40,}|(?:\\u00[0-9A-Fa-f]{2}){40,}")
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2}){64,}")
_GLUED = re.compile(_GLUE)
_JOINTS = re.compile(  # between the pieces of a string: "a" + "b", ["a", "b"], x += "a"; x += "b"
    rb"[\"'`](?:\s*+[+,]\s*+|\s*+;?\s*+[\w$]{1,40}+\s*+\+=\s*+)[\"'`]"
)
_FEW_JOINTS = 3
_FILE = re.compile(  # how kinds of files begin
    rb"MZ|PK[\3\5]|%PDF|\x7fELF|\xd0\xcf\x11\xe0|Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ|\{\\rt|\s*<"
    rb"|MSCF|ITSF|L\0\0\0|\xca\xfe\xba\xbe|\x28\xb5\x2f\xfd|\x04\x22\x4d\x18|!<arch|\xed\xab\xee\xdb"
    rb"|\x89PNG|GIF8|\xff\xd8\xff|x\x9f\x3e\x22|[CFZ]WS|#!|..-lh|\xe4\x52\x5c\x7b|\x60\xea|0[\x80\x82\x83]",
    re.DOTALL,
)


def _marks(characters: bytes) -> bytes:
    """Return a table that makes the characters an "A" and all others a blank."""
    return bytes(65 if octet in characters else 32 for octet in range(256))


_IN_BASE64 = _marks(ALPHABET)
_IN_LINES = _marks(ALPHABET + b"\r\n")
_IN_NUMBERS = _marks(b"0123456789abcdefABCDEFx, \t\r\n")
_IN_HEX = _marks(b"0123456789abcdefABCDEF")


def smuggled(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield type, where it is told, and content of what may be a file in `text`."""
    yield from _written(text)
    if text.count(b"&#") >= SHORTEST:  # HTML reads its character references first
        read = html.unescape(text.decode("latin-1")).encode("latin-1", "replace")
        yield from _written(read)
    if b"script" in text.lower():
        joined, joints = _JOINTS.subn(b"", text)
        if joints >= _FEW_JOINTS:
            yield from _written(joined)


def _written(text: bytes) -> Iterator[tuple[str, bytes]]:
    if b"data:" in text.lower():
        for match in _DATA_URI.finditer(text):
            plain = unquote_to_bytes(match["data"])
            content = _base64(plain) if b";base64" in match["way"].lower() else plain
            if len(content) >= SHORTEST:
                yield match["type"].decode("ascii", "replace").lower(), content
    for found, decode in _runs(text):
        content = decode(found)
        if len(content) >= SHORTEST and (_FILE.match(content) or _is_readable(content)):
            yield "", content


def _runs(text: bytes) -> Iterator[tuple[bytes, Callable[[bytes], bytes]]]:
    for found in _matches(text, _IN_BASE64, _RUN, _BASE64):
        yield found, _base64
    for found in _matches(text, _IN_LINES, _LINES, _BASE64_LINES):
        yield found, _base64
    for found in _matches(text, _IN_HEX, 128, _HEX):
        yield found, _hex
    for found in _matches(text, _IN_NUMBERS, 78, _NUMBERS):
        yield found, _numbers
    if text.count(b"%") >= SHORTEST:
        yield from ((match[0], unquote_to_bytes) for match in _PERCENT.finditer(text))
    if text.count(b"\\x") + text.count(b"\\u00") >= SHORTEST:
        yield from ((match[0], _hex) for match in _HEX_ESCAPES.finditer(text))


def _matches(text: bytes, table: bytes, length: int, pattern: re.Pattern[bytes]) -> Iterator[bytes]:
    """Yield what matches where `length` marked characters stand in a row."""
    marked = text.translate(table)
    run = b"A" * length
    start = marked.find(run)
    while start >= 0:
        end = marked.find(b" ", start)
        stop = end if end >= 0 else len(text)
        match = pattern.match(text, start) or pattern.search(text, start, stop)
        if match:
            yield match[0]
        start = marked.find(run, max(stop, match.end() if match else 0))


def _is_readable(content: bytes) -> bool:
    return content.isascii() and b"\0" not in content


def _base64(data: bytes) -> bytes:
    data = _GLUED.sub(b"", data).translate(bytes.maketrans(b"-_", b"+/")).partition(b"=")[0]
    return base64_octets(re.sub(rb"[^A-Za-z0-9+/]", b"", data))


def _numbers(data: bytes) -> bytes:
    values = (int(one[2:], 16) if b"x" in one else int(one) for one in _NUMBER.findall(data))
    return bytes(value & 0xFF for value in values)


def _hex(data: bytes) -> bytes:
    return bytes.fromhex(re.sub(rb"\\x|\\u00", b"", data).decode("ascii"))
