"""Sophie as a virus scanner, and Trophie, which speaks alike: paths in, numbers out (V-9).

    > /spool/postern-x/y/parts/ LF          < 0 | 1:NAME | -1:why, with LF, CRLF, NUL or nothing

The daemon reads the files itself, so that its user has to be in FILTER_SCAN_GROUP.  Each path is
asked over a connection of its own: a reply need not end in anything, and a late one must not be
taken for the answer to the next question (A4).
"""

import os
import re

from smtpfilter.config import Endpoint
from smtpfilter.ports.engines import (
    BrokeInScan,
    ConnectionBroke,
    ScannerFailed,
    Specimen,
    VirusScan,
)
from smtpfilter.scan.found import infected, joined, shown
from smtpfilter.scan.targets import folder_and_message
from smtpfilter.scan.wire import Connection, Deadline

NAME = "sophie"
LONGEST_ANSWER = 16384  # octets, V-9

# A reply without an end of line has ended when nothing follows for so long.
_SILENCE_SECONDS = 0.1

_ENDS = re.compile(rb"[\r\n\0]+")
_CLEAN = re.compile(rb"0+(?::.*)?")
_INFECTED = re.compile(rb"1(?::(?P<name>.*))?")


class Sophie:
    """A daemon at `endpoint` that answers as Sophie does."""

    needs_files = True

    def __init__(self, endpoint: Endpoint, *, name: str = NAME) -> None:
        self.name = name
        self._endpoint = endpoint

    def scan(self, specimen: Specimen, seconds: float) -> VirusScan:
        """Return the verdict on the parts and the message.  Raises ScannerFailed."""
        deadline = Deadline(seconds)
        answers = [self._ask(path, deadline) for path in folder_and_message(specimen)]
        return joined(judge(answer, self.name) for answer in answers)

    def _ask(self, path: str, deadline: Deadline) -> bytes:
        with Connection(self._endpoint, deadline) as connection:
            connection.send([os.fsencode(path) + b"\n"])
            try:
                answer = _receive_answer(connection)
            except ConnectionBroke as error:
                raise BrokeInScan(str(error)) from error
        if not answer:
            raise BrokeInScan("it hung up without an answer")
        return answer


def judge(answer: bytes, scanner: str = NAME) -> VirusScan:
    """Return what a reply means; all its lines count, an infection first.  Raises ScannerFailed."""
    lines = [line for line in _ENDS.split(answer) if line]
    found = [match["name"] or b"" for line in lines if (match := _INFECTED.fullmatch(line))]
    if found:
        return infected(found, scanner)
    if lines and all(_CLEAN.fullmatch(line) for line in lines):
        return VirusScan()
    raise ScannerFailed(f"it answered neither 0 nor 1: {shown(answer) or 'an empty line'}")


def _receive_answer(connection: Connection) -> bytes:
    """Return one reply, and what has come along behind it."""
    answer = connection.receive(LONGEST_ANSWER)
    while answer and len(answer) <= LONGEST_ANSWER:
        patience = 0.0 if _ENDS.search(answer) else _SILENCE_SECONDS
        piece = connection.receive(LONGEST_ANSWER, patience=patience)
        answer += piece
        if not piece:
            return answer
    if answer:
        raise ScannerFailed(f"its answer is longer than {LONGEST_ANSWER} octets")
    return answer
