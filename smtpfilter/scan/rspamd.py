"""Rspamd as a spam scanner: HTTP to its scanning worker (S-10), one connection for each message.

It is told what Postfix knows of the message's way, as rspamd.com/doc/developers/protocol.html names
the fields, and answers in JSON, which symbols.py reads.  The connection is half-closed by nobody:
Rspamd drops a request whose sender hangs up that way.  Points are Rspamd's own; what they are worth
here is the board's business (spam.py).
"""

import io
import ipaddress
import re
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from typing import Any, cast

from smtpfilter.config import Endpoint
from smtpfilter.mail.findings import SpamReport
from smtpfilter.mail.octets import chunks
from smtpfilter.ports.engines import ConnectionBroke, Letter, ScannerFailed
from smtpfilter.scan.sample import mark_truncated, sample
from smtpfilter.scan.spamd import gtube
from smtpfilter.scan.symbols import parse_scan
from smtpfilter.scan.wire import Connection, Deadline

NAME = "rspamd"
LONGEST_ANSWER = 1024 * 1024  # octets; symbols quote addresses and links of the mail
LONGEST_FIELDS = 32 * 1024  # octets; Rspamd refuses a header section of 80 KiB
LONGEST_VALUE = 1000  # octets

_PLAIN = re.compile(rb"[^\x00-\x1f\x7f]*")

Fields = list[tuple[str, bytes]]


class Rspamd:
    """The scanning worker of an Rspamd at `endpoint`; `seconds` is the patience for everything but
    a scan.
    """

    name = NAME

    def __init__(self, endpoint: Endpoint, seconds: float = 10.0) -> None:
        self.endpoint = endpoint
        self._seconds = seconds

    def scan(self, letter: Letter, seconds: float) -> SpamReport:
        """Return Rspamd's score and symbols; of a large message, by its beginning.  Raises
        ScannerFailed.
        """
        shown = sample(letter.mail.octets, body_bytes=letter.body_bytes)
        report = parse_scan(self._check(_fields(letter), shown.octets, Deadline(seconds)))
        return mark_truncated(report, shown)

    def ping(self) -> None:
        """Raises ScannerFailed unless it answers."""
        if self._ask([b"GET /ping HTTP/1.0\r\n\r\n"], Deadline(self._seconds)).strip() != b"pong":
            raise ScannerFailed("Rspamd answered ping without pong")

    def self_test(self) -> None:
        """Raises ScannerFailed unless it knows GTUBE: it rejects such mail, whatever its rules."""
        if parse_scan(self._check([], gtube(), Deadline(self._seconds))).score < 1:
            raise ScannerFailed("it does not find the GTUBE test mail: are its rules there?")

    def _check(self, fields: Fields, octets: bytes, deadline: Deadline) -> bytes:
        return self._ask(_request(fields, octets), deadline)

    def _ask(self, request: Any, deadline: Deadline) -> bytes:
        with Connection(self.endpoint, deadline) as connection:
            connection.send(request)
            answer = connection.receive_all(LONGEST_ANSWER)
        if not answer:
            raise ConnectionBroke("Rspamd hung up without an answer")
        return parse_answer(answer)


def parse_answer(octets: bytes) -> bytes:
    """Return the body of an HTTP answer.  Raises ScannerFailed on anything but a whole, successful
    one.
    """
    # Only makefile() of the socket is ever used.
    response = HTTPResponse(cast(Any, _Received(octets)))
    try:
        response.begin()
        if response.status != 200:
            raise ScannerFailed(f"Rspamd answered with status {response.status}")
        if response.length is None and not response.chunked:
            raise ScannerFailed("Rspamd's answer does not say how long it is")
        return response.read()
    except (HTTPException, ValueError, OverflowError) as error:
        raise ScannerFailed("Rspamd's answer is not whole, or is no HTTP") from error
    finally:
        response.close()


class _Received:
    """What was received, as HTTPResponse wants it: a socket that is at its end."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._octets)


def _request(fields: Fields, octets: bytes) -> Iterator[bytes]:
    yield b"POST /checkv2 HTTP/1.0\r\n"
    yield b"".join(b"%b: %b\r\n" % (name.encode("ascii"), value) for name, value in fields)
    yield b"Content-Length: %d\r\n\r\n" % len(octets)
    yield from chunks(octets)


def _fields(letter: Letter) -> Fields:
    """Return what Rspamd is told about the message; nothing that could become a line of its own.

    Of very many recipients those who have room.  `Deliver-To` is whose settings count, where that
    is not the site's.
    """
    envelope, client = letter.envelope, letter.envelope.client
    told: list[tuple[str, bytes | str | None]] = [
        ("IP", _ip(client.address)),
        ("Hostname", client.name),
        ("Helo", client.helo),
        ("Queue-Id", client.ident or str(envelope.mail_id)),
        ("Deliver-To", letter.preferences),
        ("From", envelope.mail_from.octets or b"<>"),
        *(("Rcpt", recipient.address.octets) for recipient in envelope.recipients),
    ]
    fields: Fields = []
    room = LONGEST_FIELDS
    for name, value in told:
        octets = value.encode("utf-8", "replace") if isinstance(value, str) else value or b""
        room -= len(octets) + 16
        if room >= 0 and 0 < len(octets) <= LONGEST_VALUE and _PLAIN.fullmatch(octets):
            fields.append((name, octets))
    return fields


def _ip(text: str | None) -> str:
    try:
        return str(ipaddress.ip_address(text or ""))
    except ValueError:
        return ""
