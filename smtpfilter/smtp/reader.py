"""Reading what a client sends: command lines, and the octets of a message, in bounded memory.

A message ends at CRLF.CRLF and nowhere else (P1, P2; CVE-2023-51764 and its kind).
"""

import asyncio

CHUNK_BYTES = 65536

_TERMINATOR = b"\r\n.\r\n"


class LineTooLong(Exception):
    """The line had more octets than allowed; it has been read and forgotten."""


class EndOfInput(Exception):
    """The client sends no more."""


class Input:
    """What the client sent and nobody has looked at yet."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream
        self._buffer = bytearray()

    @property
    def waiting(self) -> bool:
        """Whether there is more to look at already: the client is pipelining."""
        return bool(self._buffer)

    async def line(self, longest: int) -> bytes:
        """Return the next line with its LF.  Raises LineTooLong, EndOfInput."""
        scanned = 0
        too_long = False
        while (end := self._buffer.find(b"\n", scanned)) < 0:
            if len(self._buffer) > longest:
                too_long = True
                self._buffer.clear()
            scanned = len(self._buffer)
            await self._fill()
        line = bytes(memoryview(self._buffer)[: end + 1])
        del self._buffer[: end + 1]
        if too_long or len(line) > longest:
            raise LineTooLong
        return line

    async def chunk(self) -> bytes:
        """Return what there is, at least one octet, at most 64 KiB or so.  Raises EndOfInput."""
        if not self._buffer:
            await self._fill()
        chunk = bytes(self._buffer)
        self._buffer.clear()
        return chunk

    def push_back(self, octets: bytes) -> None:
        """Put back what was read too far."""
        self._buffer[:0] = octets

    async def _fill(self) -> None:
        octets = await self._stream.read(CHUNK_BYTES)
        if not octets:
            raise EndOfInput
        self._buffer += octets


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
