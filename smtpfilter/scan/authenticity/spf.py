"""May this client send for the domain of the envelope sender?  (RFC 7208, evaluated by pyspf)"""

from typing import Any

import spf

from smtpfilter.mail.address import canonical_domain
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.findings import visible
from smtpfilter.scan.authenticity.lookups import DnsFailed, Lookups

LONGEST_RECORD_BYTES = 4096  # pyspf's patterns take their time with what is longer
LONGEST_TERM_BYTES = 512

_RESULTS = frozenset({"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"})


def check_spf(envelope: Envelope, lookups: Lookups) -> tuple[str, str]:
    """Return (result, domain asked about): the envelope sender's, HELO's for the null sender (RFC
    7208 2.4).

    Without the client's address, or without a domain, the result is "none".
    """
    sender, client = envelope.mail_from, envelope.client
    domain = sender.domain if sender.octets else canonical_domain(client.helo or "")
    if domain.startswith("[") or "." not in domain:
        domain = ""
    if not client.address or not domain:
        return "none", visible(domain, 255)
    local = sender.local or "postmaster"
    address = client.address.removeprefix("IPv6:").removeprefix("IPV6:")
    try:
        query = _Query(lookups, address, local, domain, client.helo or domain)
        result = query.check()[0]
    except Exception:  # noqa: BLE001 - whatever a hostile record does to pyspf is the record's fault
        result = "permerror"
    return result if result in _RESULTS else "permerror", visible(domain, 255)


class _Query(spf.query):  # type: ignore[misc]  # pyspf publishes no types
    """pyspf's evaluation with its limits, on our lookups."""

    def __init__(self, lookups: Lookups, address: str, local: str, domain: str, helo: str) -> None:
        super().__init__(i=address, s=f"{local}@{domain}", h=helo)
        self.l, self.o, self.d = local, domain, domain  # an @ in the local part splits nothing
        self._lookups = lookups

    def dns(
        self, name: Any, qtype: Any, cnames: object = None, ignore_void: bool = False
    ) -> list[Any]:
        """Return what pyspf expects: addresses, names, (preference, name), tuples of strings."""
        try:
            records = self._lookups.ask(str(name), qtype)
        except DnsFailed as failure:
            raise spf.TempError(str(failure)) from failure
        if not records and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError("too many lookups without an answer")
        return [_plain(record) for record in records]


def _plain(record: Any) -> Any:
    match record.rdtype.name:
        case "TXT":
            return _bounded(record.strings)
        case "MX":
            return record.preference, record.exchange.to_text(omit_final_dot=True)
        case "PTR":
            return record.target.to_text(omit_final_dot=True)
    return record.address


def _bounded(strings: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return the strings of a TXT record.  Raises spf.PermError where it is an SPF record that is
    too long.
    """
    text = b"".join(strings)
    too_long = len(text) > LONGEST_RECORD_BYTES or any(
        len(term) > LONGEST_TERM_BYTES for term in text.split()
    )
    if too_long and spf.RE_SPF.match(text):
        raise spf.PermError("SPF record too long")
    return strings
