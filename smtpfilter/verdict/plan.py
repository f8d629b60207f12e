"""From verdicts to work: deliveries, held copies and refusals.

Recipients whose edits are equal share one delivery (O-3).
"""

from dataclasses import dataclass

from smtpfilter.mail.edits import Edits
from smtpfilter.mail.envelope import Recipient
from smtpfilter.policy.destiny import Destiny
from smtpfilter.verdict.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Delivery:
    """One transaction with the next hop: the same copy for all its recipients."""

    recipients: tuple[Recipient, ...]
    edits: Edits


@dataclass(frozen=True, slots=True)
class Plan:
    """`verdicts`: one per recipient, in the order of the envelope.  `keep`: the octets are to be
    stored, once.
    """

    verdicts: tuple[Verdict, ...]
    deliveries: tuple[Delivery, ...]
    keep: bool


def make_plan(verdicts: tuple[Verdict, ...]) -> Plan:
    """Return what is to be done: one delivery per distinct copy, in the order of their first
    recipients (O-3, O-4).
    """
    groups: dict[Edits, list[Recipient]] = {}
    for verdict in verdicts:
        if verdict.destiny is Destiny.PASS:
            groups.setdefault(verdict.edits, []).append(verdict.recipient)
    deliveries = tuple(Delivery(tuple(group), edits) for edits, group in groups.items())
    return Plan(verdicts, deliveries, keep=any(verdict.keep for verdict in verdicts))
