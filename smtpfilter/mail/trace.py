"""The Received field of a delivered copy (T-9; RFC 5321 4.4, RFC 6531 3.7.3)."""

import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from smtpfilter.mail.address import canonical_domain
from smtpfilter.mail.envelope import Envelope, Recipient

LONGEST_NAME = 255  # octets of a domain, RFC 5321 4.5.3.1.2
LONGEST_MAILBOX = 254  # octets of a path without its brackets, RFC 5321 4.5.3.1.3
UNKNOWN = "unknown"

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LITERAL = re.compile(r"\[(IPv6:)?([0-9A-Fa-f:.]+)\]", re.I)
_MAILBOX = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*"
    r"@(?:[\w-]+(?:\.[\w-]+)*|\[[0-9A-Za-z:.]+\])"
)


def received(
    envelope: Envelope, recipients: Sequence[Recipient], hostname: str, now: datetime
) -> bytes:
    """Return the field for the copy that `recipients` get, folded; `hostname` is ours.

    It tells of the hop that was: from the host that connected, by the name that it gave itself.  A
    recipient is named only where he is the only one of this copy, so that none learns of another.
    """
    port = f", port {envelope.port}" if envelope.port else ""
    clauses = [
        f"Received: from {_source(envelope)}",
        f"by {_host(hostname)} (Postern{port})",
        f"with {_protocol(envelope)} id {envelope.mail_id}{_for(envelope, recipients)};",
        format_datetime(now),
    ]
    return "\r\n\t".join(clauses).encode() + b"\r\n"


def _source(envelope: Envelope) -> str:
    """Return HELO and address of the connecting host; a unix socket has no address."""
    address = _literal(envelope.peer)
    return _host(envelope.helo) + (f" ({address})" if address else "")


def _host(name: str) -> str:
    """Return a host's name if it is a domain or an address literal, else "unknown"."""
    literal = _LITERAL.fullmatch(name)
    if literal:
        return _literal(literal[2]) or UNKNOWN
    domain = canonical_domain(name) if len(name) <= LONGEST_NAME else ""
    return domain if len(domain) <= LONGEST_NAME and _DOMAIN.fullmatch(domain) else UNKNOWN


def _literal(address: str) -> str:
    """Return the address literal of an IP address, "" where it is none (RFC 5321 4.1.3)."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return f"[{ip}]" if ip.version == 4 else f"[IPv6:{ip}]"


def _protocol(envelope: Envelope) -> str:
    """Return the transmission type; mail with SMTPUTF8 has its own (RFC 6531 4.3)."""
    if not envelope.smtputf8:
        return envelope.protocol
    return "UTF8LMTP" if envelope.lmtp else "UTF8SMTP"


def _for(envelope: Envelope, recipients: Sequence[Recipient]) -> str:
    """Return the clause with the only recipient's address; one that needs quotes is left out."""
    address = recipients[0].address if len(recipients) == 1 else None
    if address is None or len(address.octets) > LONGEST_MAILBOX:
        return ""
    plain = _MAILBOX.fullmatch(address.text) and address.text.isprintable()
    allowed = envelope.smtputf8 or not address.needs_smtputf8
    return f"\r\n\tfor <{address.text}>" if plain and allowed else ""
