"""The end of a message and the dots before it (RFC 5321 4.5.2), in both directions, chunk by chunk.

A message ends at CRLF.CRLF and nowhere else (P1, P2; CVE-2023-51764 and its kind).
"""

import re
from collections.abc import Iterable, Iterator

_TERMINATOR = b"\r\n.\r\n"
_LINE_END = re.compile(rb"\r\n|\r|\n")


class Unstuffer:
    """Finds the end of a message and takes the dots away that transparency put in (RFC 5321 4.5.2).

    It holds back at most the four octets that may be the beginning of the end, whatever the chunks.
    """

    def __init__(self) -> None:
        # A message begins at the start of a line: as after a CRLF, which is not content.
        self._held = b"\r\n"
        self._not_content = 2
        self.rest: bytes | None = None  # what followed the end; None while the end was not seen

    def feed(self, chunk: bytes) -> bytes:
        """Return the content that is certain after `chunk`; once the end was seen `rest` is set."""
        octets = self._held + chunk
        end = octets.find(_TERMINATOR)
        if end >= 0:
            self.rest = octets[end + len(_TERMINATOR) :]
            certain = end + 2
        else:
            certain = len(octets) - _start_of_terminator(octets)
            self._held = octets[certain:]
        content = octets[:certain].replace(b"\r\n.", b"\r\n")
        if content and self._not_content:
            content = content[self._not_content :]
            self._not_content = 0
        return content


def _start_of_terminator(octets: bytes) -> int:
    """Return how many octets at the end may be the beginning of the terminator."""
    for length in range(len(_TERMINATOR) - 1, 0, -1):
        if octets.endswith(_TERMINATOR[:length]):
            return length
    return 0


def transparent(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content as it goes over the wire: lone CR and LF as CRLF, dots stuffed, CRLF last.

    Whatever the borders of the chunks, the result is the same, and has no CRLF.CRLF in it (P1).
    """
    held = b""  # a CR whose LF may come with the next chunk
    line_start = True
    for chunk in chunks:
        octets = held + chunk
        held = b"\r" if octets.endswith(b"\r") else b""
        octets = octets[: len(octets) - len(held)]
        if not octets:
            continue
        yield _stuffed(octets, line_start=line_start)
        line_start = octets.endswith(b"\n")
    if held or not line_start:
        yield b"\r\n"


def _stuffed(octets: bytes, *, line_start: bool) -> bytes:
    pairs = octets.count(b"\r\n")
    if octets.count(b"\r") != pairs or octets.count(b"\n") != pairs:
        octets = _LINE_END.sub(b"\r\n", octets)
    octets = octets.replace(b"\r\n.", b"\r\n..")
    return b"." + octets if line_start and octets.startswith(b".") else octets
