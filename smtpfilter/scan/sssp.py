"""Sophos' savdid as a virus scanner, by its line protocol SSSP (V-10).

    < OK SSSP/1.0
    > SSSP/1.0 SCANDIRR /spool/postern-x/y      the message's folder: the message and its parts
    < ACC 4D2C0001/1
    < VIRUS EICAR-AV-Test /spool/postern-x/y/message
    < DONE OK 0203 Virus found during virus scan
    <                                           an empty line ends the answer
    > BYE

The daemon reads the files itself, so that its user has to be in FILTER_SCAN_GROUP.
"""

import os
import re
from collections.abc import Iterator
from urllib.parse import quote

from smtpfilter.config import Endpoint
from smtpfilter.ports.engines import (
    BrokeInScan,
    ConnectionBroke,
    ScannerFailed,
    Specimen,
    VirusScan,
)
from smtpfilter.scan.found import infected, shown
from smtpfilter.scan.wire import Connection, Deadline

NAME = "sssp"
GREETING = b"OK SSSP/1.0"
LONGEST_LINE = 8192  # octets
MOST_LINES = 20000  # several for each of 2,000 parts

_FOUND = re.compile(rb"VIRUS(?:[ \t]+(?P<name>\S+).*)?")
_DONE = re.compile(rb"DONE[ \t]+(?P<how>OK|FAIL)\b(?:[ \t]+(?P<code>\S+))?.*")
_A_VIRUS = b"0203"  # the code of a scan that found one


class Sssp:
    """A savdid at `endpoint`."""

    needs_files = True

    def __init__(self, endpoint: Endpoint, *, name: str = NAME) -> None:
        self.name = name
        self._endpoint = endpoint

    def scan(self, specimen: Specimen, seconds: float) -> VirusScan:
        """Return the verdict on the message's folder.  Raises ScannerFailed."""
        folder = quote(os.fsencode(specimen.mail.folder))
        with Connection(self._endpoint, Deadline(seconds)) as connection:
            lines = _lines(connection)
            greeting = next(lines, None)
            if greeting is None:
                raise ConnectionBroke("it hung up without a greeting")
            if greeting != GREETING:
                raise ScannerFailed(f"it greets with {shown(greeting)!r}, not with OK SSSP/1.0")
            connection.send([f"SSSP/1.0 SCANDIRR {folder}\r\n".encode("ascii")])
            try:
                answer = _answer(lines)
            except ConnectionBroke as error:
                raise BrokeInScan(str(error)) from error
            _say_bye(connection)
        return judge(answer, self.name)


def judge(lines: list[bytes], scanner: str = NAME) -> VirusScan:
    """Return what the lines of an answer mean, an infection first.  Raises ScannerFailed."""
    found = [match["name"] or b"" for line in lines if (match := _FOUND.fullmatch(line))]
    if found:
        return infected(found, scanner)
    first, last = (lines[0], lines[-1]) if lines else (b"", b"")
    done = _DONE.fullmatch(last)
    if not first.startswith(b"ACC ") or not done or sum(map(_is_end, lines)) != 1:
        raise ScannerFailed(f"it answered no scan: {shown(last) or 'an empty line'}")
    failed = next((line for line in lines if line.split(b" ", 1)[0] == b"FAIL"), None)
    if done["how"] != b"OK" or done["code"] == _A_VIRUS or failed:
        raise ScannerFailed(f"its scan failed: {shown(failed or last)}")
    return VirusScan()


def _is_end(line: bytes) -> bool:
    return line.startswith(b"DONE")


def _answer(lines: Iterator[bytes]) -> list[bytes]:
    """Return the lines up to the empty one; a refusal is followed by none."""
    answer: list[bytes] = []
    for line in lines:
        if not line:
            return answer
        answer.append(line)
        if line.startswith(b"REJ"):
            return answer
        if len(answer) > MOST_LINES:
            raise ScannerFailed(f"its answer has more than {MOST_LINES} lines")
    raise BrokeInScan("it hung up in the middle of its answer")


def _lines(connection: Connection) -> Iterator[bytes]:
    """Yield its lines without their ends (LF or CRLF), until it hangs up."""
    rest = b""
    while piece := connection.receive(65536):
        *lines, rest = (rest + piece).split(b"\n")
        if max(map(len, (*lines, rest))) > LONGEST_LINE:
            raise ScannerFailed(f"it answers with a line of more than {LONGEST_LINE} octets")
        yield from (line.removesuffix(b"\r") for line in lines)


def _say_bye(connection: Connection) -> None:
    try:
        connection.send([b"BYE\r\n"])
    except ConnectionBroke:
        return  # the answer is complete, however it parts
