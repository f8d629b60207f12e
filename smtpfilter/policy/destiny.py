"""What a policy can do with mail of a category that its recipient does not want (F-1 to F-7)."""

from enum import StrEnum


class Destiny(StrEnum):
    PASS = "pass"  # noqa: S105 - deliver it all the same
    DISCARD = "discard"  # accept and do not deliver; held where a copy is kept
    BOUNCE = "bounce"  # accept, and tell the sender
    REJECT = "reject"  # refuse
    TEMPFAIL = "tempfail"  # ask the sender to try again
