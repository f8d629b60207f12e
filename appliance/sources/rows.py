"""The rows of one source: what it says they should be, and making them so.

Two sources may say something of one key: layers and sender rules then stand side by side (K-8); a
domain that is local already, by hand or by another source, stays whose it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from appliance.domains.models import Domain
from appliance.policies.models import PolicyLayer, SenderRule
from smtpfilter.policy.settings import FIELDS

BATCH_ROWS = 500
MOST_NAMES = 200  # that the record of a reading tells


@dataclass(frozen=True, slots=True)
class Rows:
    """`domains`: printed keys.  `layers`: key -> field -> typed value.  `senders`: (key, sender) ->
    (action, points).
    """

    domains: frozenset[str] = frozenset()
    layers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    senders: Mapping[tuple[str, str], tuple[str, float]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.domains) + len(self.layers) + len(self.senders)


@dataclass(slots=True)
class Difference:
    """Names of the rows that came, went and became different."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def as_json(self) -> dict[str, Any]:
        """Return counts, and the first names of each kind."""
        kinds = {"added": self.added, "removed": self.removed, "changed": self.changed}
        counts: dict[str, Any] = {f"{kind}_count": len(names) for kind, names in kinds.items()}
        return counts | {kind: sorted(names)[:MOST_NAMES] for kind, names in kinds.items()}


def replace_rows(source: str, rows: Rows) -> Difference:
    """Make the rows of `source` what `rows` says.  To be called in a transaction."""
    difference = Difference()
    _replace_domains(source, rows.domains, difference)
    _replace_layers(source, rows.layers, difference)
    _replace_senders(source, rows.senders, difference)
    return difference


def _replace_domains(source: str, wanted: frozenset[str], difference: Difference) -> None:
    present = dict(Domain.objects.values_list("name", "source"))
    own = {name for name, whose in present.items() if whose == source}
    gone, new = own - wanted, wanted - present.keys()
    Domain.objects.filter(source=source, name__in=gone).delete()
    Domain.objects.bulk_create(
        (Domain(name=name, source=source) for name in new), batch_size=BATCH_ROWS
    )
    difference.removed += [f"domain {name}" for name in gone]
    difference.added += [f"domain {name}" for name in new]


def _replace_layers(
    source: str, wanted: Mapping[str, Mapping[str, Any]], difference: Difference
) -> None:
    present = {layer.key: layer for layer in PolicyLayer.objects.filter(source=source)}
    new = wanted.keys() - present.keys()
    _drop(PolicyLayer, [layer.pk for key, layer in present.items() if key not in wanted])
    PolicyLayer.objects.bulk_create(
        (PolicyLayer(key=key, source=source, **wanted[key]) for key in new), batch_size=BATCH_ROWS
    )
    for key, layer in present.items():
        values = {name: wanted.get(key, {}).get(name) for name in FIELDS}
        if key in wanted and any(getattr(layer, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(layer, name, value)
            layer.save()
            difference.changed.append(f"layer {key}")
    difference.removed += [f"layer {key}" for key in present.keys() - wanted.keys()]
    difference.added += [f"layer {key}" for key in new]


def _replace_senders(
    source: str, wanted: Mapping[tuple[str, str], tuple[str, float]], difference: Difference
) -> None:
    present = {(rule.key, rule.sender): rule for rule in SenderRule.objects.filter(source=source)}
    new = wanted.keys() - present.keys()
    _drop(SenderRule, [rule.pk for at, rule in present.items() if at not in wanted])
    SenderRule.objects.bulk_create(
        (
            SenderRule(key=at[0], sender=at[1], source=source, action=action, points=points)
            for at, (action, points) in wanted.items()
            if at in new
        ),
        batch_size=BATCH_ROWS,
    )
    for at, rule in present.items():
        if at in wanted and (rule.action, rule.points) != wanted[at]:
            rule.action, rule.points = wanted[at]
            rule.save(update_fields=["action", "points"])
            difference.changed.append(_rule_name(at))
    difference.removed += map(_rule_name, present.keys() - wanted.keys())
    difference.added += map(_rule_name, new)


def _rule_name(at: tuple[str, str]) -> str:
    return f"sender {at[1] or '<>'} of {at[0]}"


def _drop(model: Any, numbers: list[int]) -> None:
    for start in range(0, len(numbers), BATCH_ROWS):
        model.objects.filter(pk__in=numbers[start : start + BATCH_ROWS]).delete()


def merged(parts: Iterable[Rows]) -> Rows:
    """Return all rows together; of two that say something of one thing the first counts."""
    domains: set[str] = set()
    layers: dict[str, dict[str, Any]] = {}
    senders: dict[tuple[str, str], tuple[str, float]] = {}
    for part in parts:
        domains |= part.domains
        for key, values in part.layers.items():
            layers[key] = {**values, **layers.get(key, {})}
        for at, effect in part.senders.items():
            senders.setdefault(at, effect)
    return Rows(frozenset(domains), layers, senders)
