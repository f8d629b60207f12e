"""Do the spam levels of a row stand in their order, with what it inherits?  The order itself is
that of smtpfilter.policy.levels.

Levels out of order still work, since each is compared by itself; but a person who writes them meant
something else.
"""

from collections.abc import Iterable, Mapping

from appliance.policies.columns import SettingColumns
from appliance.policies.inherit import Inherited
from smtpfilter.policy.levels import LEVELS, contradictions
from smtpfilter.policy.settings import format_value


def contradiction(
    row: SettingColumns, changed: Iterable[str], above: Mapping[str, Inherited] | None = None
) -> str | None:
    """Return what is wrong with the order of levels after `changed` ones were set, or None.

    Compared is what the row sets itself; with `above` also what it inherits, see inherited().
    """
    changed = set(changed)
    levels = {name: _level(row, name, above) for name in LEVELS}
    for lower, upper in contradictions(levels):
        if {lower, upper} & changed:
            return (
                f"{lower} {format_value(levels[lower])}{_whence(row, lower, above)} is above"
                f" {upper} {format_value(levels[upper])}{_whence(row, upper, above)}"
            )
    return None


def _level(row: SettingColumns, name: str, above: Mapping[str, Inherited] | None) -> float | None:
    own: float | None = getattr(row, name)
    return own if own is not None or above is None else above[name].value


def _whence(row: SettingColumns, name: str, above: Mapping[str, Inherited] | None) -> str:
    return (
        "" if getattr(row, name) is not None or above is None else f" (from {above[name].origin})"
    )
