"""Files in uuencode, wherever they stand in a text (POSIX uuencode; M9).

Linear in the size of the text: every line is looked at once.
"""

import binascii
import re
from collections.abc import Iterator

_BEGIN = re.compile(rb"(?:^|(?<=[\r\n]))begin[ \t]+[0-7]{3,4}[ \t]+(?P<name>[^\r\n]*+)[\r\n]++")
_LINE = re.compile(rb"(?P<line>[^\r\n]*+)(?P<end>\r\n|[\r\n]|\Z)")


def uu_files(octets: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and content of every file between a "begin" and an "end"."""
    begin = _BEGIN.search(octets)
    while begin:
        content, end = _content(octets, begin.end())
        if content:
            yield begin["name"].strip(), content
        begin = _BEGIN.search(octets, end)


def _content(octets: bytes, start: int) -> tuple[bytes, int]:
    """Return what is encoded in the lines from `start` on, and where they end."""
    content = bytearray()
    end = start
    for match in _LINE.finditer(octets, start):
        line = match["line"]
        if line.strip() in (b"end", b"`") or line.startswith((b"begin ", b"begin\t")):
            break
        content += _decoded(line)
        end = match.end()
        if not match["end"]:
            break
    return bytes(content), end


def _decoded(line: bytes) -> bytes:
    if not line:
        return b""
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:  # trailing garbage: keep as much as the first character promises
        characters = ((line[0] - 32 & 63) * 4 + 5) // 3
        try:
            return binascii.a2b_uu(line[:characters])
        except binascii.Error:
            return b""
