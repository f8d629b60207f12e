"""Change the settings of a layer or of a named policy.  One transaction each; recorded.

`values` are written as people write them ("yes", "6.3", "never", "discard", text).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from appliance.domains.names import printed_key
from appliance.errors import Refused, Unknown
from appliance.policies.columns import TEXT_LIMIT
from appliance.policies.models import BanRuleSet, NamedPolicy, PolicyLayer
from appliance.policies.revisions import record
from smtpfilter.policy.banning import BUILT_IN
from smtpfilter.policy.lookup import SITE
from smtpfilter.policy.settings import DEFAULTS, FIELDS, BadValue, format_value, parse_value

LEVELS_IN_ORDER = (
    ("spam_tag_level", "spam_tag2_level"),
    ("spam_tag2_level", "spam_tag3_level"),
    ("spam_tag2_level", "spam_kill_level"),
    ("spam_kill_level", "spam_dsn_cutoff_level"),
    ("spam_kill_level", "spam_quarantine_cutoff_level"),
)


def stored_settings(row: PolicyLayer | NamedPolicy) -> dict[str, Any]:
    """Return what the row sets itself, as JSON shows it; inherited fields are left out."""
    return {
        name: format_value(getattr(row, name)) for name in FIELDS if getattr(row, name) is not None
    }


def as_json(layer: PolicyLayer | None) -> dict[str, Any] | None:
    """Return the layer as `policy show` prints it, or None."""
    if layer is None:
        return None
    shown: dict[str, Any] = {
        "key": layer.key,
        "settings": stored_settings(layer),
        "locked": sorted(layer.locked),
    }
    if layer.policy:
        shown["policy"] = layer.policy.name
    if layer.priority is not None:
        shown["priority"] = layer.priority
    return shown


def find_layer(key: str) -> PolicyLayer | None:
    """Return the layer at `key` (as typed), or None.  Raises Refused where it is no key."""
    return PolicyLayer.objects.select_related("policy").filter(key=printed_key(key)).first()


@transaction.atomic
def change_fields(
    *, key: str, values: Mapping[str, str | None], actor: str, in_order: bool = True
) -> PolicyLayer | None:
    """Set fields of the layer at `key`, made if missing; those with the value None are inherited.

    A layer left empty goes (the site's stays): None is returned.  `in_order` refuses levels that
    contradict each other, see contradiction().  Raises Refused; Unknown for a field.
    """
    refuse_unknown(values)
    parsed: dict[str, Any] = dict.fromkeys(values)
    parsed |= parse_values({name: text for name, text in values.items() if text is not None})
    _refuse_unknown_sets(parsed.get("banned_rulenames") or "")
    layer, made = PolicyLayer.objects.select_for_update().get_or_create(key=printed_key(key))
    before = None if made else as_json(layer)
    for name, value in parsed.items():
        setattr(layer, name, value)
    complaint = contradiction(layer, parsed)
    if complaint and in_order:
        raise Refused(complaint)
    if _is_empty(layer):
        layer.delete()
    else:
        layer.save()
    after = as_json(layer) if layer.pk else None
    if before != after:
        record(who=actor, verb="policy change", key=layer.key, before=before, after=after)
    return layer if layer.pk else None


def set_fields(
    *, key: str, values: Mapping[str, str], actor: str, in_order: bool = True
) -> PolicyLayer:
    """Set fields of the layer at `key`, see change_fields()."""
    layer = change_fields(key=key, values=values, actor=actor, in_order=in_order)
    return layer or PolicyLayer(key=printed_key(key))


def unset_fields(*, key: str, fields: Iterable[str], actor: str) -> PolicyLayer | None:
    """Let fields of the layer at `key` be inherited again, see change_fields()."""
    return change_fields(key=key, values=dict.fromkeys(fields), actor=actor, in_order=False)


def parse_values(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the values that people wrote, typed.  Raises Refused, or Unknown for a field."""
    refuse_unknown(values)
    parsed = {}
    for name, text in values.items():
        try:
            parsed[name] = parse_value(name, text)
        except BadValue as error:
            raise Refused(f"{name}: {text!r} is not {error}") from None
        if len(text) > TEXT_LIMIT:
            raise Refused(f"{name}: at most {TEXT_LIMIT} characters")
    return parsed


def refuse_unknown(names: Iterable[str]) -> None:
    """Raise Unknown, with the list of fields, if one of `names` is none."""
    for name in names:
        if name not in FIELDS:
            raise Unknown(f"unknown field {name!r}; the fields are: {', '.join(FIELDS)}")


def _refuse_unknown_sets(names: str) -> None:
    """A misspelt set would ban nothing (B-4), and nobody would see it.  Raises Refused."""
    known = {*BUILT_IN, *BanRuleSet.objects.values_list("name", flat=True)}
    for name in (word.strip() for word in names.split(",")):
        if name and name not in known:
            there = ", ".join(sorted(known))
            raise Refused(
                f"banned_rulenames: there is no ban rule set {name!r}; there are: {there}"
            )


def contradiction(layer: PolicyLayer, changed: Iterable[str]) -> str | None:
    """Return what is wrong with the order of levels after `changed` ones were set, or None.

    Compared is what holds at this layer: its own values, its named policy's, then the site's.  What
    lies in layers between is not looked at.  Such levels still work: each is compared by itself.
    """
    changed = set(changed)
    levels = _levels_at(layer)
    for lower, upper in LEVELS_IN_ORDER:
        if {lower, upper} & changed and levels[lower] > levels[upper]:
            return (
                f"{lower} {format_value(levels[lower])} is above"
                f" {upper} {format_value(levels[upper])} at {layer.key}"
            )
    return None


def _levels_at(layer: PolicyLayer) -> dict[str, float]:
    site = None if layer.key == SITE else PolicyLayer.objects.filter(key=SITE).first()
    rows = [layer, layer.policy, site, DEFAULTS]
    return {
        name: next(v for v in (getattr(row, name, None) for row in rows) if v is not None)
        for name, kind in FIELDS.items()
        if kind == "level"
    }


def _is_empty(layer: PolicyLayer) -> bool:
    kept = layer.key == SITE or layer.policy or layer.locked or layer.priority is not None
    return not kept and not stored_settings(layer)
