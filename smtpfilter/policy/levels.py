"""Are the levels of a policy in order?  (T-2: amavisd compares each by itself and does not ask.)"""

import math
from collections.abc import Mapping
from itertools import combinations

RISING = ("spam_tag_level", "spam_tag2_level", "spam_tag3_level", "spam_kill_level")
CUT_OFFS = (
    "spam_dsn_cutoff_level",
    "spam_crediblefrom_dsn_cutoff_level",
    "spam_notifyadmin_cutoff_level",
    "spam_quarantine_cutoff_level",
)
LEVELS = (*RISING, *CUT_OFFS)

_PAIRS = (*combinations(RISING, 2), *(("spam_kill_level", name) for name in CUT_OFFS))


def contradictions(levels: Mapping[str, float | None]) -> list[tuple[str, str]]:
    """Return the pairs of `levels` (field -> score) of which the first is above the second.

    Right is tag <= tag2 <= tag3 <= kill <= each cut-off.  Levels that are missing, None or infinite
    (never reached) do not count.
    """
    used = {
        name: level for name, level in levels.items() if level is not None and math.isfinite(level)
    }
    return [
        (lower, upper)
        for lower, upper in _PAIRS
        if lower in used and upper in used and used[lower] > used[upper]
    ]
