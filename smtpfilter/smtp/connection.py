"""One SMTP connection to the next hop: blocking, strict about replies, a deadline for each stage.

It knows lines, replies and content; what they mean is the relay's business.
"""

import re
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from smtpfilter.config import Endpoint
from smtpfilter.mail.reply import Reply, parse_reply
from smtpfilter.smtp.transparency import transparent

_LONGEST_REPLY = 65536  # octets of one reply with all its lines
_RECEIVE_BYTES = 65536
_SEND_BYTES = 65536
_PIPELINE = 50  # commands written at once: their replies fit into any socket buffer (RFC 2920 3.1)

_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.S)
_ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3} ")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for each stage (RFC 5321 4.5.3.2, shortened where the next hop stands beside us)."""

    connect: float = 10.0
    command: float = 60.0
    data: float = 120.0
    content: float = 180.0  # for each piece of content
    dot: float = 600.0


class ConnectionFailed(Exception):
    """The connection is of no use any more.

    `reply` is what the sender is told, `args[0]` what the log says.  `answered`: by 421 the next
    hop said so itself.
    """

    def __init__(self, detail: str, reply: Reply, *, answered: bool = False) -> None:
        super().__init__(detail)
        self.reply = reply
        self.answered = answered


class NextHopConnection:
    """One connection.  Every method may raise ConnectionFailed: then it is to be closed.

    `extensions`: keyword in upper case -> its parameters.  `transactions`: how many it has carried.
    `open`: a mail transaction has begun and not ended.  `deadline`: on the monotonic clock, by then
    the final dot is out, however many stages there are, or it never will be.
    """

    def __init__(self, endpoint: Endpoint, timeouts: Timeouts, deadline: float = inf) -> None:
        """Connect.  Raises ConnectionFailed."""
        self._timeouts = timeouts
        self.deadline = deadline
        self._buffer = bytearray()
        self.extensions: dict[str, str] = {}
        self.transactions = 0
        self.open = False
        self.used_at = time.monotonic()
        try:
            self._socket = _connect(endpoint, self._seconds_left(timeouts.connect))
        except OSError as error:
            detail = f"no connection to {endpoint}: {error}"
            raise ConnectionFailed(
                detail, Reply(451, "4.4.1", "Next hop does not answer")
            ) from error

    @property
    def gone(self) -> bool:
        """Whether the next hop has closed the connection, or said something unasked."""
        try:
            self._expect_silence()
        except ConnectionFailed:
            return True
        return False

    def greeting(self) -> Reply:
        return self.reply(self._timeouts.connect)

    def hello(self, hostname: str, *, lmtp: bool = False) -> Reply:
        """Say EHLO, or LHLO, and remember the extensions."""
        verb = b"LHLO " if lmtp else b"EHLO "
        self._write(verb + hostname.encode("ascii", "replace") + b"\r\n", self._timeouts.command)
        lines = self._reply_lines(self._timeouts.command)
        self.extensions = {}
        for line in lines[1:]:
            keyword, _, parameters = line[4:].decode("ascii", "replace").partition(" ")
            self.extensions[keyword.upper()] = parameters
        return _as_reply(lines)

    def commands(self, lines: Sequence[bytes]) -> Iterator[list[Reply]]:
        """Send the lines, grouped where PIPELINING is offered; yield the replies of each group."""
        step = _PIPELINE if "PIPELINING" in self.extensions else 1
        for start in range(0, len(lines), step):
            group = lines[start : start + step]
            self._write(b"".join(line + b"\r\n" for line in group), self._timeouts.command)
            yield [self.reply(self._timeouts.command) for _ in group]

    def reset(self) -> bool:
        """End an open transaction by RSET; return whether the connection may be used again."""
        try:
            if self.open:
                self._write(b"RSET\r\n", self._timeouts.command)
                self.open = not self.reply(self._timeouts.command).accepted
        except ConnectionFailed:
            return False
        return not self.open

    def data(self) -> Reply:
        """Send DATA; only after 354 may content follow."""
        self._expect_silence()
        self._write(b"DATA\r\n", self._timeouts.data)
        reply = self.reply(self._timeouts.data)
        self._expect_silence()
        if reply.code < 400 and reply.code != 354:
            raise protocol_error(f"{reply.code} to DATA")
        return reply

    def content(self, chunks: Iterable[bytes]) -> None:
        """Send the content without the final dot.  After a failure nothing more is sent (D10)."""
        pending = bytearray()
        for piece in transparent(chunks):
            pending += piece
            if len(pending) >= _SEND_BYTES:
                self._write(bytes(pending), self._timeouts.content)
                pending.clear()
        self._write(bytes(pending), self._timeouts.content)
        self._expect_silence()

    def dot(self) -> None:
        """Send the final dot; where this fails it is not complete.  From now on there is a deadline
        for all answers to it together.
        """
        self._write(b".\r\n", self._timeouts.content)
        self.deadline = time.monotonic() + self._timeouts.dot

    def verdict(self) -> Reply:
        """Return an answer to the final dot; only a 2yz is a yes."""
        reply = self.reply(self._timeouts.dot)
        if reply.code < 400 and not reply.accepted:
            raise protocol_error(f"{reply.code} to the final dot")
        return reply

    def reply(self, seconds: float) -> Reply:
        """Return the next reply.  Raises ConnectionFailed."""
        return _as_reply(self._reply_lines(seconds))

    def quit(self) -> None:
        """Say goodbye and close; nobody waits for an answer."""
        try:
            self._socket.settimeout(0)
            self._socket.send(b"QUIT\r\n")
        except OSError:
            pass  # it was leaving anyway
        self.close()

    def close(self) -> None:
        self._socket.close()

    def _expect_silence(self) -> None:
        """Raise ConnectionFailed where the next hop has closed, or says what nobody asked for."""
        self._socket.settimeout(0)
        try:
            unasked = bytes(self._buffer) or self._socket.recv(80, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError as error:
            raise _lost(error) from error
        if not unasked:
            raise _lost(EOFError("connection closed"))
        raise protocol_error(f"reply without a command: {unasked!r}")

    def _write(self, octets: bytes, seconds: float) -> None:
        try:
            self._socket.settimeout(self._seconds_left(seconds))
            self._socket.sendall(octets)
        except OSError as error:
            raise _lost(error) from error

    def _seconds_left(self, seconds: float) -> float:
        """Return how long a stage of `seconds` may take now.  Raises TimeoutError."""
        left = min(seconds, self.deadline - time.monotonic())
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def _reply_lines(self, seconds: float) -> list[bytes]:
        deadline = min(self.deadline, time.monotonic() + seconds)
        lines: list[bytes] = []
        size = 0
        while not lines or lines[-1][3:4] == b"-":
            line = self._line(deadline)
            size += len(line)
            if size > _LONGEST_REPLY:
                raise protocol_error("endless reply")
            if not _REPLY_LINE.fullmatch(line) or (lines and line[:3] != lines[0][:3]):
                raise protocol_error(f"no reply: {line[:80]!r}")
            lines.append(line)
        return lines

    def _line(self, deadline: float) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _LONGEST_REPLY:
                raise protocol_error("endless line")
            self._buffer += self._receive(deadline)
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    def _receive(self, deadline: float) -> bytes:
        try:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._socket.settimeout(left)
            octets = self._socket.recv(_RECEIVE_BYTES)
        except OSError as error:
            raise _lost(error) from error
        if not octets:
            raise _lost(EOFError("connection closed"))
        return octets


def _connect(endpoint: Endpoint, seconds: float) -> socket.socket:
    if not endpoint.path:
        connection = socket.create_connection((endpoint.host, endpoint.port), seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect(endpoint.path)
    except OSError:
        connection.close()
        raise
    return connection


def _as_reply(lines: list[bytes]) -> Reply:
    """Return the reply, its lines joined by blanks; each may repeat the enhanced code."""
    texts = [line[4:].decode("ascii", "replace") for line in lines]
    rest = [_ENHANCED.sub("", text, count=1) for text in texts[1:]]
    reply = parse_reply(" ".join([lines[0][:3].decode("ascii"), texts[0], *rest]))
    if reply is None:
        raise protocol_error(f"no reply: {lines[0][:80]!r}")
    if reply.code == 421:  # it closes the connection; our own stays open, so 451 goes up (D12)
        told = Reply(451, reply.enhanced or "4.3.2", reply.text)
        raise ConnectionFailed(f"next hop says {reply}", told, answered=True)
    return reply


def _lost(error: Exception) -> ConnectionFailed:
    return ConnectionFailed(f"{error}", Reply(451, "4.4.2", "Connection to next hop lost"))


def protocol_error(detail: str) -> ConnectionFailed:
    return ConnectionFailed(detail, Reply(451, "4.5.0", "Next hop does not speak SMTP"))
