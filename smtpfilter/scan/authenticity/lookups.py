"""DNS for one check of one message: every question once, all of them within one deadline.

What DNS answers is hostile: names that are none do not exist, what is broken or late is a
DnsFailed, nothing else comes out.
"""

import time
from typing import Any, Literal

import dns.exception
import dns.name
import dns.resolver
from dns.rdata import Rdata

from smtpfilter.config import Endpoint

Kind = Literal["TXT", "A", "AAAA", "MX", "PTR", "NS"]

SLOWEST_ANSWER_SECONDS = 3.0  # so that one dead server does not use up all the time


class DnsFailed(Exception):
    """No usable answer in time; the text says what happened."""


class Lookups:
    """`server`: the resolver that is asked, None for the system's.  Not for several threads."""

    def __init__(self, server: Endpoint | None, seconds: float) -> None:
        self._server = server
        self._deadline = time.monotonic() + seconds
        self._known: dict[tuple[str, Kind], tuple[Rdata, ...] | DnsFailed] = {}

    @property
    def seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    def ask(self, name: str, kind: Kind) -> tuple[Rdata, ...]:
        """Return the records, () where there are none.  Raises DnsFailed."""
        question = (name.lower().rstrip("."), kind)
        if question not in self._known:
            try:
                self._known[question] = self._ask(name, kind)
            except DnsFailed as failure:
                self._known[question] = failure
        known = self._known[question]
        if isinstance(known, DnsFailed):
            raise known
        return known

    def texts(self, name: str) -> tuple[bytes, ...]:
        """Return the TXT records, each with its strings joined.  Raises DnsFailed."""
        records: tuple[Any, ...] = self.ask(name, "TXT")
        return tuple(b"".join(record.strings) for record in records)

    def _ask(self, name: str, kind: Kind) -> tuple[Rdata, ...]:
        seconds = min(self.seconds_left, SLOWEST_ANSWER_SECONDS)
        if seconds <= 0:
            raise DnsFailed("no time left for DNS")
        try:
            answer = self._resolver().resolve(
                name, kind, lifetime=seconds, raise_on_no_answer=False, search=False
            )
        except (dns.resolver.NXDOMAIN, dns.name.EmptyLabel, dns.name.LabelTooLong):
            return ()
        except (dns.name.NameTooLong, UnicodeError):
            return ()
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise DnsFailed(f"DNS: {type(error).__name__} for {kind}") from error
        return tuple(answer.rrset or ())

    def _resolver(self) -> dns.resolver.Resolver:
        """Return a resolver as /etc/resolv.conf is now."""
        resolver = dns.resolver.Resolver(configure=self._server is None)
        if self._server:
            resolver.nameservers = [self._server.host]
            resolver.port = self._server.port
        resolver.timeout = SLOWEST_ANSWER_SECONDS / 2
        return resolver
