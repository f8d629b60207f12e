"""Files in uuencode, wherever they stand in a text (POSIX uuencode; M9).

Linear in the size of the text: every line is looked at once.
"""

import binascii
import re
from collections.abc import Iterator

_BEGIN = re.compile(
    rb"(?:(?<![A-Za-z0-9_])|(?<=[\r\n]X))(?P<word>begin)[ \t]+[0-7]{3,4}"
    rb"(?:[ \t]+(?P<name>[^\r\n]*+))?(?:[\r\n]++|\Z)",
    re.IGNORECASE,
)
_BEFORE = 20  # octets of a mark before each line: "> " of quotes, "X" of shell archives
_FIRST, _LAST = 0x20, 0x60  # of the characters in uuencode
_LINE = re.compile(rb"(?P<line>[^\r\n]*+)(?P<end>\r\n|[\r\n]|\Z)")


def uu_files(octets: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and content of every file between a "begin" and an "end".

    A "begin" that is not at the start of a line, in capitals or without a name counts where a line
    of uuencode follows; its lines may have before them what stands before it.
    """
    begin = _BEGIN.search(octets)
    while begin:
        mark = _mark(octets, begin.start())
        usual = mark == b"" and begin["word"] == b"begin" and begin["name"] is not None
        content, end = b"", begin.end()
        if usual or _follows(octets, end, mark or b""):
            content, end = _content(octets, end, mark or b"")
        if content:
            yield (begin["name"] or b"").strip(), content
        begin = _BEGIN.search(octets, end)


def _mark(octets: bytes, begin: int) -> bytes | None:
    """Return what stands in the line before `begin`, None where that is too long for a mark."""
    before = octets[max(0, begin - _BEFORE) : begin]
    line = max(before.rfind(b"\n"), before.rfind(b"\r")) + 1
    return before[line:] if line or begin <= _BEFORE else None


def _follows(octets: bytes, start: int, mark: bytes) -> bool:
    match = _LINE.match(octets, start)
    return bool(match and _is_coded(_without(mark, match["line"])))


def _is_coded(line: bytes) -> bool:
    """Has the line just the length that its first character tells, and no other characters?"""
    if not line or not all(_FIRST <= octet <= _LAST for octet in line):
        return False
    promised = ((line[0] - 32 & 63) + 2) // 3 * 4
    return 0 < promised <= len(line) - 1 <= promised + 2


def _without(mark: bytes, line: bytes) -> bytes:
    """Return the line without the mark, blanks at the end of which may be lost."""
    return line.removeprefix(mark if line.startswith(mark) else mark.rstrip())


def _content(octets: bytes, start: int, mark: bytes) -> tuple[bytes, int]:
    """Return what is encoded in the lines from `start` on, and where they end."""
    content = bytearray()
    end = start
    for match in _LINE.finditer(octets, start):
        line = _without(mark, match["line"])
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
