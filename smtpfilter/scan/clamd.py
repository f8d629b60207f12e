"""clamd as a virus scanner: INSTREAM over its socket, and the judgement of what it answers.

pyclamd serves PING, VERSION and RELOAD.  The scan is ours: pyclamd sends without sendall and
passes on what it does not understand.  Only an exact `stream: OK` is clean; ClamAV says so for
content that it skipped unless `AlertExceedsMax yes` is set (finding 14), so the self-test and the
limits belong to the health probes.
"""

import re
import socket
import struct
from collections.abc import Callable, Iterator

import pyclamd

from smtpfilter.config import Endpoint
from smtpfilter.mail.findings import Unchecked, UncheckedKind, Virus, visible
from smtpfilter.mail.octets import CHUNK_BYTES, Octets
from smtpfilter.ports import ConnectionBroke, ScannerFailed, Specimen, VirusScan
from smtpfilter.scan.wire import Connection, Deadline, connect

NAME = "clamd"
LONGEST_NAME = 256
LONGEST_ANSWER = 4096  # octets; a signature name and a few words
UNNAMED = "unnamed"

_AFTER_ANSWER_SECONDS = (
    0.1  # clamd hangs up at once; a second answer would make the first worthless
)
_PYCLAMD_READS = 5  # it reads that often before it gives up
_FOUND = re.compile(rb"stream: (?:(?P<name>.*) )?FOUND", re.DOTALL)
_TOO_LARGE = b"INSTREAM size limit exceeded. ERROR"
_NO_NAME = "(null)"  # ClamAV's answer to some content above its limits


class Clamd:
    """A clamd at `endpoint`; `seconds` is the patience for everything but a scan."""

    name = NAME
    needs_files = False

    def __init__(self, endpoint: Endpoint, seconds: float = 10.0) -> None:
        self._endpoint = endpoint
        self._seconds = seconds

    def scan(self, specimen: Specimen, seconds: float) -> VirusScan:
        """Return clamd's verdict on the whole message.  Raises ScannerFailed."""
        return self._scan(specimen.mail.octets, Deadline(seconds))

    def ping(self) -> None:
        """Raises ScannerFailed unless it answers."""
        self._command(lambda commands: commands.ping())

    def version(self) -> str:
        """Return one line: engine, signatures and their date.  Raises ScannerFailed."""
        return visible(str(self._command(lambda commands: commands.version())), LONGEST_NAME)

    def reload(self) -> None:
        """Make it read its signatures again.  Raises ScannerFailed."""
        self._command(lambda commands: commands.reload())

    def self_test(self) -> None:
        """Raises ScannerFailed unless it finds EICAR: one that says OK to all is blind (A8)."""
        if not self._scan(eicar(), Deadline(self._seconds)).viruses:
            raise ScannerFailed("it does not find the EICAR test file: are its signatures there?")

    def _scan(self, octets: Octets, deadline: Deadline) -> VirusScan:
        with Connection(self._endpoint, deadline) as connection:
            try:
                connection.send(_stream(octets))
            except ConnectionBroke:
                # It hangs up on a stream that is too long, but says so first.
                return _judge_farewell(connection)
            return judge(_receive_answer(connection))

    def _command(self, command: Callable[["_Commands"], object]) -> object:
        commands = _Commands(self._endpoint, self._seconds)
        try:
            if answer := command(commands):
                return answer
            raise ScannerFailed("clamd hung up without an answer")
        except (OSError, UnicodeDecodeError) as error:
            raise ScannerFailed(f"clamd gives no answer: {visible(str(error), 200)}") from error
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


def judge(answer: bytes) -> VirusScan:
    """Return what clamd's answer to INSTREAM, with its NUL, means (A5).  Raises ScannerFailed."""
    if not answer:
        raise ConnectionBroke("clamd hung up without an answer")
    if not answer.endswith(b"\0") or answer.count(b"\0") != 1:
        raise ScannerFailed("clamd's answer is not one line that ends in NUL")
    line = answer[:-1]
    if line == b"stream: OK":
        return VirusScan()
    if line == _TOO_LARGE:
        return _unchecked("limits", "clamd: the message is longer than its StreamMaxLength")
    found = _FOUND.fullmatch(line)
    if not found:
        raise ScannerFailed(f"clamd answered neither OK nor FOUND{_its_error(line)}")
    return _judge_name((found["name"] or b"").decode("utf-8", "replace").strip())


def _its_error(line: bytes) -> str:
    if not line.endswith(b" ERROR"):
        return ""
    return ": " + visible(line.decode("utf-8", "replace"), LONGEST_NAME)


def _judge_name(name: str) -> VirusScan:
    shown = visible(name.removesuffix(".UNOFFICIAL"), LONGEST_NAME) or UNNAMED
    if name.startswith("Heuristics.Limits.Exceeded") or name == _NO_NAME:
        return _unchecked("limits", f"clamd: {shown}")
    if name.startswith("Heuristics.Encrypted."):
        return _unchecked("encrypted", f"clamd: {shown}")
    return VirusScan(viruses=(Virus(shown, NAME),))


def _unchecked(kind: UncheckedKind, text: str) -> VirusScan:
    return VirusScan(unchecked=(Unchecked(kind, text),))


def _stream(octets: Octets) -> Iterator[bytes]:
    """Yield the INSTREAM command and its chunks, each after its length; length 0 ends."""
    yield b"zINSTREAM\0"
    for start in range(0, len(octets), CHUNK_BYTES):
        chunk = octets[start : start + CHUNK_BYTES]
        yield struct.pack("!L", len(chunk)) + chunk
    yield struct.pack("!L", 0)


def _receive_answer(connection: Connection) -> bytes:
    answer = b""
    while b"\0" not in answer:
        piece = connection.receive(LONGEST_ANSWER)
        answer += piece
        if not piece or len(answer) > LONGEST_ANSWER:
            return answer
    return answer + connection.receive(LONGEST_ANSWER, patience=_AFTER_ANSWER_SECONDS)


def _judge_farewell(connection: Connection) -> VirusScan:
    """Return what it said before it hung up in mid-stream: only "too long" may count."""
    answer = _receive_answer(connection)
    if answer != _TOO_LARGE + b"\0":
        raise ConnectionBroke("clamd hung up in the middle of the message")
    return judge(answer)


def eicar() -> bytes:
    """Return the EICAR test file, put together here so that this file is none."""
    return b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
