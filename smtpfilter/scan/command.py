"""Any virus scanner that is a program: judged by its exit code and what it prints (V-3, V-11).

The entry gives a list of arguments; no shell ever sees it.  A word with {} is repeated for the
folder of parts and for the message's file, one with {}/* for the message and each part.  The
program gets no environment of ours, no standard input, and a process group of its own, which is
gone when the scan is over, however it ends.
"""

import contextlib
import os
import re
import select
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from smtpfilter.ports.engines import BrokeInScan, ScannerFailed, Specimen, VirusScan
from smtpfilter.scan.found import infected, shown
from smtpfilter.scan.targets import each_file, folder_and_message
from smtpfilter.scan.wire import Deadline

LONGEST_OUTPUT = 1 << 20  # octets; a line for each of 2,000 parts has room
FOLDER, FILES = "{}", "{}/*"

_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class Criterion:
    """When a run counts: by one of these exit codes, and by a pattern in its output."""

    codes: frozenset[int] = frozenset()
    pattern: re.Pattern[bytes] | None = None

    def __bool__(self) -> bool:
        return bool(self.codes) or self.pattern is not None

    def either(self, code: int, output: bytes) -> bool:
        """Tell whether code or output says so."""
        return code in self.codes or bool(self.pattern and self.pattern.search(output))

    def both(self, code: int, output: bytes) -> bool:
        """Tell whether all that is given says so; what is not given says nothing."""
        if not self:
            return False
        by_code = not self.codes or code in self.codes
        return by_code and (self.pattern is None or bool(self.pattern.search(output)))


class Command:
    """`infected` holds where code or pattern says so, and is tested first; `clean` only where both
    do.  `virus_name`: the first group of each match in the output is a name.
    """

    needs_files = True

    def __init__(
        self,
        name: str,
        words: tuple[str, ...],
        *,
        clean: Criterion,
        infected: Criterion,
        virus_name: re.Pattern[bytes] | None = None,
    ) -> None:
        self.name = name
        self._words = words
        self._clean = clean
        self._infected = infected
        self._virus_name = virus_name

    def scan(self, specimen: Specimen, seconds: float) -> VirusScan:
        """Return the program's verdict on the message and its parts.  Raises ScannerFailed."""
        code, output = run(list(arguments(self._words, specimen)), Deadline(seconds))
        return self.judge(code, output)

    def judge(self, code: int, output: bytes) -> VirusScan:
        """Return what exit code and output mean.  Raises ScannerFailed."""
        if self._infected.either(code, output):
            return infected(self._names(output), self.name)
        if code < 0:
            raise BrokeInScan(f"it was ended by {_signal_name(-code)}")
        if self._clean.both(code, output):
            return VirusScan()
        lines = output.strip().splitlines() or [b""]
        said = shown(lines[-1], 200)
        raise ScannerFailed(f"it ended with exit code {code}" + (f": {said}" if said else ""))

    def _names(self, output: bytes) -> list[bytes]:
        if self._virus_name is None:
            return []
        return [match[1] or b"" for match in self._virus_name.finditer(output)]


def arguments(words: tuple[str, ...], specimen: Specimen) -> Iterator[str]:
    """Yield the words with the places filled in."""
    for word in words:
        if FILES in word:
            yield from (word.replace(FILES, str(path)) for path in each_file(specimen))
        elif FOLDER in word:
            yield from (word.replace(FOLDER, path) for path in folder_and_message(specimen))
        else:
            yield word


def run(words: list[str], deadline: Deadline) -> tuple[int, bytes]:
    """Return exit code (negative: the signal) and all output.  Raises ScannerFailed."""
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_ENVIRONMENT,
            start_new_session=True,
        )
    except OSError as error:
        raise ScannerFailed(f"it cannot be started: {error.strerror}") from error
    try:
        output = _output(process, deadline)
        return _exit_code(process, deadline), output
    finally:
        _end(process)


def _output(process: "subprocess.Popen[bytes]", deadline: Deadline) -> bytes:
    """Return what it prints until it closes its output.  Raises ScannerFailed."""
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    output = bytearray()
    waiting = select.poll()
    waiting.register(process.stdout, select.POLLIN)
    while True:
        if not waiting.poll(deadline.remaining() * 1000):
            raise deadline.passed()
        piece = os.read(process.stdout.fileno(), 65536)
        if not piece:
            return bytes(output)
        output += piece
        if len(output) > LONGEST_OUTPUT:
            raise ScannerFailed(f"it printed more than {LONGEST_OUTPUT} octets")


def _exit_code(process: "subprocess.Popen[bytes]", deadline: Deadline) -> int:
    """Wait for its end; what is left of its group is killed while its number is still taken."""
    ended = os.pidfd_open(process.pid)
    try:
        waiting = select.poll()
        waiting.register(ended, select.POLLIN)
        if not waiting.poll(deadline.remaining() * 1000):
            raise deadline.passed()
    finally:
        os.close(ended)
        _end(process)
    return process.returncode


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill its process group, and reap it; once more does no harm."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout:
        process.stdout.close()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
