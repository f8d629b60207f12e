r"""An upstream that speaks SMTP, LMTP and XFORWARD by hand, octet by octet, and can misbehave.

with Upstream(("127.0.0.1", 10025)) as client:
    client.say("EHLO mx.example.net")
    client.envelope("a@example.org", "b@example.com")
    reply = client.message(b"Subject: x\r\n\r\nhello\r\n")
"""

import socket
import struct
from collections.abc import Sequence
from typing import Self


class Upstream:
    """One connection.  Replies are lines joined by LF, no CRLF; "" where the peer has closed."""

    def __init__(self, address: tuple[str, int] | str, *, timeout: float = 20.0) -> None:
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(address, timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self.greeting = self.reply()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Octets

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def reply(self) -> str:
        """Return the next reply, all its lines."""
        lines: list[str] = []
        while not lines or lines[-1][3:4] == "-":
            line = self._line()
            if line is None:
                return "\n".join(lines)
            lines.append(line)
        return "\n".join(lines)

    def replies(self, count: int) -> list[str]:
        return [self.reply() for _ in range(count)]

    def closed(self) -> bool:
        """Wait for the end of the connection; return whether nothing came before it."""
        try:
            return self._line() is None
        except ConnectionError:
            return True

    def half_close(self) -> None:
        """Send no more, but listen."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Leave by RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    # Commands

    def say(self, line: str | bytes) -> str:
        """Send one command line and return its reply."""
        octets = line.encode("utf-8", "surrogateescape") if isinstance(line, str) else line
        self.send(octets + b"\r\n")
        return self.reply()

    def envelope(self, sender: str, *recipients: str, parameters: str = "") -> list[str]:
        """Say MAIL and RCPT for each; return their replies.  `parameters` go with MAIL."""
        mail = f"MAIL FROM:<{sender}> {parameters}".rstrip()
        return [self.say(mail), *(self.say(f"RCPT TO:<{address}>") for address in recipients)]

    def message(self, content: bytes) -> str:
        """Say DATA and send the content, stuffed; return the final reply, or a refusal of DATA."""
        return self.messages(content, 1)[0]

    def messages(self, content: bytes, count: int) -> list[str]:
        """The same for LMTP: `count` final replies."""
        answer = self.say("DATA")
        if not answer.startswith("354"):
            return [answer]
        self.send(stuffed(content) + b".\r\n")
        return self.replies(count)

    def _line(self) -> str | None:
        while b"\r\n" not in self._buffer:
            octets = self.socket.recv(65536)
            if not octets:
                return None
            self._buffer += octets
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line.decode("utf-8", "replace")


def stuffed(content: bytes) -> bytes:
    """Return the content with dots stuffed and a CRLF at its end, without the final dot."""
    if content and not content.endswith(b"\r\n"):
        content += b"\r\n"
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]


def send_mail(
    address: tuple[str, int] | str,
    content: bytes,
    *,
    sender: str = "sender@example.org",
    recipients: Sequence[str] = ("rcpt@example.com",),
    xforward: str = "",
    lmtp: bool = False,
) -> list[str]:
    """Send one message as Postfix would; return the final reply, or one per recipient for LMTP."""
    with Upstream(address) as client:
        client.say("LHLO mx.example.com" if lmtp else "EHLO mx.example.com")
        if xforward:
            client.say(f"XFORWARD {xforward}")
        mail, *rcpts = client.envelope(sender, *recipients)
        accepted = sum(reply.startswith("2") for reply in rcpts)
        if not accepted:
            return [mail, *rcpts]
        return client.messages(content, accepted if lmtp else 1)
