"""A scanner that misbehaves on purpose: it plays a script on every connection.

A script gets the connection and may read, write, wait and hang up as it likes.  The ready-made
ones below cover the fault tables A1 to A6 and B1 to B6 of the reliability notes.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path

from smtpfilter.config import Endpoint
from smtpfilter.scan.content import eicar

Play = Callable[[socket.socket], None]


class FakeEngine:
    """`asked` counts the connections; `play` may be changed while it runs."""

    def __init__(self, path: Path | None, play: Play) -> None:
        """Listen on a unix socket at `path`; without one, on a free port."""
        self.play = play
        self.asked = 0
        self.stopped = threading.Event()
        if path is None:
            self._listening = socket.create_server(("127.0.0.1", 0))
            self.endpoint = Endpoint(host="127.0.0.1", port=self._listening.getsockname()[1])
        else:
            self._listening = socket.socket(socket.AF_UNIX)
            self._listening.bind(str(path))
            self._listening.listen(20)
            self.endpoint = Endpoint(path=str(path))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.asked += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            self.play(connection)

    def stop(self) -> None:
        """Hang up everywhere and listen no more."""
        self.stopped.set()
        for used in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                used.shutdown(socket.SHUT_RDWR)
            used.close()


def read_stream(connection: socket.socket) -> bytes:
    """Return the content of one INSTREAM; checks that it is spoken as clamd wants it."""
    return read_content(connection.makefile("rb"))


def read_content(file: BufferedReader) -> bytes:
    """Return the content of the next INSTREAM in `file`."""
    assert file.read(10) == b"zINSTREAM\0"
    content = b""
    while size := struct.unpack("!L", file.read(4))[0]:
        assert size <= 65536
        content += file.read(size)
    return content


def read_request(connection: socket.socket) -> bytes:
    """Return all of one SPAMC request, up to the half-close."""
    return connection.makefile("rb").read()


def clamd_says(*pieces: bytes) -> Play:
    """Answer a scan with `pieces`, each in a packet of its own."""

    def play(connection: socket.socket) -> None:
        read_stream(connection)
        for piece in pieces:
            connection.sendall(piece)

    return play


def clamd_session(answer: Callable[[int, bytes], bytes]) -> Play:
    """Answer each content of an IDSESSION with `answer(number, content)`, until zEND."""

    def play(connection: socket.socket) -> None:
        file = connection.makefile("rb")
        assert file.read(11) == b"zIDSESSION\0"
        number = 0
        while file.peek(2)[:2] == b"zI":
            number += 1
            connection.sendall(answer(number, read_content(file)))
        assert file.read() in (b"zEND\0", b"")

    return play


def clamd_judging(verdict: Callable[[bytes], bytes]) -> Play:
    """Answer as clamd does, with `verdict(content)` about each content: b"OK" or b"NAME FOUND"."""

    def play(connection: socket.socket) -> None:
        if connection.recv(3, socket.MSG_PEEK) == b"zID":
            clamd_session(lambda number, content: b"%d: stream: %s\0" % (number, verdict(content)))(
                connection
            )
        else:
            connection.sendall(b"stream: %s\0" % verdict(read_stream(connection)))

    return play


def finds_eicar_alone(content: bytes) -> bytes:
    return b"Eicar-Test-Signature FOUND" if eicar() in content else b"OK"


clamd_that_finds_nothing = clamd_judging(finds_eicar_alone)  # but for what every clamd must


def spamd_says(*pieces: bytes) -> Play:
    """Answer a request with `pieces`, each in a packet of its own."""

    def play(connection: socket.socket) -> None:
        read_request(connection)
        for piece in pieces:
            connection.sendall(piece)

    return play


def hangs_up(connection: socket.socket) -> None:
    """Say nothing and close, unread octets and all: the other side gets a reset."""


def hangs(connection: socket.socket) -> None:
    """Take everything and never say a word (A2, B2)."""
    while connection.recv(65536):
        pass
    threading.Event().wait(30)


def stops_reading(connection: socket.socket) -> None:
    """Read nothing and stay (A3)."""
    threading.Event().wait(30)
