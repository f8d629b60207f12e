"""Change the layer of settings at a lookup key.  One transaction each; recorded.

Only layers made by hand are changed here; one that a source brought is the source's business (K-8).
`values` are written as people write them ("yes", "6.3", "never", "discard", text).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from appliance.domains.names import printed_key
from appliance.errors import Refused, Unknown
from appliance.policies.columns import TEXT_LIMIT, SettingColumns
from appliance.policies.history import refuse_overtaken
from appliance.policies.inherit import Inherited, inherited
from appliance.policies.levels import contradiction
from appliance.policies.models import BanRuleSet, NamedPolicy, PolicyLayer
from appliance.policies.revisions import record
from smtpfilter.policy.ban_sets import BUILT_IN
from smtpfilter.policy.banning import rule_names
from smtpfilter.policy.lookup import SITE
from smtpfilter.policy.settings import FIELDS, BadValue, format_value, parse_value

BY_HAND = ""  # the source of a layer that a person made


def stored_settings(row: SettingColumns) -> dict[str, Any]:
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
    if layer.source != BY_HAND:
        shown["source"] = layer.source
    return shown


def find_layer(key: str) -> PolicyLayer | None:
    """Return the layer made by hand at `key` (as typed), or None.  Raises Refused where it is no
    key.
    """
    layers = PolicyLayer.objects.select_related("policy")
    return layers.filter(key=printed_key(key), source=BY_HAND).first()


def read_layers(key: str) -> list[PolicyLayer]:
    """Return what sources say at `key` (as typed); they count after the layer made by hand."""
    layers = PolicyLayer.objects.select_related("policy").exclude(source=BY_HAND)
    return list(layers.filter(key=printed_key(key)))


@contextmanager
def changed_layer(*, key: str, actor: str) -> Iterator[PolicyLayer]:
    """Yield the layer at `key`, made if missing, to be changed; then store and record it.

    A layer left empty goes (the site's stays).  Raises Refused where it is no key.
    """
    with transaction.atomic():
        rows = PolicyLayer.objects.select_for_update()
        layer, made = rows.get_or_create(key=printed_key(key), source=BY_HAND)
        before = None if made else as_json(layer)
        yield layer
        if _is_empty(layer):
            layer.delete()
        else:
            layer.save()
        after = as_json(layer) if layer.pk else None
        if before != after:
            record(who=actor, verb="policy change", key=layer.key, before=before, after=after)


def change_fields(
    *,
    key: str,
    values: Mapping[str, str | None],
    actor: str,
    locked: Collection[str] | None = None,
    policy: str | None = None,
    in_order: bool = True,
    seen: int | None = None,
) -> PolicyLayer | None:
    """Set fields of the layer at `key`; those with the value None are inherited again.

    `locked`: the fields that layers below may not change; None = as it is.  `policy`: the named
    policy that the layer shares, "" for none; None = as it is.  Levels of the layer that contradict
    each other are refused; `in_order` refuses those that contradict inherited ones, too.  `seen`:
    the newest change of the layer that the person knew, see history.newest().  None is returned for
    a layer left empty.  Raises Refused; Overtaken; Unknown for a field.
    """
    written = [name for name, text in values.items() if text is not None]
    above = inherited(printed_key(key))
    with changed_layer(key=key, actor=actor) as layer:
        if seen is not None:
            refuse_overtaken(layer.key, seen)
        new_locks = set(locked or ()) - set(layer.locked)
        refuse_unknown(values)
        for name in (*written, *new_locks):
            if place := above[name].locked_by:
                raise Refused(f"{name} is locked by {place}: change it there, or unlock it there")
        assign(layer, values, above if in_order else None)
        if locked is not None:
            layer.locked = sorted(locked)
        if policy is not None:
            layer.policy = find_named(policy) if policy else None
    return layer if layer.pk else None


def find_named(name: str) -> NamedPolicy:
    """Return the named policy `name`.  Raises Refused where there is none."""
    found = NamedPolicy.objects.filter(name=name).first()
    if found is None:
        there = ", ".join(NamedPolicy.objects.values_list("name", flat=True)) or "none"
        raise Refused(f"there is no named policy {name!r}; there are: {there}")
    return found


def assign(
    row: SettingColumns,
    values: Mapping[str, str | None],
    above: Mapping[str, Inherited] | None = None,
) -> None:
    """Set fields of the row, unsaved, as people write them; None inherits again.

    Levels that contradict each other, or those of `above`, are refused.  Raises Refused; Unknown
    for a field.
    """
    refuse_unknown(values)
    written = {name: text for name, text in values.items() if text is not None}
    parsed: dict[str, Any] = dict.fromkeys(values) | parse_values(written)
    for name, value in parsed.items():
        setattr(row, name, value)
    if complaint := contradiction(row, parsed, above):
        raise Refused(complaint)


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
    _refuse_unknown_sets(str(parsed.get("banned_rulenames", "")))
    return parsed


def refuse_unknown(names: Iterable[str]) -> None:
    """Raise Unknown, with the list of fields, if one of `names` is none."""
    for name in names:
        if name not in FIELDS:
            raise Unknown(f"unknown field {name!r}; the fields are: {', '.join(FIELDS)}")


def _refuse_unknown_sets(names: str) -> None:
    """A misspelt set would ban nothing (B-4), and nobody would see it.  Raises Refused."""
    known = {*BUILT_IN, *BanRuleSet.objects.values_list("name", flat=True)}
    for name in rule_names(names):
        if name not in known:
            there = ", ".join(sorted(known))
            raise Refused(
                f"banned_rulenames: there is no ban rule set {name!r}; there are: {there}"
            )


def _is_empty(layer: PolicyLayer) -> bool:
    kept = layer.key == SITE or layer.policy or layer.locked or layer.priority is not None
    return not kept and not stored_settings(layer)
