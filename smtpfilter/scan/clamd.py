"""clamd as a virus scanner: INSTREAM over its socket, and the judgement of what it answers.

The message goes as a stream, and then every file that was hidden in it, in one session (V-7).
pyclamd serves PING, VERSION and RELOAD.  The scan is ours: pyclamd sends without sendall and
passes on what it does not understand.  Only an exact `stream: OK` is clean; ClamAV says so for
content that it skipped unless `AlertExceedsMax yes` is set (finding 14), so the self-test and the
limits belong to the health probes.
"""

import re
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pyclamd

from smtpfilter.config import Endpoint
from smtpfilter.mail.octets import Octets, chunks
from smtpfilter.ports.engines import (
    BrokeInScan,
    ConnectionBroke,
    ScannerFailed,
    Specimen,
    VirusScan,
)
from smtpfilter.scan.content import opened
from smtpfilter.scan.found import infected, joined, shown, unchecked
from smtpfilter.scan.wire import Connection, Deadline, connect

NAME = "clamd"
LONGEST_ANSWER = 4096  # octets; a signature name and a few words

# clamd hangs up at once; a second answer would make the first worthless
_AFTER_ANSWER_SECONDS = 0.1
_PYCLAMD_READS = 5  # it reads that often before it gives up
_FOUND = re.compile(rb"stream: (?:(?P<name>.*) )?FOUND", re.DOTALL)
_TOO_LARGE = b"INSTREAM size limit exceeded. ERROR"


class Clamd:
    """A clamd at `endpoint`; `seconds` is the patience for everything but a scan."""

    needs_files = False

    def __init__(self, endpoint: Endpoint, seconds: float = 10.0, *, name: str = NAME) -> None:
        self.name = name
        self._endpoint = endpoint
        self._seconds = seconds

    def scan(self, specimen: Specimen, seconds: float) -> VirusScan:
        """Return clamd's verdict on the whole message and what is hidden in it.  Raises
        ScannerFailed.
        """
        hidden = [file.path for file in specimen.files if file.hidden]
        deadline = Deadline(seconds)
        if not hidden:
            return self._scan(specimen.mail.octets, deadline)
        return self._scan_all(specimen.mail.octets, hidden, deadline)

    def ping(self) -> None:
        """Raises ScannerFailed unless it answers."""
        self._command(lambda commands: commands.ping())

    def version(self) -> str:
        """Return one line: engine, signatures and their date.  Raises ScannerFailed."""
        return shown(str(self._command(lambda commands: commands.version())))

    def reload(self) -> None:
        """Make it read its signatures again.  Raises ScannerFailed."""
        self._command(lambda commands: commands.reload())

    def _scan(self, octets: Octets, deadline: Deadline) -> VirusScan:
        with Connection(self._endpoint, deadline) as connection:
            answer = _exchange(connection, octets)
            answer += connection.receive(LONGEST_ANSWER, patience=_AFTER_ANSWER_SECONDS)
            return judge(answer, self.name)

    def _scan_all(self, octets: Octets, hidden: list[Path], deadline: Deadline) -> VirusScan:
        """Return the joined verdicts on the message and its hidden files, asked one by one."""
        session = Session(self._endpoint, deadline)
        try:
            answers = [judge(session.ask(octets), self.name)]
            for path in hidden:
                with opened(path) as content:
                    answers.append(judge(session.ask(content), self.name))
            session.end()
        finally:
            session.close()
        return joined(answers)

    def _command(self, command: Callable[["_Commands"], object]) -> object:
        commands = _Commands(self._endpoint, self._seconds)
        try:
            if answer := command(commands):
                return answer
            raise ScannerFailed("clamd hung up without an answer")
        except (OSError, UnicodeDecodeError) as error:
            raise ScannerFailed(f"clamd gives no answer: {shown(str(error), 200)}") from error
        finally:
            commands.close()


