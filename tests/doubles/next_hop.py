"""A next hop that follows a script and keeps a ledger: SMTP and LMTP, on TCP or a unix socket.

    with NextHop() as hop:
        hop.script.rcpt["b@example.com"] = "550 5.1.1 no such user"
        hop.script.lose_at = "dot"               # hang up instead of answering the final dot
        ...
        assert hop.ledger[0].content == b"..."

Stages: greeting ehlo xforward mail rcpt data content dot rset quit.  The script may be changed
between transactions.  A reply is text without CRLF (lines joined by "\\n" make a multiline reply),
bytes as they go over the wire, or a list of such that is used up one by one (the last one stays).
"""

import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

Reply = str | bytes
Replies = Reply | list[Reply]

EXTENSIONS = (
    "PIPELINING",
    "SIZE 0",
    "ENHANCEDSTATUSCODES",
    "8BITMIME",
    "SMTPUTF8",
    "DSN",
    "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE",
)


@dataclass
class Script:
    """What the next hop says and does.

    `rcpt`: address -> reply, where it differs from `recipient`.  `most_recipients`: then 452 4.5.3.
    `dots`: for LMTP, address -> reply, where it differs from `dot`; "" hangs up instead.
    `lose_at`: the stage at which the connection is closed instead of an answer; at "content" after
    `content_bytes` octets.  `reset`: it is closed with RST instead of FIN.
    `hang_at`: the stage from which on nothing is said any more.
    `times`: how many times lose_at or hang_at happen, None for always.
    `hold_at`: the stage at which it waits for NextHop.gate, after setting NextHop.held, and then
    goes on.  `delay_seconds`: stage -> pause before the answer.
    """

    greeting: Replies = "220 next.example ESMTP"
    ehlo: Replies | None = None
    extensions: tuple[str, ...] = EXTENSIONS
    xforward: Replies = "250 2.0.0 Ok"
    mail: Replies = "250 2.1.0 Ok"
    recipient: Replies = "250 2.1.5 Ok"
    rcpt: dict[str, Replies] = field(default_factory=dict)
    most_recipients: int = 1_000_000
    data: Replies = "354 go on"
    dot: Replies | None = None
    dots: dict[str, Replies] = field(default_factory=dict)
    rset: Replies = "250 2.0.0 Ok"
    lose_at: str = ""
    content_bytes: int = 0
    reset: bool = False
    hang_at: str = ""
    hold_at: str = ""
    times: int | None = None
    delay_seconds: dict[str, float] = field(default_factory=dict)

    def without(self, *keywords: str) -> None:
        """Offer all extensions but these."""
        self.extensions = tuple(e for e in EXTENSIONS if e.partition(" ")[0] not in keywords)


@dataclass
class Transaction:
    """One mail transaction as seen by the next hop.

    `mail`, `rcpts`: the command lines' arguments, parameters included.
    `accepted`: addresses that got 2xx at RCPT.
    `content`: unstuffed octets, None where DATA never began.  `wire`: the same before unstuffing,
    with the dot.  `dotted`: CRLF.CRLF came.  `answered`: the reply to it, "" where none was sent.
    """

    connection: int
    mail: str
    xforward: dict[str, str] = field(default_factory=dict)
    rcpts: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    content: bytes | None = None
    wire: bytes = b""
    dotted: bool = False
    answered: str = ""
    answered_at: float = 0.0

    @property
    def delivered(self) -> bool:
        return self.dotted and self.answered.startswith("2")


