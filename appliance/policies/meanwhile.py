"""What others changed in a layer while somebody had its form open."""

from collections.abc import Mapping

from django.http import QueryDict

from appliance.policies.edit import as_json, find_layer
from appliance.policies.history import LARGEST_NUMBER, changes_since
from appliance.policies.inherit import Inherited
from appliance.policies.models import PolicyChange
from appliance.policies.policy_form import rebased


def caught_up(
    key: str, typed: QueryDict | None, above: Mapping[str, Inherited]
) -> tuple[QueryDict | None, list[PolicyChange]]:
    """Return what was typed, on top of what stands there now, and the changes that the person has
    not seen, [] where there are none or the form does not say which one it showed.
    """
    seen = typed.get("revision", "") if typed is not None else ""
    if typed is None or not (seen.isascii() and seen.isdigit()):
        return typed, []
    later = changes_since(key, min(int(seen), LARGEST_NUMBER))
    if not later:
        return typed, []
    then, now = later[0].before or {}, as_json(find_layer(key)) or {}
    return rebased(typed, then, now, above, later[-1].number), later
