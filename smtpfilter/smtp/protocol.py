"""aiosmtpd's protocol, hardened: how octets become commands and replies (design 4.3).

What changes against aiosmtpd 1.4.6, each with a test: commands are octets and end in CRLF only;
limits belong to the session; replies of a pipelined group leave together; an exception is 451
without its text; neither a half-closed nor a lost connection interrupts a message at work; the idle
timer rests while one is; the 421 of a timeout is said.  The verbs are the subclass's business.
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from aiosmtpd.smtp import SMTP

from smtpfilter.mail.reply import Reply
from smtpfilter.mail.reply import reply as make_reply
from smtpfilter.smtp.reader import CHUNK_BYTES, EndOfInput, Input, LineTooLong

log = logging.getLogger("postern.smtp")

LINE_LIMIT = 512  # octets with CRLF (RFC 5321 4.5.3.1.4)
LINE_LIMITS: Mapping[bytes, int] = MappingProxyType(
    {b"MAIL": 2048, b"RCPT": 2560, b"XFORWARD": 4096}  # long paths, ENVID, ORCPT, xtext
)
JUNK_LIMIT = 100  # commands that lead nowhere, since the last message (P12)

_LONGEST_LINE = max(LINE_LIMITS.values())
_VERB = re.compile(rb"[A-Z]+")
_HTTP = frozenset({b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"PATCH"})
_JUNK = frozenset({b"NOOP", b"RSET", b"VRFY"})

TIMED_OUT = Reply(421, "4.4.2", "Timeout, closing connection")
SHUTTING_DOWN = Reply(421, "4.3.2", "Shutting down, try again later")


class HardenedProtocol(SMTP):
    """One connection.  Subclasses have a method smtp_VERB(argument: bytes) for each verb."""

    line_length_limit = (
        CHUNK_BYTES  # of the stream's buffer; lines of a message may be as long as they like
    )

    def __init__(
        self, hostname: str, idle_timeout_seconds: float, open_sessions: set["HardenedProtocol"]
    ) -> None:
        """`open_sessions` holds the session while its connection is open."""
        super().__init__(
            handler=None,
            hostname=hostname,
            timeout=idle_timeout_seconds,
            data_size_limit=None,
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )
        self._open_sessions = open_sessions
        self._junk = 0
        self._at_work = False
        self._draining = False
        self._closing = False
        self._replies = bytearray()

    # Events of the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._input = Input(self._reader)
        self._open_sessions.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._open_sessions.discard(self)

    def eof_received(self) -> bool:
        """The client sends no more but may still listen: what is at work is answered (E4)."""
        self._reader.feed_eof()
        return True

    def drain(self) -> None:
        """Say goodbye as soon as nothing is at work."""
        self._draining = True
        if not self._at_work:
            self._say_goodbye(SHUTTING_DOWN)

    def _timeout_cb(self) -> None:
        self._say_goodbye(TIMED_OUT)

    def _say_goodbye(self, reply: Reply) -> None:
        if not isinstance(self.transport, asyncio.Transport):
            return  # it is gone already
        self._pause_timeout()
        if self._closing or self.transport.get_write_buffer_size():
            self.transport.abort()  # it does not read what we say
            return
        self._closing = True
        self._say(reply)
        self.transport.write(bytes(self._replies))
        self.transport.close()

    def _pause_timeout(self) -> None:
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()

    # Replies

    def _say(self, reply: Reply) -> None:
        """Queue a reply; it leaves when no further command is there yet, or at _flush()."""
        safe = make_reply(reply.code, reply.enhanced, reply.text)
        self._replies += str(safe).encode("ascii") + b"\r\n"

    def _say_lines(self, code: int, lines: list[str]) -> None:
        for line in lines[:-1]:
            self._replies += f"{code}-{line}\r\n".encode()
        self._replies += f"{code} {lines[-1]}\r\n".encode()

    async def _flush(self) -> None:
        octets = bytes(self._replies)
        self._replies.clear()
        if octets:
            self._writer.write(octets)
            await self._writer.drain()

    # Commands

    async def _handle_client(self) -> None:
        """Read commands and answer them until the client is gone or told to go."""
        try:
            self._greet()
            while not self._closing:
                self._reset_timeout()
                if not self._input.has_line:
                    await self._flush()
                await self._handle_line()
                if self._junk >= JUNK_LIMIT:
                    self._hang_up(Reply(421, "4.7.0", "Too many useless commands"))
                elif self._draining:
                    self._hang_up(SHUTTING_DOWN)
            await self._flush()
        except (EndOfInput, ConnectionError):
            pass
        finally:
            self._pause_timeout()
            self._writer.close()

    def _greet(self) -> None:
        raise AssertionError("a subclass greets")

    async def _handle_line(self) -> None:
        try:
            line = await self._input.line(_LONGEST_LINE)
        except LineTooLong:
            self._refuse_junk(Reply(500, "5.5.2", "Line too long"))
            return
        verb, _, argument = line[:-2].strip(b" \t").partition(b" ")
        verb = verb.upper()
        if not line.endswith(b"\r\n") or not _VERB.fullmatch(verb):
            self._refuse_junk(Reply(500, "5.5.2", "Bad syntax"))
        elif len(line) > LINE_LIMITS.get(verb, LINE_LIMIT):
            self._refuse_junk(Reply(500, "5.5.2", "Line too long"))
        elif verb in _HTTP:
            self._hang_up(Reply(500, "5.5.1", "This is not a web server"))
        else:
            await self._handle_command(verb, argument.strip(b" \t"))

    async def _handle_command(self, verb: bytes, argument: bytes) -> None:
        method = self._smtp_methods.get(verb.decode("ascii"))
        if method is None:
            self._refuse_junk(Reply(500, "5.5.1", "Command not known"))
            return
        if verb in _JUNK:
            self._junk += 1
        try:
            await method(argument)
        except (EndOfInput, ConnectionError):
            raise
        except Exception:
            log.exception("fault while answering %s", verb.decode("ascii"))
            # Where in the conversation we are is not certain any more.
            self._hang_up(Reply(421, "4.3.0", "Temporary processing error, try again later"))

    def _refuse_junk(self, reply: Reply) -> None:
        self._junk += 1
        self._say(reply)

    def _hang_up(self, reply: Reply) -> None:
        """Queue the last reply of this connection."""
        self._say(reply)
        self._closing = True

    # aiosmtpd looks up every attribute named smtp_*; those of its own that we do not answer are
    # replaced here.

    async def _not_implemented(self, argument: bytes) -> None:
        self._refuse_junk(Reply(502, "5.5.1", "Command not implemented"))

    smtp_AUTH: Any = _not_implemented
    smtp_BDAT: Any = _not_implemented
    smtp_ETRN: Any = _not_implemented
    smtp_EXPN: Any = _not_implemented
    smtp_HELP: Any = _not_implemented
    smtp_STARTTLS: Any = _not_implemented
    smtp_TURN: Any = _not_implemented
    smtp_XCLIENT: Any = _not_implemented
