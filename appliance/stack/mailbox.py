"""The demo mailbox: an SMTP server that plays the next hop and keeps exactly what it is given.

It takes every mail for everybody and keeps each as one file of a Maildir: a line
`X-Envelope-From: ADDRESS`, one line `X-Envelope-To: ADDRESS` for each recipient (all end in CRLF;
the null sender's address is empty), then the octets as received, only the dots of RFC 5321 section
4.5.2 taken away.  Only CRLF . CRLF ends a mail; NUL, 8-bit octets, lone CR and LF are kept.
"""

import asyncio
import itertools
import os
import re
import time
from contextlib import suppress
from pathlib import Path

from smtpfilter.config import Endpoint

GREETING = "220 localhost ESMTP Postern demo mailbox"

_FEATURES = (
    "localhost", "PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE 157286400",
    "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE", "ENHANCEDSTATUSCODES",
)  # fmt: skip
_MAIL_LIMIT_BYTES = 157_286_400
_LINE_LIMIT_BYTES = 65_536
_IDLE_SECONDS = 600.0
_CHUNK_BYTES = 65_536
_PATH = re.compile(rb'(?i)(?:MAIL FROM|RCPT TO): *<((?:"(?:[^"\\]|\\.)*"|[^">])*)>')
_numbers = itertools.count(1)


class TooLong(Exception):
    """More octets than this server takes; the connection is closed."""


def serve(address: str, inbox: Path) -> int:
    """Serve on `address` (host:port) until the process is ended."""
    for name in ("tmp", "new", "cur"):
        (inbox / name).mkdir(parents=True, exist_ok=True)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(Endpoint.parse(address), inbox))
    return 0


async def _serve(endpoint: Endpoint, inbox: Path) -> None:
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError, TimeoutError, TooLong):
            await Session(reader, writer, inbox).run()
        writer.close()

    server = await asyncio.start_server(session, endpoint.host, endpoint.port, backlog=100)
    await server.serve_forever()


class Session:
    """One connection.  Octets that follow a command or a mail (PIPELINING) wait in the buffer."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, inbox: Path
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._inbox = inbox
        self._buffer = bytearray()
        self._mail_from: bytes | None = None
        self._recipients: list[bytes] = []

    async def run(self) -> None:
        """Talk until QUIT or the end of the connection (EOFError)."""
        await self._reply(GREETING)
        while True:
            line = await self._until(b"\r\n", _LINE_LIMIT_BYTES)
            verb = line[:4].upper()
            if verb == b"QUIT":
                await self._reply("221 2.0.0 Bye")
                return
            await self._reply(*(await self._answer(verb, line)))

    async def _answer(self, verb: bytes, line: bytes) -> tuple[str, ...]:
        if verb in (b"EHLO", b"HELO"):
            self._reset()
            return tuple(f"250 {f}" for f in (_FEATURES if verb == b"EHLO" else _FEATURES[:1]))
        if verb in (b"MAIL", b"RCPT"):
            return (self._path(verb, line),)
        if verb == b"DATA":
            return (await self._data(),)
        if verb == b"RSET":
            self._reset()
        known = verb in (b"RSET", b"NOOP", b"XFOR", b"VRFY")
        return ("250 2.0.0 Ok" if known else "500 5.5.2 Command not recognised",)

    def _path(self, verb: bytes, line: bytes) -> str:
        found = _PATH.match(line)
        if found is None or b"\r" in line or b"\n" in line:
            return "501 5.5.4 Syntax: MAIL FROM:<address> or RCPT TO:<address>"
        if (verb == b"MAIL") != (self._mail_from is None):
            return "503 5.5.1 One MAIL, then RCPT"
        if verb == b"MAIL":
            self._mail_from = found[1]
            return "250 2.1.0 Ok"
        self._recipients.append(found[1])
        return "250 2.1.5 Ok"

    async def _data(self) -> str:
        if not self._recipients:
            return "503 5.5.1 RCPT first"
        await self._reply("354 End data with <CR><LF>.<CR><LF>")
        self._buffer[:0] = b"\r\n"  # so that a dot in the first line is seen as at a line's start
        stuffed = await self._until(b"\r\n.\r\n", _MAIL_LIMIT_BYTES)
        mail = (stuffed + b"\r\n").replace(b"\r\n.", b"\r\n")[2:]
        name = keep(self._inbox, self._mail_from or b"", self._recipients, mail)
        self._reset()
        return f"250 2.0.0 Ok: queued as {name}"

    async def _until(self, end: bytes, limit: int) -> bytes:
        """Return the octets before the next `end`.  Raises EOFError, TimeoutError, TooLong."""
        looked_at = 0
        while (at := self._buffer.find(end, looked_at)) < 0:
            looked_at = max(0, len(self._buffer) - len(end) + 1)
            if len(self._buffer) > limit:
                await self._reply("552 5.3.4 Too long")
                raise TooLong
            chunk = await asyncio.wait_for(self._reader.read(_CHUNK_BYTES), _IDLE_SECONDS)
            if not chunk:
                raise EOFError
            self._buffer += chunk
        found = bytes(self._buffer[:at])
        del self._buffer[: at + len(end)]
        return found

    async def _reply(self, *lines: str) -> None:
        *first, last = lines
        text = "".join(f"{line[:3]}-{line[4:]}\r\n" for line in first) + f"{last}\r\n"
        self._writer.write(text.encode("ascii"))
        await self._writer.drain()

    def _reset(self) -> None:
        self._mail_from = None
        self._recipients = []


def keep(inbox: Path, mail_from: bytes, recipients: list[bytes], mail: bytes) -> str:
    """Keep one mail as one file of the Maildir; return its queue id, a part of the file's name."""
    name = f"{time.time_ns() // 1000:X}{os.getpid():X}{next(_numbers):X}"
    envelope = [b"X-Envelope-From: " + mail_from]
    envelope += [b"X-Envelope-To: " + recipient for recipient in recipients]
    file = f"{time.time():.0f}.{name}.postern"
    (inbox / "tmp" / file).write_bytes(b"\r\n".join([*envelope, mail]))
    (inbox / "tmp" / file).rename(inbox / "new" / file)
    return name
