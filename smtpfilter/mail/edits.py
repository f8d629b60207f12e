"""Header edits as values, and their application to the raw octets (T-5 to T-8)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edits:
    """What a delivered copy gets.  Equal edits share one copy (O-3).

    `prepend`: fields as (name, unfolded value), in the order in which they stand, on top of the message.
    `remove`: lower-case names of fields of which every occurrence is removed.
    `subject_tag`: text put before the subject, "" for none.
    """

    prepend: tuple[tuple[str, str], ...] = ()
    remove: frozenset[str] = frozenset()
    subject_tag: str = ""
