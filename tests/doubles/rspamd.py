"""Rspamd, played as version 3.4 of Debian 12 answers: HTTP and JSON to the byte.

    FakeEngine(path, Rspamd(R_TEST=4.5))

It is a script for FakeEngine.  A request that Rspamd would drop is dropped, and `complaints` tells
why.  `asked`: the fields of each request, by lower-case names; `shown`: the messages.
"""

import json
import socket
from io import BufferedReader

GTUBE = b"GTUBE-STANDARD-ANTI-UBE-" + b"TEST-EMAIL"


class Rspamd:
    """Finds the symbols that it is made with, of every mail; `action`, `required`: what it says
    beside them.
    """

    def __init__(self, action: str = "no action", required: float = 15.0, **points: float) -> None:
        self.action = action
        self.required = required
        self.points = points
        self.asked: list[dict[str, list[str]]] = []
        self.shown: list[bytes] = []
        self.complaints: list[str] = []

    def __call__(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            try:
                connection.sendall(self._answer(connection, file))
            except AssertionError as error:
                self.complaints.append(str(error))

    def _answer(self, connection: socket.socket, file: BufferedReader) -> bytes:
        line = file.readline()
        fields = _fields(file)
        if line == b"GET /ping HTTP/1.0\r\n":
            return http(b"pong\r\n", kind="text/plain")
        if line != b"POST /checkv2 HTTP/1.0\r\n":
            return http(
                b'{"error":"invalid command","error_domain":"protocol-error"}',
                status="500 invalid command",
            )
        (length,) = fields["content-length"]
        content = file.read(int(length))
        assert len(content) == int(length), "the message is shorter than it says"
        assert not _hung_up(connection), "half-closed: Rspamd says nothing then"
        self.asked.append(fields)
        self.shown.append(content)
        return http(gtube() if GTUBE in content else self.scanned())

    def scanned(self) -> bytes:
        """Return what it says about a mail."""
        return scan(self.points, action=self.action, required=self.required)


def read_request(connection: socket.socket) -> None:
    """Read a request to its end: what is closed before that is reset."""
    with connection.makefile("rb") as file:
        file.readline()
        file.read(int(_fields(file).get("content-length", ["0"])[0]))


def http(body: bytes, *, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """Return an answer of Rspamd's HTTP server."""
    head = (
        f"HTTP/1.1 {status}\r\nConnection: close\r\nServer: rspamd/3.4\r\n"
        "Date: Tue, 24 Nov 2026 11:51:43 GMT\r\n"
        f"Content-Length: {len(body)}\r\nContent-Type: {kind}\r\n\r\n"
    )
    return head.encode() + body


def scan(
    points: dict[str, float],
    *,
    score: float | None = None,
    action: str = "no action",
    required: float = 15.0,
) -> bytes:
    """Return the JSON about a mail with these symbols; `score`: where it is not their sum."""
    symbols = ",".join(
        f'"{name}":{{"name":"{name}","score":{_number(worth)},"metric_score":{_number(worth)},'
        f'"description":"What {name} says","options":["an option"]}}'
        for name, worth in points.items()
    )
    total = sum(points.values()) if score is None else score
    return (
        f'{{"is_skipped":false,"score":{_number(total)},"required_score":{_number(required)},'
        f'"action":{json.dumps(action)},"symbols":{{{symbols}}},"messages":{{}},'
        '"message-id":"letter@example.org","time_real":0.001295,'
        '"milter":{"remove_headers":{"X-Spam":0}}}'
    ).encode()


def gtube() -> bytes:
    """Return what it says about GTUBE: the score stands beside the symbols, not in them."""
    return (
        b'{"is_skipped":true,"score":15.0,"required_score":15.0,"action":"reject","symbols":'
        b'{"GTUBE":{"name":"GTUBE","score":0.0,"metric_score":0.0}},"messages":{"smtp_message":'
        b'"Gtube pattern"},"message-id":"undef","time_real":0.000187}'
    )


def _number(value: float) -> str:
    """Return a number as libucl writes it."""
    return f"{value:.1f}" if value == int(value) else f"{value:.6f}"


def _fields(file: BufferedReader) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    while (line := file.readline()) != b"\r\n":
        assert line.endswith(b"\r\n"), f"no end of line: {line!r}"
        name, colon, value = line[:-2].decode().partition(": ")
        assert colon, f"no field: {line!r}"
        fields.setdefault(name.lower(), []).append(value)
    return fields


def _hung_up(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    finally:
        connection.setblocking(True)
