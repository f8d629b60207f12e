"""The policy form as the screen lays it out: groups by subject, each line with what the layers
above say, what is set here, and what is in force.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.forms import BoundField

from appliance.accounts.access import Scope
from appliance.policies.inherit import Chain, origin_key
from appliance.policies.labels import GROUPS, origin_words, value_words
from appliance.policies.models import PolicyLayer
from appliance.policies.policy_form import PolicyForm
from appliance.policies.treatments import BY_NAME, CHOICES, LINES, chosen, fields_of
from smtpfilter.policy.layers import Layer
from smtpfilter.policy.lookup import SITE
from smtpfilter.policy.settings import FIELDS, PolicySettings, field_group, field_help

MOST_OPEN = 25  # lines with values of their own; a layer with more, as the site's, opens one group
LEVELS = {"site": "Site", "domain": "Domain", "mailbox": "Mailbox"}


@dataclass(frozen=True, slots=True)
class Said:
    """What one layer says: `value` in words, "" where it only locks.  `link`: its key, "" where it
    is not the person's to see.
    """

    value: str
    origin: str
    link: str
    locks: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """What the layers of one level say, the nearest first."""

    title: str
    said: Sequence[Said]


@dataclass(frozen=True, slots=True)
class Line:
    """`names`: the settings that it is about.  `value`, `origin`, `consequence`: what is in force,
    in words; `link`: the key of the layer to look at, "" for none.  `overrides`: how many layers
    below say something else.
    """

    name: str
    names: tuple[str, ...]
    help: str
    field: BoundField
    lock: BoundField
    cells: Sequence[Cell]
    here: str
    value: str
    consequence: str
    origin: str
    link: str
    locked_by: str
    own: bool
    locks: bool
    overrides: int = 0


@dataclass(slots=True)
class Group:
    name: str
    title: str
    lead: str
    lines: list[Line] = field(default_factory=list)
    open: bool = False

    @property
    def own(self) -> int:
        """How many lines say something of their own, or lock what they inherit."""
        return sum(line.own or line.locks for line in self.lines)

    @property
    def faulty(self) -> bool:
        return any(line.field.errors for line in self.lines)


def level_of(key: str) -> str:
    """Return the column of the layer at `key`: "site", "domain" or "mailbox"."""
    if key == SITE:
        return "site"
    return "mailbox" if "@" in key else "domain"


def grouped(
    form: PolicyForm,
    scope: Scope,
    chain: Chain,
    *,
    key: str = "",
    overrides: Mapping[str, int] | None = None,
) -> list[Group]:
    """Return the lines of the form of the layer at `key`, "" for a profile, in their groups."""
    groups = {name: Group(name, title, lead) for name, (title, lead) in GROUPS.items()}
    for name in LINES:
        line = _line(name, form, scope, chain, key, (overrides or {}).get(name, 0))
        groups[field_group(fields_of(name)[0])].lines.append(line)
    own = sum(group.own for group in groups.values())
    for group in groups.values():
        group.open = group.faulty or (
            group.own > 0 and (own <= MOST_OPEN or group.name == "checks")
        )
    return list(groups.values())


def upper_columns(key: str) -> list[str]:
    """Return the levels above the layer at `key` that have a column: none for a profile, none of a
    domain for a user of any domain.
    """
    if not key:
        return []
    levels = list(LEVELS)
    above = levels[: levels.index(level_of(key))]
    return [level for level in above if level != "domain" or not key.endswith("@")]


def _line(
    name: str,
    form: PolicyForm,
    scope: Scope,
    chain: Chain,
    key: str,
    overrides: int,
) -> Line:
    names = fields_of(name)
    origin = _origin(name, chain)
    here = key != "" and origin_key(origin) == key
    locks = [chain.inherited[one].locked_by for one in names]
    return Line(
        name=name,
        names=names,
        help=" ".join(field_help(one) for one in names) if name not in BY_NAME else "",
        field=form[name],
        lock=form.lock(name),
        cells=[_cell(level, name, chain, scope) for level in upper_columns(key)],
        here=words(name, form.own) if form.stored[name] else "",
        value=words(name, _values(chain.values)),
        consequence=_consequence(name, chain),
        origin=f"here{origin.removeprefix(key)}" if here else origin_words(origin),
        link="" if here else _link(origin_key(origin), scope),
        locked_by=next(filter(None, locks), ""),
        own=form.stored[name] != "",
        locks=not form.own_locks.isdisjoint(names),
        overrides=overrides,
    )


def words(line: str, values: Mapping[str, Any]) -> str:
    """Return what the settings in `values` say about a line."""
    if line in BY_NAME:
        return CHOICES.get(chosen(BY_NAME[line], values), "as inherited")
    return value_words(line, values[line])


def said_by(layer: PolicyLayer, line: str) -> str:
    """Return what a stored layer says about a line, itself or by its named policy."""
    for row in (layer, layer.policy):
        values = {name: getattr(row, name, None) for name in FIELDS}
        if any(values[name] is not None for name in fields_of(line)):
            return words(line, values)
    return ""


def _consequence(line: str, chain: Chain) -> str:
    if line not in BY_NAME:
        return ""
    treatment = BY_NAME[line]
    return treatment.consequences.get(chosen(treatment, _values(chain.values)), "")


def _origin(line: str, chain: Chain) -> str:
    """Return where what is in force comes from: of two flags the one that decides."""
    if line not in BY_NAME:
        return chain.origins[line]
    treatment = BY_NAME[line]
    decisive = getattr(chain.values, treatment.lover) and not getattr(
        chain.values, treatment.bypass
    )
    return chain.origins[treatment.lover if decisive else treatment.bypass]


def _cell(level: str, line: str, chain: Chain, scope: Scope) -> Cell:
    layers = [layer for layer in chain.above if level_of(layer.key) == level]
    said = [found for layer in layers if (found := _said(layer, line, scope))]
    return Cell(LEVELS[level], said)


def _said(layer: Layer, line: str, scope: Scope) -> Said | None:
    names = fields_of(line)
    locks = not layer.fixed.isdisjoint(names)
    for settings, shared in ((layer.settings, ""), (layer.policy_settings, layer.policy_name)):
        values = _values(settings)
        if any(values[name] is not None for name in names):
            origin = f"{layer.key} (policy {shared})" if shared else layer.key
            return Said(words(line, values), origin_words(origin), _link(layer.key, scope), locks)
    return Said("", origin_words(layer.key), _link(layer.key, scope), locks) if locks else None


def _values(settings: PolicySettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in FIELDS}


def _link(key: str, scope: Scope) -> str:
    return key if key and scope.covers_key(key) else ""
