"""From verdicts to work: deliveries, held copies and refusals.

Recipients whose edits are equal share one delivery (O-3).
"""

from dataclasses import dataclass

from smtpfilter.mail.edits import Edits
from smtpfilter.mail.envelope import Recipient
from smtpfilter.verdict.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Delivery:
    """One transaction with the next hop: the same copy for all its recipients."""

    recipients: tuple[Recipient, ...]
    edits: Edits


@dataclass(frozen=True, slots=True)
class Plan:
    """`verdicts`: one per recipient, in the order of the envelope.  `keep`: the octets are to be stored, once."""

    verdicts: tuple[Verdict, ...]
    deliveries: tuple[Delivery, ...]
    keep: bool
