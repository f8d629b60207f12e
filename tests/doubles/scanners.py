"""Licensed virus scanners, played by their protocols to the byte: Sophie (V-9), Sophos' savdid
(V-10) and an ICAP server (RFC 3507).  Each finds the EICAR test file in what it is shown.

They are scripts for FakeEngine.  Whatever a client says that the protocol does not allow ends the
connection, and `complaints` tells why.
"""

import os
import socket
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from urllib.parse import unquote_to_bytes

from smtpfilter.scan.content import eicar

NAME = b"EICAR-AV-Test"
OPTIONS = (
    b"ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nService: Double/1.0 for tests\r\n"
    b'ISTag: "5BDE-2026"\r\nAllow: 204\r\nEncapsulated: null-body=0\r\n\r\n'
)


class Double:
    """What all have in common; `asked`: every request, as it came."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.complaints: list[str] = []

    def __call__(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            try:
                self.serve(connection, file)
            except AssertionError as error:
                self.complaints.append(str(error))

    def serve(self, connection: socket.socket, file: BufferedReader) -> None:
        raise NotImplementedError


class Sophie(Double):
    """Answers any number of requests on a connection; `end` follows each reply."""

    def __init__(self, end: bytes = b"\n") -> None:
        super().__init__()
        self.end = end

    def serve(self, connection: socket.socket, file: BufferedReader) -> None:
        while line := file.readline():
            self.asked.append(line)
            assert line.startswith(b"/"), f"no absolute path: {line!r}"
            assert line.endswith(b"\n"), f"no end of line: {line!r}"
            connection.sendall(self._reply(line[:-1]) + self.end)

    def _reply(self, path: bytes) -> bytes:
        try:
            return b"1:" + NAME if list(infected_files(path)) else b"0"
        except OSError as error:
            return b"-1:" + os.strerror(error.errno or 0).encode()


class Savdid(Double):
    """SSSP with one request per connection."""

    def serve(self, connection: socket.socket, file: BufferedReader) -> None:
        connection.sendall(b"OK SSSP/1.0\r\n")
        line = file.readline()
        self.asked.append(line)
        assert line.endswith(b"\r\n"), f"no CRLF: {line!r}"
        version, verb, path = line[:-2].split(b" ")
        assert (version, verb) == (b"SSSP/1.0", b"SCANDIRR"), f"no such request: {line!r}"
        connection.sendall(b"ACC 0001/1\r\n")
        try:
            found = list(infected_files(unquote_to_bytes(path)))
        except OSError:
            connection.sendall(b"DONE FAIL 0203 Could not open item\r\n\r\n")
        else:
            for name in found:
                connection.sendall(b"VIRUS " + NAME + b" " + name + b"\r\n")
            how = b"OK 0203 Virus found" if found else b"OK 0000 The function call succeeded"
            connection.sendall(b"DONE " + how + b"\r\n\r\n")
        assert file.readline() == b"BYE\r\n", "no BYE"
        connection.sendall(b"BYE\r\n")


class IcapServer(Double):
    """OPTIONS and RESPMOD; `hands_back`: it answers 200 with the same body where 204 would do."""

    def __init__(self, *, hands_back: bool = False, fields: bytes = b"") -> None:
        super().__init__()
        self.hands_back = hands_back
        self.fields = fields or b"X-Infection-Found: Type=0; Threat=" + NAME + b";\r\n"
        self.bodies: list[bytes] = []

    def serve(self, connection: socket.socket, file: BufferedReader) -> None:
        verb, url, version = file.readline().removesuffix(b"\r\n").split(b" ")
        assert version == b"ICAP/1.0", f"no ICAP: {version!r}"
        assert url.startswith(b"icap://"), f"no absolute URI: {url!r}"
        self.asked.append(url)
        fields = dict(line.split(b": ", 1) for line in _header(file))
        if verb == b"OPTIONS":
            assert fields[b"Encapsulated"] == b"null-body=0", "a body"
            connection.sendall(OPTIONS)
            return
        assert verb == b"RESPMOD", f"no such method: {verb!r}"
        assert fields.keys() >= {b"Host", b"Encapsulated"}, f"fields are missing: {fields}"
        self._encapsulated_header(file, fields[b"Encapsulated"])
        body = _dechunked(file)
        self.bodies.append(body)
        connection.sendall(self._answer(body, allows_204=fields.get(b"Allow") == b"204"))

    def _encapsulated_header(self, file: BufferedReader, value: bytes) -> None:
        """Read the two HTTP headers; their places have to be as the field says."""
        names, places = zip(*(word.split(b"=") for word in value.split(b", ")), strict=True)
        assert names == (b"req-hdr", b"res-hdr", b"res-body"), f"other parts: {names}"
        start, second, body = map(int, places)
        octets = file.read(body)
        assert start == 0, "the first part does not begin at 0"
        for header in (octets[:second], octets[second:]):
            assert header.endswith(b"\r\n\r\n"), f"a wrong place: {value!r}"
        assert octets.startswith(b"GET http://"), "no request"
        assert octets[second:].startswith(b"HTTP/1.1 200 OK\r\n"), "no response"

    def _answer(self, body: bytes, *, allows_204: bool) -> bytes:
        tag = b'ISTag: "double-1"\r\n'
        if eicar() in body:
            return _with_body(tag + self.fields, b"HTTP/1.1 403 Forbidden\r\n\r\n", b"blocked")
        if allows_204 and not self.hands_back:
            return b"ICAP/1.0 204 No Content\r\n" + tag + b"\r\n"
        return _with_body(tag, b"HTTP/1.1 200 OK\r\n\r\n", body)


def infected_files(path: bytes) -> Iterator[bytes]:
    """Yield the files with EICAR at or below `path`.  Raises OSError."""
    place = Path(os.fsdecode(path))
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    for file in files:
        if not file.is_dir() and eicar() in file.read_bytes():
            yield os.fsencode(file)


def _header(file: BufferedReader) -> Iterator[bytes]:
    while (line := file.readline()) != b"\r\n":
        assert line.endswith(b"\r\n"), f"no CRLF: {line!r}"
        yield line[:-2]


def _dechunked(file: BufferedReader) -> bytes:
    body = b""
    while size := int(file.readline(), 16):
        body += file.read(size)
        assert file.read(2) == b"\r\n", "a chunk is longer than it says"
    assert file.readline() == b"\r\n", "no end of the body"
    return body


def _with_body(fields: bytes, header: bytes, body: bytes) -> bytes:
    places = b"Encapsulated: res-hdr=0, res-body=%d\r\n\r\n" % len(header)
    chunks = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
    return b"ICAP/1.0 200 OK\r\n" + fields + places + header + chunks + b"0\r\n\r\n"
