"""A scanner that misbehaves on purpose: it plays a script on every connection.

A script gets the connection and may read, write, wait and hang up as it likes.  The ready-made
ones below cover the fault tables A1 to A6 and B1 to B6 of the reliability notes.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from smtpfilter.config import Endpoint

Play = Callable[[socket.socket], None]


class FakeEngine:
    """`asked` counts the connections; `play` may be changed while it runs."""

    def __init__(self, path: Path, play: Play) -> None:
        self.endpoint = Endpoint(path=str(path))
        self.play = play
        self.asked = 0
        self.stopped = threading.Event()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen(20)
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
    file = connection.makefile("rb")
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
