"""What Bayes has learnt, as `sa-learn --dump magic` tells it, from SpamAssassin's own tables.

Bayes is the site's: all learning goes to one user (bayes_sql_override_username), on every node.
"""

from dataclasses import dataclass

from django.db import connection

from smtpfilter.scan.spamd import USER

NEEDED = 200  # of each, before Bayes scores: bayes_min_spam_num and bayes_min_ham_num (S-7)

_COUNTS = "SELECT spam_count, ham_count FROM bayes_vars WHERE username = %s"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages of each kind were learnt and not forgotten."""

    spam: int
    ham: int

    @property
    def active(self) -> bool:
        """Tell whether Bayes scores mail yet."""
        return self.spam >= NEEDED and self.ham >= NEEDED

    def __str__(self) -> str:
        learnt = f"{self.spam} spam and {self.ham} wanted messages learnt"
        return learnt if self.active else f"{learnt}; inactive until {NEEDED} of each"


def counts() -> Counts:
    """Return the counts; zero before anything was learnt."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [USER])
        spam, ham = cursor.fetchone() or (0, 0)
    return Counts(spam, ham)
