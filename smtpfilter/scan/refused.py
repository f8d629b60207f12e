"""DNS lists that refuse to answer us, as SpamAssassin's *_BLOCKED rules tell (S-6).

A list does so where too many questions come from one resolver, mostly a public one that others use
as well.  Its test then finds nothing, whatever the mail is.
"""

import re

from smtpfilter.mail.findings import SpamReport

REFUSED = "DNS lists refuse"

_BLOCKED = re.compile(r"(?!_)[A-Z0-9_]+_BLOCKED(?:_OPENDNS)?")
_MOST_NAMED = 5


def refused(report: SpamReport) -> str:
    """Return what is wrong and what to do, "" where every list answers."""
    rules = [rule.name for rule in report.rules if _BLOCKED.fullmatch(rule.name)]
    if not rules:
        return ""
    named = ", ".join(rules[:_MOST_NAMED])
    return (
        f"DNS lists refuse our questions ({named}): let the spam scanner ask a resolver of this"
        " site that forwards to nobody, or switch the DNS lists off"
    )
