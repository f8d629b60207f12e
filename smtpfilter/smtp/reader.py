"""What a client sends, as lines and as chunks, in bounded memory."""

import asyncio

CHUNK_BYTES = 65536


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
        """Whether there is more to look at already."""
        return bool(self._buffer)

    @property
    def has_line(self) -> bool:
        """Whether a whole line is there already: the client is pipelining."""
        return b"\n" in self._buffer

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
