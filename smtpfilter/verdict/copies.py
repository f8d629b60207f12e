"""Is a copy kept: of mail that is stopped or loved, of clean mail, of everything?  (design 4.13,
Q-2, T-2)
"""

from collections.abc import Sequence

from smtpfilter.policy.destiny import Destiny
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.seen import Seen, reaches
from smtpfilter.verdict.stops import HANDLING, Stop
from smtpfilter.verdict.verdict import Case


def is_kept(case: Case, seen: Seen, blocking: Stop | None, stops: Sequence[Stop]) -> bool:
    """Tell whether a copy is kept.

    Of blocked mail by the blocking category's field, of loved mail by those of the categories that
    would have stopped it, of clean mail by clean_quarantine_to; archive_quarantine_to keeps all.
    What the sender is to send again is not kept.
    """
    if blocking and blocking.destiny is Destiny.TEMPFAIL:
        return False
    if case.policy.settings.archive_quarantine_to:
        return True
    if blocking:
        return _has_copy(blocking.category, case, seen)
    return any(_has_copy(stop.category, case, seen) for stop in stops) or _keeps_clean(case, seen)


def _has_copy(category: Category, case: Case, seen: Seen) -> bool:
    field = HANDLING[category].copy
    kept = bool(field and getattr(case.policy.settings, field))
    return kept and not (category is Category.SPAM and _beyond(case, seen))


def _keeps_clean(case: Case, seen: Seen) -> bool:
    """Tell whether mail that passes is kept as clean: nothing was found that has a copy of its own
    (C-3); marked spam is clean in this (C-6, Z-13).
    """
    own = any(HANDLING[category].copy for category in seen.categories if category in HANDLING)
    beyond = Category.SPAMMY in seen.categories and _beyond(case, seen)
    return bool(case.policy.settings.clean_quarantine_to) and not own and not beyond


def _beyond(case: Case, seen: Seen) -> bool:
    return reaches(seen.score, case.policy.settings.spam_quarantine_cutoff_level)
