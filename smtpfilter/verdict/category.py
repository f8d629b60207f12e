"""Content categories in their order of severity (C-1): the highest one is what a message is, for a
recipient.
"""

from collections.abc import Container, Iterable
from enum import IntEnum


class Category(IntEnum):
    """The numbers are amavisd's major numbers.  UNCHECKED outranks SPAM, BAD_HEADER stands below
    SPAMMY.
    """

    CLEAN = 1
    MTA = 2
    OVERSIZED = 3
    BAD_HEADER = 4
    SPAMMY = 5
    SPAM = 6
    UNCHECKED = 7
    BANNED = 8
    VIRUS = 9

    def __str__(self) -> str:
        return self.name.lower()


def foremost(
    blocked_by: Category | None, categories: Iterable[Category], among: Container[Category]
) -> Category | None:
    """Return the category by which a setting is chosen: the blocking one, else the highest of those
    that have such a setting (C-3, C-6); None where there is none.
    """
    chosen = (blocked_by,) if blocked_by else categories
    return next((category for category in chosen if category in among), None)
