"""A DNS server on UDP that answers from a table, and can misbehave.

with DnsServer() as dns:
    dns.texts("_dmarc.example.org", "v=DMARC1; p=reject")
    dns.servfail.add("broken.example.org")
    ... dns.endpoint ...
"""

import socket
import threading
from typing import Self

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from smtpfilter.config import Endpoint

_LONGEST_STRING = 255  # of a TXT record, RFC 1035 3.3


class DnsServer:
    """`asked`: every question, as "NAME TYPE".  `silent`, `servfail`, `garbage`: names without a
    trailing dot that get no answer, SERVFAIL, or octets that are no message.
    """

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], list[str]] = {}
        self.asked: list[str] = []
        self.silent: set[str] = set()
        self.servfail: set[str] = set()
        self.garbage: set[str] = set()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.endpoint = Endpoint(host="127.0.0.1", port=self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"", ("127.0.0.1", self.endpoint.port))
        self._thread.join()
        self._socket.close()

    def clear(self) -> None:
        """Know nothing, and misbehave no more."""
        for known in (self._records, self.asked, self.silent, self.servfail, self.garbage):
            known.clear()

    def add(self, name: str, kind: str, *values: str) -> None:
        """Let `name` have records of `kind`, in the notation of a zone file."""
        self._records.setdefault((name.lower(), kind), []).extend(values)

    def texts(self, name: str, *texts: str) -> None:
        """Let `name` have TXT records, however long."""
        for text in texts:
            parts = [
                text[start : start + _LONGEST_STRING]
                for start in range(0, len(text) or 1, _LONGEST_STRING)
            ]
            self.add(name, "TXT", " ".join(f'"{part}"' for part in parts))

    def _serve(self) -> None:
        while True:
            octets, client = self._socket.recvfrom(65535)
            if not octets:
                return
            try:
                answer = self._answer(dns.message.from_wire(octets))
            except dns.exception.DNSException:
                continue
            if answer is not None:
                self._socket.sendto(answer, client)

    def _answer(self, question: dns.message.Message) -> bytes | None:
        wanted = question.question[0]
        name = wanted.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(wanted.rdtype)
        self.asked.append(f"{name} {kind}")
        if name in self.silent:
            return None
        if name in self.garbage:
            return question.to_wire()[:2] + b"\xff" * 40
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        if name in self.servfail:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif not any(known == name for known, _ in self._records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            for alias in self._records.get((name, "CNAME"), ()):
                answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", alias))
                name = alias.rstrip(".").lower()
            records = self._records.get((name, kind))
            if records:
                answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *records))
        return answer.to_wire()