class _Commands(pyclamd.ClamdNetworkSocket):  # type: ignore[misc]
    """pyclamd's commands over a connection of ours: any endpoint, closed on errors, too."""

    def __init__(self, endpoint: Endpoint, seconds: float) -> None:
        self._endpoint = endpoint
        self._seconds = seconds
        self.clamd_socket: socket.socket | None = None

    def _init_socket(self) -> None:
        connected = connect(self._endpoint, Deadline(self._seconds))
        connected.settimeout(self._seconds / _PYCLAMD_READS)
        self.clamd_socket = connected

    def close(self) -> None:
        if self.clamd_socket:
            self.clamd_socket.close()


def judge(answer: bytes, scanner: str = NAME) -> VirusScan:
    """Return what clamd's answer to INSTREAM, with its NUL, means (A5).  Raises ScannerFailed."""
    if not answer:
        raise BrokeInScan("clamd hung up without an answer")
    if not answer.endswith(b"\0") or answer.count(b"\0") != 1:
        raise ScannerFailed("clamd's answer is not one line that ends in NUL")
    line = answer[:-1]
    if line == b"stream: OK":
        return VirusScan()
    if line == _TOO_LARGE:
        return unchecked("limits", f"{scanner}: the content is longer than its StreamMaxLength")
    found = _FOUND.fullmatch(line)
    if not found:
        raise ScannerFailed(f"clamd answered neither OK nor FOUND{_its_error(line)}")
    return infected([found["name"] or b""], scanner)


def _its_error(line: bytes) -> str:
    return ": " + shown(line) if line.endswith(b" ERROR") else ""


class Session:
    """Contents one after the other over one connection (IDSESSION), one request at a time: each
    answer bears its request's number, and nothing may come unasked.
    """

    def __init__(self, endpoint: Endpoint, deadline: Deadline) -> None:
        self._endpoint = endpoint
        self._deadline = deadline
        self._connection: Connection | None = None
        self._number = 0

    def ask(self, octets: Octets) -> bytes:
        """Return the answer about `octets`, without its number.  Raises ScannerFailed."""
        connection = self._connected()
        self._number += 1
        answer = _exchange(connection, octets, b"%d: " % self._number)
        if answer == _TOO_LARGE + b"\0":
            self.close()  # as clamd does: the next content goes over a connection of its own
        return answer

    def end(self) -> None:
        """Say good-bye.  Raises ScannerFailed where it had more to say than it was asked."""
        if self._connection is None:
            return
        self._connection.send([b"zEND\0"])
        if self._connection.receive(LONGEST_ANSWER, patience=_AFTER_ANSWER_SECONDS):
            raise ScannerFailed("clamd gave more answers than it was asked for")

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = Connection(self._endpoint, self._deadline)
            self._connection.send([b"zIDSESSION\0"])
            self._number = 0
        return self._connection


def _exchange(connection: Connection, octets: Octets, number: bytes = b"") -> bytes:
    """Return clamd's answer to a stream of `octets`, without its number.  Raises ScannerFailed."""
    try:
        connection.send(_stream(octets))
    except ConnectionBroke:
        # It hangs up on a stream that is too long, but says so first.
        answer = _receive_answer(connection)
        if answer != number + _TOO_LARGE + b"\0":
            raise ConnectionBroke("clamd hung up in the middle of the message") from None
        return answer.removeprefix(number)
    try:
        answer = _receive_answer(connection)
    except ConnectionBroke as error:
        raise BrokeInScan(str(error)) from error
    if answer and not answer.startswith(number):
        raise ScannerFailed("clamd answered a question that was not asked")
    return answer.removeprefix(number)


def _stream(octets: Octets) -> Iterator[bytes]:
    """Yield the INSTREAM command and its chunks, each after its length; length 0 ends."""
    yield b"zINSTREAM\0"
    for chunk in chunks(octets):
        yield struct.pack("!L", len(chunk)) + chunk
    yield struct.pack("!L", 0)


def _receive_answer(connection: Connection) -> bytes:
    """Return what it says up to a NUL, with whatever came along behind that."""
    answer = b""
    while b"\0" not in answer:
        piece = connection.receive(LONGEST_ANSWER)
        answer += piece
        if not piece or len(answer) > LONGEST_ANSWER:
            break
    return answer
