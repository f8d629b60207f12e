"""Plain words for what the filter decided: a label, the tone of its chip, and a sentence where one
helps.

The keys are the values that the journal stores; an unknown one is shown as it is, in a neutral
tone.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """`tone` is "good", "warn", "bad", "accent" or "" (neutral)."""

    label: str
    tone: str = ""


CATEGORIES = {
    "clean": Word("Clean", "good"),
    "spammy": Word("Marked as spam", "warn"),
    "spam": Word("Spam", "warn"),
    "bad_header": Word("Bad header"),
    "banned": Word("Banned file", "bad"),
    "virus": Word("Virus", "bad"),
    "unchecked": Word("Unchecked", "bad"),
    "oversized": Word("Too large"),
    "mta": Word("Next hop"),
}

OUTCOMES = {
    "pending": Word("In progress"),
    "delivered": Word("Delivered", "good"),
    "held": Word("Held", "accent"),
    "discarded": Word("Discarded", "warn"),
    "rejected": Word("Rejected", "warn"),
    "bounced": Word("Bounced", "warn"),
    "deferred": Word("Deferred", "warn"),
    "unknown": Word("Unknown, the sender retries", "warn"),
}

STATES = {
    "held": Word("Held", "accent"),
    "requested": Word("Release asked for", "warn"),
    "releasing": Word("Being released", "accent"),
    "released": Word("Released", "good"),
    "failed": Word("Release failed", "bad"),
    "deleted": Word("In the bin"),
    "expired": Word("Expired"),
}


def word(words: dict[str, Word], key: str) -> Word:
    return words.get(key) or Word(key)