class NextHop:
    """The server; use it as a context manager.  `ledger` and `commands` grow as it is talked to."""

    def __init__(self, script: Script | None = None, *, path: Path | None = None) -> None:
        self.script = script or Script()
        self.ledger: list[Transaction] = []
        self.commands: list[str] = []
        self.connections = 0
        if path:
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listener.bind(str(path))
            self.address: tuple[str, int] | str = str(path)
        else:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.address = self._listener.getsockname()[:2]
        self._listener.listen(100)
        self._open: list[socket.socket] = []
        self._stopping = threading.Event()
        self.held = threading.Event()
        self.gate = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.gate.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.close_connections()

    @property
    def endpoint(self) -> str:
        """The address as FILTER_RELAY has it."""
        if isinstance(self.address, str):
            return self.address
        return f"{self.address[0]}:{self.address[1]}"

    @property
    def delivered(self) -> list[Transaction]:
        return [transaction for transaction in self.ledger if transaction.delivered]

    def deliveries_to(self, address: str) -> list[Transaction]:
        """The copies that were accepted for this recipient."""
        return [t for t in self.delivered if address in t.accepted]

    def close_connections(self) -> None:
        """Close every open connection, as an idle time-out would."""
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(connection)
            arguments = (connection, self.connections)
            threading.Thread(target=self._serve, args=arguments, daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, suppress(_HangUp, OSError):
            _Conversation(self, connection, number).run()

    def wait_until_stopped(self) -> None:
        self._stopping.wait()


class _HangUp(Exception):
    """The script ends the connection here."""


class _Conversation:
    """One connection."""

    def __init__(self, hop: NextHop, connection: socket.socket, number: int) -> None:
        self._hop = hop
        self._connection = connection
        self._number = number
        self._buffer = b""
        self._lmtp = False
        self._client: dict[str, str] = {}
        self._transaction: Transaction | None = None

    @property
    def _script(self) -> Script:
        return self._hop.script

    def run(self) -> None:
        self._answer("greeting", self._script.greeting)
        while True:
            line = self._line()
            self._hop.commands.append(line)
            verb, _, argument = line.partition(" ")
            getattr(self, f"do_{verb.lower()}", self._unknown)(argument)

    # Commands

    def _unknown(self, argument: str) -> None:
        self._say("500 5.5.1 unknown")

    def do_ehlo(self, argument: str) -> None:
        lines = "\n".join(["250 next.example", *(f"250 {e}" for e in self._script.extensions)])
        self._end_transaction()
        self._answer("ehlo", self._script.ehlo or lines)

    def do_lhlo(self, argument: str) -> None:
        self._lmtp = True
        self.do_ehlo(argument)

    def do_helo(self, argument: str) -> None:
        self._answer("ehlo", self._script.ehlo or "250 next.example")

    def do_xforward(self, argument: str) -> None:
        reply = self._next_reply("xforward", self._script.xforward)
        if _accepts(reply):
            self._client |= dict(word.split("=", 1) for word in argument.split())
        self._say(reply)

    def do_mail(self, argument: str) -> None:
        if self._transaction:
            self._say("503 5.5.1 nested MAIL")
            return
        transaction = Transaction(self._number, argument.removeprefix("FROM:"), self._client)
        self._hop.ledger.append(transaction)
        reply = self._next_reply("mail", self._script.mail)
        if _accepts(reply):
            self._transaction = transaction
        self._say(reply)

    def do_rcpt(self, argument: str) -> None:
        transaction = self._transaction
        if not transaction:
            self._say("503 5.5.1 MAIL first")
            return
        address = argument.removeprefix("TO:<").partition(">")[0]
        transaction.rcpts.append(argument.removeprefix("TO:"))
        if len(transaction.accepted) >= self._script.most_recipients:
            self._say("452 4.5.3 too many recipients")
            return
        reply = self._next_reply("rcpt", self._script.rcpt.get(address, self._script.recipient))
        if _accepts(reply):
            transaction.accepted.append(address)
        self._say(reply)

    def do_data(self, argument: str) -> None:
        transaction = self._transaction
        if not transaction or not transaction.accepted:
            self._say("503 5.5.1 RCPT first")
        else:
            reply = self._next_reply("data", self._script.data)
            self._say(reply)
            if _text(reply).startswith("354"):
                self._content(transaction)

    def do_rset(self, argument: str) -> None:
        self._end_transaction()
        self._answer("rset", self._script.rset)

    def do_noop(self, argument: str) -> None:
        self._say("250 2.0.0 Ok")

    def do_quit(self, argument: str) -> None:
        self._answer("quit", "221 2.0.0 Bye")
        raise _HangUp

    # The message

    def _content(self, transaction: Transaction) -> None:
        transaction.content = b""
        while (end := _end_of_data(self._buffer)) < 0:
            transaction.wire = self._buffer
            if self._strikes("content") and len(self._buffer) >= self._script.content_bytes:
                self._lose()
            self._fill()
        transaction.wire, self._buffer = self._buffer[:end], self._buffer[end:]
        stuffed = (b"\r\n" + transaction.wire[:-3]).replace(b"\r\n.", b"\r\n")
        transaction.content = stuffed[2:]
        transaction.dotted = True
        for replies in self._dot_replies(transaction):
            reply = self._next_reply("dot", replies)
            if not reply:
                raise _HangUp
            # Written down first: whoever has seen the answer finds it in the ledger.
            transaction.answered = _text(reply)
            transaction.answered_at = time.monotonic()
            self._say(reply)
        self._end_transaction()

    def _dot_replies(self, transaction: Transaction) -> list[Replies]:
        usual = self._script.dot or f"250 2.0.0 Ok: queued as Q{len(self._hop.ledger)}"
        if not self._lmtp:
            return [usual]
        return [self._script.dots.get(address, usual) for address in transaction.accepted]

    def _end_transaction(self) -> None:
        self._transaction = None
        self._client = {}

    # The wire

    def _answer(self, stage: str, replies: Replies) -> None:
        self._say(self._next_reply(stage, replies))

    def _next_reply(self, stage: str, replies: Replies) -> Reply:
        """Return what the script has for this stage, or hang up if it says so."""
        time.sleep(self._script.delay_seconds.get(stage, 0))
        if stage == self._script.hold_at:
            self._hop.held.set()
            self._hop.gate.wait(60)
        if self._strikes(stage):
            self._lose()
        if not isinstance(replies, list):
            return replies
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def _strikes(self, stage: str) -> bool:
        return stage in (self._script.lose_at, self._script.hang_at) and self._script.times != 0

    def _lose(self) -> None:
        hang = bool(self._script.hang_at)
        if self._script.times is not None:
            self._script.times -= 1
        if hang:
            self._hop.wait_until_stopped()
        elif self._script.reset:
            self._connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        raise _HangUp

    def _say(self, reply: Reply) -> None:
        if isinstance(reply, bytes):
            self._connection.sendall(reply)
            return
        *first, last = reply.split("\n")
        lines = [f"{line[:3]}-{line[4:]}" for line in first] + [last]
        self._connection.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def _line(self) -> str:
        while b"\r\n" not in self._buffer:
            self._fill()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line.decode("utf-8", "surrogateescape")

    def _fill(self) -> None:
        octets = self._connection.recv(65536)
        if not octets:
            raise _HangUp
        self._buffer += octets


def _text(reply: Reply) -> str:
    return reply if isinstance(reply, str) else reply.decode("latin-1")


def _accepts(reply: Reply) -> bool:
    return _text(reply).startswith("2")


def _end_of_data(octets: bytes) -> int:
    """Return where the content with its final dot ends, -1 if it does not yet."""
    if octets.startswith(b".\r\n"):
        return 3
    end = octets.find(b"\r\n.\r\n")
    return end + 5 if end >= 0 else -1
