"""How it ended for one recipient: exactly one outcome is recorded, PENDING while the message is
open (P4).
"""

from dataclasses import dataclass
from enum import StrEnum

from smtpfilter.mail.reply import Reply


class Outcome(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    HELD = "held"
    DISCARDED = "discarded"
    REJECTED = "rejected"
    BOUNCED = "bounced"
    DEFERRED = "deferred"


@dataclass(frozen=True, slots=True)
class Settlement:
    """How it ended for one recipient, with the reply that settled it.

    `hop`: the next hop that gave the reply ("smtp:[127.0.0.1]:10026"), "" where it is ours.
    `dsn`: that hop took over the sender's wish for notices (RFC 3461 5.2).
    """

    outcome: Outcome
    reply: Reply
    hop: str = ""
    dsn: bool = False
