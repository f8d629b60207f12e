"""Are the levels of a policy in order?  (T-2: amavisd compares each by itself and does not ask.)"""

import math
from collections.abc import Mapping
from itertools import pairwise

RISING = ("spam_tag_level", "spam_tag2_level", "spam_tag3_level", "spam_kill_level")
CUT_OFFS = (
    "spam_dsn_cutoff_level",
    "spam_crediblefrom_dsn_cutoff_level",
    "spam_notifyadmin_cutoff_level",
    "spam_quarantine_cutoff_level",
)


def contradictions(levels: Mapping[str, float | None]) -> list[tuple[str, str]]:
    """Return the pairs of `levels` (field -> score) of which the first is above the second.

    Right is tag <= tag2 <= tag3 <= kill <= each cut-off.  Levels that are missing, None or infinite
    (never reached) do not count.
    """
    used = {
        name: level for name, level in levels.items() if level is not None and math.isfinite(level)
    }
    pairs = [*pairwise(name for name in RISING if name in used)]
    if "spam_kill_level" in used:
        pairs += [("spam_kill_level", name) for name in CUT_OFFS if name in used]
    return [(lower, upper) for lower, upper in pairs if used[lower] > used[upper]]


def out_of_order(levels: Mapping[str, float | None]) -> str:
    """Return a sentence that says which of `levels` contradict each other, "" where none do."""
    for lower, upper in contradictions(levels):
        return (
            f"{lower} {levels[lower]:g} is above {upper} {levels[upper]:g}: levels rise from tag"
            " over tag2, tag3 and kill to the cut-offs."
        )
    return ""
