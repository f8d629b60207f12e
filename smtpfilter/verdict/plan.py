"""From verdicts to work: deliveries, held copies and refusals.

Recipients whose edits and next hops are equal share one delivery (O-3); an address extension does
not split it, it changes only what RCPT TO says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from smtpfilter.mail.address import Address
from smtpfilter.mail.edits import Edits
from smtpfilter.mail.envelope import Recipient
from smtpfilter.policy.destiny import Destiny
from smtpfilter.verdict.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Delivery:
    """One transaction with the next hop: the same copy for all its recipients.

    `forward_method`: the next hops, "" for the site's.  `forward_as`: forward-path octets -> the
    address that the next hop is asked with, where it is another.
    """

    recipients: tuple[Recipient, ...]
    edits: Edits
    forward_method: str = ""
    forward_as: Mapping[bytes, Address] = field(default_factory=dict)

    def forwarded(self, recipient: Recipient) -> Recipient:
        """Return the recipient as the next hop hears of him; ORCPT names the address that was first
        (RFC 3461 5.2.1).
        """
        address = self.forward_as.get(recipient.address.octets)
        if address is None:
            return recipient
        orcpt = recipient.orcpt or original_recipient(recipient.address)
        return replace(recipient, address=address, orcpt=orcpt)


@dataclass(frozen=True, slots=True)
class Plan:
    """`verdicts`: one per recipient, in the order of the envelope.  `keep`: the octets are to be
    stored, once.
    """

    verdicts: tuple[Verdict, ...]
    deliveries: tuple[Delivery, ...]
    keep: bool

    @property
    def by_path(self) -> dict[bytes, Verdict]:
        """The verdicts by the octets of their forward-paths."""
        return {verdict.recipient.address.octets: verdict for verdict in self.verdicts}


def make_plan(verdicts: tuple[Verdict, ...]) -> Plan:
    """Return what is to be done: one delivery per distinct copy, in the order of their first
    recipients (O-3, O-4).
    """
    groups: dict[tuple[Edits, str], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.destiny is Destiny.PASS:
            groups.setdefault((verdict.edits, verdict.forward_method), []).append(verdict)
    deliveries = tuple(_delivery(group) for group in groups.values())
    return Plan(verdicts, deliveries, keep=any(verdict.keep for verdict in verdicts))


def original_recipient(address: Address) -> bytes:
    """Return the value of ORCPT for an address: its type, then the address in xtext (RFC 3461 4.2,
    of UTF-8 by RFC 6533 3).
    """
    plain = address.octets.isascii()
    text = "".join(c if c.isascii() else f"\\x{{{ord(c):02X}}}" for c in address.text)
    kind = b"rfc822" if plain else b"utf-8"
    return kind + b";" + b"".join(map(_xtext, text.encode()))


def _xtext(octet: int) -> bytes:
    plain = 33 <= octet <= 126 and octet not in b"+="
    return bytes([octet]) if plain else b"+%02X" % octet


def _delivery(group: list[Verdict]) -> Delivery:
    return Delivery(
        recipients=tuple(verdict.recipient for verdict in group),
        edits=group[0].edits,
        forward_method=group[0].forward_method,
        forward_as={
            verdict.recipient.address.octets: verdict.forward_as
            for verdict in group
            if verdict.forward_as
        },
    )
