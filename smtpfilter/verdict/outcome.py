"""How it ended for one recipient: exactly one outcome is recorded, PENDING while the message is open (P4)."""

from enum import StrEnum


class Outcome(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    HELD = "held"
    DISCARDED = "discarded"
    REJECTED = "rejected"
    BOUNCED = "bounced"
    DEFERRED = "deferred"
