"""Reading an ICAP server's answer: strictly, within limits, and comparing what it hands back."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from smtpfilter.mail.octets import Octets
from smtpfilter.ports.engines import ConnectionBroke, ScannerFailed
from smtpfilter.scan.wire import Connection

LONGEST_HEADER = 65536  # octets
LONGEST_CHUNK_LINE = 256

_STATUS = re.compile(rb"ICAP/1\.[01] ([1-5][0-9]{2})(?: ([^\r\n]*))?")
_FIELD = re.compile(rb"([!#-'*+\-.0-9A-Z^-z|~]+)[ \t]*:[ \t]*(.*)", re.DOTALL)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?")
_ENCAPSULATED = re.compile(rb"([a-z]+-(?:hdr|body))=([0-9]{1,9})")
_HTTP_OK = re.compile(rb"HTTP/1\.[01] 200(?: .*)?")


@dataclass(frozen=True, slots=True)
class Answer:
    """`fields` by lower-case name; folded lines and repeated fields are joined by LF.  `unchanged`:
    an HTTP 200 came back with the body that was sent.
    """

    status: int
    reason: bytes = b""
    fields: Mapping[bytes, bytes] = field(default_factory=dict)
    unchanged: bool = False


def receive_answer(connection: Connection, sent: Octets) -> Answer:
    """Return the answer to a request that showed `sent`.  Raises ScannerFailed."""
    stream = _Stream(connection)
    status, reason, fields = _head(stream)
    unchanged = status == 200 and _hands_back(stream, fields, sent)
    return Answer(status, reason, fields, unchanged)


class _Stream:
    """What the server says, by lines and octets; every method raises ScannerFailed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._buffer = b""

    def line(self, longest: int) -> bytes:
        """Return the next line without its CRLF or LF."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > longest:
                raise ScannerFailed(f"it answers with a line of more than {longest} octets")
            self._more()
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        if len(line) > longest:
            raise ScannerFailed(f"it answers with a line of more than {longest} octets")
        return line.removesuffix(b"\r")

    def octets(self, count: int) -> Iterator[bytes]:
        """Yield the next `count` octets as they come."""
        while count:
            if not self._buffer:
                self._more()
            piece, self._buffer = self._buffer[:count], self._buffer[count:]
            count -= len(piece)
            yield piece

    def _more(self) -> None:
        piece = self._connection.receive(65536)
        if not piece:
            raise ConnectionBroke("it hung up before its answer was complete")
        self._buffer += piece


def _head(stream: _Stream) -> tuple[int, bytes, dict[bytes, bytes]]:
    """Return status, reason and fields.  Raises ScannerFailed."""
    first = _STATUS.fullmatch(stream.line(LONGEST_HEADER))
    if not first:
        raise ScannerFailed("it does not answer in ICAP")
    fields: dict[bytes, bytes] = {}
    name, room = b"", LONGEST_HEADER
    while line := stream.line(LONGEST_HEADER):
        room -= len(line)
        if room < 0:
            raise ScannerFailed(f"it answers with more than {LONGEST_HEADER} octets of fields")
        if line[:1] in (b" ", b"\t") and name:
            fields[name] += b"\n" + line.strip()
            continue
        found = _FIELD.fullmatch(line)
        if not found:
            raise ScannerFailed("it answers with a line that is no field")
        name, value = found[1].lower(), found[2].strip()
        fields[name] = fields[name] + b"\n" + value if name in fields else value
    return int(first[1]), first[2] or b"", fields


def _hands_back(stream: _Stream, fields: Mapping[bytes, bytes], sent: Octets) -> bool:
    """Tell whether the encapsulated answer is a 200 with the octets that were sent."""
    places = _ENCAPSULATED.findall(fields.get(b"encapsulated", b""))
    names = [name for name, _ in places]
    if names != [b"res-hdr", b"res-body"] or int(places[0][1]) != 0:
        return False
    header = b"".join(_limited(stream, int(places[1][1])))
    if not _HTTP_OK.fullmatch(header.split(b"\n", 1)[0].removesuffix(b"\r")):
        return False
    return _same_body(stream, sent)


def _limited(stream: _Stream, count: int) -> Iterator[bytes]:
    if count > LONGEST_HEADER:
        raise ScannerFailed(f"it answers with more than {LONGEST_HEADER} octets of fields")
    return stream.octets(count)


def _same_body(stream: _Stream, sent: Octets) -> bool:
    """Compare a chunked body with `sent`; at the first difference the rest is of no interest."""
    place = 0
    while size := _chunk_size(stream):
        for piece in stream.octets(size):
            if piece != sent[place : place + len(piece)]:
                return False
            place += len(piece)
        if stream.line(LONGEST_CHUNK_LINE):
            raise ScannerFailed("a chunk of its answer is longer than it says")
    return place == len(sent)


def _chunk_size(stream: _Stream) -> int:
    found = _CHUNK.fullmatch(stream.line(LONGEST_CHUNK_LINE))
    if not found:
        raise ScannerFailed("a chunk of its answer has no size")
    return int(found[1], 16)
