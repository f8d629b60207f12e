"""Do spam levels stand in their order?  tag <= tag2 <= tag3 <= kill <= every cut-off.

Levels out of order still work, since each is compared by itself; but a person who writes them meant
something else.  "never" is no level: it stands in nobody's way.
"""

import math
from collections.abc import Iterable, Mapping

from appliance.policies.columns import SettingColumns
from appliance.policies.inherit import Inherited
from smtpfilter.policy.settings import format_value

_CUT_OFFS = (
    "spam_dsn_cutoff_level",
    "spam_crediblefrom_dsn_cutoff_level",
    "spam_notifyadmin_cutoff_level",
    "spam_quarantine_cutoff_level",
)
LEVELS_IN_ORDER = (
    ("spam_tag_level", "spam_tag2_level"),
    ("spam_tag2_level", "spam_tag3_level"),
    ("spam_tag2_level", "spam_kill_level"),
    ("spam_tag3_level", "spam_kill_level"),
    *(("spam_kill_level", name) for name in _CUT_OFFS),
)


def contradiction(
    row: SettingColumns, changed: Iterable[str], above: Mapping[str, Inherited] | None = None
) -> str | None:
    """Return what is wrong with the order of levels after `changed` ones were set, or None.

    Compared is what the row sets itself; with `above` also what it inherits, see inherited().
    """
    changed = set(changed)
    for lower, upper in LEVELS_IN_ORDER:
        low, high = _level(row, lower, above), _level(row, upper, above)
        if {lower, upper} & changed and low is not None and high is not None and low > high:
            return (
                f"{lower} {format_value(low)}{_whence(row, lower, above)} is above"
                f" {upper} {format_value(high)}{_whence(row, upper, above)}"
            )
    return None


def _level(row: SettingColumns, name: str, above: Mapping[str, Inherited] | None) -> float | None:
    """Return the level, None where there is none to compare."""
    own = getattr(row, name)
    level = own if own is not None or above is None else above[name].value
    return None if level is None or math.isinf(level) else level


def _whence(row: SettingColumns, name: str, above: Mapping[str, Inherited] | None) -> str:
    return (
        "" if getattr(row, name) is not None or above is None else f" (from {above[name].origin})"
    )
