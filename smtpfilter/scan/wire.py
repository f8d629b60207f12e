"""One connection to a scanner, with a deadline over everything that is said on it.

An engine may hang, dribble, stop reading or hang up at any moment: each of these ends in
ScannerFailed, never in a wait without end and never in an open file.  A connection is used for
one exchange, so that no late answer can be taken for the next message's (reliability A4).
"""

import socket
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from smtpfilter.config import Endpoint
from smtpfilter.ports.engines import ConnectionBroke, ScannerFailed

SEND_SECONDS = 30.0  # an engine that takes none of our octets for this long hangs (A3)
CONNECT_SECONDS = 10.0
_BACKLOG_PAUSE_SECONDS = 0.02

Clock = Callable[[], float]


class Deadline:
    """A point in time on a monotonic clock."""

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def remaining(self) -> float:
        """Return the seconds that are left.  Raises ScannerFailed when there are none."""
        left = self._end - self._clock()
        if left <= 0:
            raise self.passed()
        return left

    def passed(self) -> ScannerFailed:
        return ScannerFailed(f"no answer within {self._seconds:g} seconds")


class Connection:
    """An open connection to `endpoint`; all its methods raise ScannerFailed."""

    def __init__(self, endpoint: Endpoint, deadline: Deadline) -> None:
        self._deadline = deadline
        self._socket = connect(endpoint, deadline)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def send(self, pieces: Iterable[bytes]) -> None:
        """Send all pieces, each within SEND_SECONDS."""
        for piece in pieces:
            self._socket.settimeout(min(SEND_SECONDS, self._deadline.remaining()))
            try:
                self._socket.sendall(piece)
            except TimeoutError:
                raise ScannerFailed("it stopped reading") from None
            except OSError as error:
                raise ConnectionBroke(f"it hung up while we sent: {error.strerror}") from error

    def half_close(self) -> None:
        """Say that nothing more will be sent."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise ConnectionBroke(f"it hung up while we sent: {error.strerror}") from error

    def receive(self, most: int, *, patience: float | None = None) -> bytes:
        """Return the next octets, at most `most`, b"" at the end of what it says.

        With `patience` (seconds) silence of that length, or a reset, counts as the end, too.
        """
        left = self._deadline.remaining()
        self._socket.settimeout(left if patience is None else min(patience, left))
        try:
            return self._socket.recv(most)
        except OSError as error:
            if patience is not None:
                return b""
            if isinstance(error, TimeoutError):
                raise self._deadline.passed() from None
            raise ConnectionBroke(f"it hung up: {error.strerror}") from error

    def receive_all(self, limit: int) -> bytes:
        """Return all that it says until it hangs up.  More than `limit` octets are a failure."""
        answer = bytearray()
        while piece := self.receive(65536):
            answer += piece
            if len(answer) > limit:
                raise ScannerFailed(f"its answer is longer than {limit} octets")
        return bytes(answer)


def connect(endpoint: Endpoint, deadline: Deadline) -> socket.socket:
    """Return a connected socket.  Raises ScannerFailed, ConnectionBroke where nobody listens."""
    while True:
        try:
            return _connect_once(endpoint, min(CONNECT_SECONDS, deadline.remaining()))
        except BlockingIOError:  # a unix socket's backlog is full: there is no waiting but by hand
            time.sleep(min(_BACKLOG_PAUSE_SECONDS, deadline.remaining()))
        except TimeoutError:
            raise ScannerFailed(f"cannot connect to {endpoint}: no answer in time") from None
        except OSError as error:
            raise ConnectionBroke(f"cannot connect to {endpoint}: {error.strerror}") from error


def _connect_once(endpoint: Endpoint, seconds: float) -> socket.socket:
    if not endpoint.path:
        return socket.create_connection((endpoint.host, endpoint.port), seconds)
    connected = socket.socket(socket.AF_UNIX)
    try:
        connected.settimeout(seconds)
        connected.connect(endpoint.path)
    except OSError:
        connected.close()
        raise
    return connected
