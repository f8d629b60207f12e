"""Content categories in their order of severity (C-1): the highest one is what a message is, for a
recipient.
"""

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
