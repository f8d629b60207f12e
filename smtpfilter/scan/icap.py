"""Virus scanners that speak ICAP (RFC 3507): each content is shown as the answer to a web request.

    > RESPMOD icap://host:1344/avscan ICAP/1.0          Allow: 204, the body chunked
    < ICAP/1.0 204 No Content                           clean
    < ICAP/1.0 200 OK, X-Infection-Found, X-Virus-ID    infected

A server may hand back a 200 without having changed anything (RFC 3507 4.6): that is clean only if
what comes back is what was sent, octet for octet.  No preview is offered: a scanner wants all of
it.  One request per connection.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from smtpfilter.config import ConfigError, Endpoint
from smtpfilter.mail.octets import Octets, chunks
from smtpfilter.ports.engines import (
    BrokeInScan,
    ConnectionBroke,
    ScannerFailed,
    Specimen,
    VirusScan,
)
from smtpfilter.scan.content import opened
from smtpfilter.scan.found import infected, joined, shown
from smtpfilter.scan.icap_answer import Answer, receive_answer
from smtpfilter.scan.wire import Connection, Deadline

NAME = "icap"
PORT = 1344

_URL = re.compile(r"icap://[!-~]+")
_THREAT = re.compile(rb"(?:^|;)\s*Threat\s*=\s*([^;]*)", re.I)


@dataclass(frozen=True, slots=True)
class Service:
    """One service of an ICAP server; `url` is what the request line says."""

    endpoint: Endpoint
    url: str

    @classmethod
    def parse(cls, url: str) -> "Service":
        """Return the service at icap://host[:port]/service.  Raises ConfigError."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or PORT
        except ValueError:
            host, port = None, 0
        if not _URL.fullmatch(url) or not host or parts.username or parts.fragment:
            raise ConfigError(f"{url!r} is no address: write icap://host:1344/service")
        return cls(Endpoint(host=host, port=port), url)


class Icap:
    """A service that is asked about the message and each file hidden in it."""

    needs_files = False

    def __init__(self, service: Service, *, name: str = NAME) -> None:
        self.name = name
        self._service = service

    def scan(self, specimen: Specimen, seconds: float) -> VirusScan:
        """Return the joined verdicts.  Raises ScannerFailed."""
        deadline = Deadline(seconds)
        answers = [self._ask(specimen.mail.octets, "message/rfc822", deadline)]
        for file in specimen.files:
            if file.hidden:
                with opened(file.path) as octets:
                    answers.append(self._ask(octets, "application/octet-stream", deadline))
        return joined(answers)

    def version(self, seconds: float) -> str:
        """Return "service/signatures" as OPTIONS tells it: ISTag changes with what it can find (RFC
        3507 4.7), "" where it tells nothing.  Raises ScannerFailed.
        """
        with Connection(self._service.endpoint, Deadline(seconds)) as connection:
            connection.send([_head(self._service, "OPTIONS", "null-body=0")])
            answer = receive_answer(connection, b"")
        tag = answer.fields.get(b"istag", b"").strip(b'"')
        if answer.status != 200 or not tag:
            return ""
        return f"{shown(answer.fields.get(b'service', b'ICAP')).replace('/', ' ')}/{shown(tag)}"

    def _ask(self, octets: Octets, media_type: str, deadline: Deadline) -> VirusScan:
        broke = None
        with Connection(self._service.endpoint, deadline) as connection:
            try:
                connection.send(request(self._service, octets, media_type))
            except ConnectionBroke as error:
                broke = error  # it may have seen enough already
            try:
                scan = judge(receive_answer(connection, octets), self.name)
            except ConnectionBroke as error:
                raise broke or BrokeInScan(str(error)) from error
        if broke and not scan.viruses:
            raise broke  # nothing is clean of which it did not take all
        return scan


def judge(answer: Answer, scanner: str = NAME) -> VirusScan:
    """Return what an answer means, an infection first.  Raises ScannerFailed."""
    names = virus_names(answer.fields)
    if names is not None:
        return infected(names, scanner)
    if answer.status == 204 or (answer.status == 200 and answer.unchanged):
        return VirusScan()
    if answer.status == 200:
        raise ScannerFailed("it changed the content and does not say that it found a virus")
    raise ScannerFailed(f"it answered {answer.status} {shown(answer.reason, 100)}".rstrip())


def virus_names(fields: Mapping[bytes, bytes]) -> list[bytes] | None:
    """Return the names in the fields that ICAP servers use, None where nothing was found."""
    if b"x-virus-id" in fields:
        return [fields[b"x-virus-id"]]
    if b"x-infection-found" in fields:
        return [name.strip() for name in _THREAT.findall(fields[b"x-infection-found"])]
    if b"x-violations-found" in fields:  # a count, then for each: file, name, id, what was done
        lines = fields[b"x-violations-found"].split(b"\n")
        return [line.strip() for line in lines[2::4]]
    return [b""] if b"x-blocked" in fields else None


def request(service: Service, octets: Octets, media_type: str) -> Iterator[bytes]:
    """Yield a RESPMOD request with `octets` as the body that a web server would have answered."""
    asked = b"GET http://postern.invalid/content HTTP/1.1\r\nHost: postern.invalid\r\n\r\n"
    answered = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {len(octets)}\r\n\r\n"
    ).encode("ascii")
    parts = f"req-hdr=0, res-hdr={len(asked)}, res-body={len(asked) + len(answered)}"
    yield _head(service, "RESPMOD", parts) + asked + answered
    for chunk in chunks(octets):
        yield b"%x\r\n" % len(chunk) + chunk + b"\r\n"
    yield b"0\r\n\r\n"


def _head(service: Service, method: str, encapsulated: str) -> bytes:
    """Return a request's head; `encapsulated` says which parts follow it, and where they begin."""
    lines = (
        f"{method} {service.url} ICAP/1.0",
        f"Host: {service.endpoint}",
        "User-Agent: Postern",
        "Allow: 204",
        "Connection: close",
        f"Encapsulated: {encapsulated}",
        "\r\n",
    )
    return "\r\n".join(lines).encode("ascii")
