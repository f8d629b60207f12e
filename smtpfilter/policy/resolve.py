"""From stored layers to what one recipient wants: field by field, each with the key that it came
from (P-1, P-2).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from smtpfilter.mail.address import Address
from smtpfilter.policy.banning import EXTENDS, rule_names
from smtpfilter.policy.defaults import DEFAULTS
from smtpfilter.policy.layers import EffectivePolicy, Layer, PolicyBook
from smtpfilter.policy.lookup import domain_keys, is_bare, lookup_keys, priority
from smtpfilter.policy.settings import (
    FIELDS,
    FOLLOWS_UNCHECKED,
    PolicySettings,
)

DEFAULT = "default"  # the origin of a value that no layer sets

Stage = tuple[PolicySettings, str]  # settings that may give a value, and their origin
Said = tuple[Any, str]  # a value and its origin


def resolve(book: PolicyBook, address: Address, profiles: Sequence[str] = ()) -> EffectivePolicy:
    """Return the policy of the recipient `address`.

    For each field the first with a value gives it: the direction profiles that apply, the last of
    them first; then each layer, its own field before that of its named policy; then DEFAULTS.  A
    layer that locks a field hides what more specific layers say about it.  An unchecked_*_destiny
    that is set nowhere is what unchecked_destiny is.  Ban rule sets may extend what comes after
    them, see _rulenames().
    """
    layers = _in_order(book, address)
    directions = [(book.profiles[name].settings, f"profile {name}") for name in reversed(profiles)]
    stages, starts = _stages(layers)
    everything = directions + stages
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name in FIELDS:
        heard = directions + stages[starts[name] :] if name in starts else everything
        found = _rulenames(heard) if name == "banned_rulenames" else _first(name, heard)
        values[name], origins[name] = found
    for name in FOLLOWS_UNCHECKED:
        if values[name] is None:
            values[name], origins[name] = values["unchecked_destiny"], origins["unchecked_destiny"]
    locks = {name: layer.key for layer in layers for name in layer.fixed}
    return EffectivePolicy(PolicySettings(**values), origins, is_local(book, address), locks)


def scope(book: PolicyBook, address: Address) -> tuple[str, ...]:
    """Return the keys that count for the recipient `address`, the strongest first.

    Bare-user keys count in local domains only (K-2).  A layer's own priority goes before that of
    its key's form, for all layers at that key; equal ones are as specific as K-1 says.
    """
    local = is_local(book, address)
    delimiter = book.recipient_delimiter
    keys = [key for key in lookup_keys(address, delimiter) if local or not is_bare(key)]
    overrides = {
        layer.key: layer.priority
        for layer in sorted(book.layers, key=_source, reverse=True)
        if layer.priority is not None
    }
    if overrides:
        keys.sort(key=lambda key: -overrides.get(key, priority(key, delimiter)))
    return tuple(keys)


def is_local(book: PolicyBook, address: Address) -> bool:
    """Tell whether `address` belongs to a local domain (K-11); an address without a domain never
    does.
    """
    return not book.domains.isdisjoint(domain_keys(address.domain))


def _in_order(book: PolicyBook, address: Address) -> list[Layer]:
    """Return the layers that count, the strongest first; at one key those made by hand (K-8)."""
    by_key: dict[str, list[Layer]] = {}
    for layer in sorted(book.layers, key=_source):
        by_key.setdefault(layer.key, []).append(layer)
    return [layer for key in scope(book, address) for layer in by_key.get(key, ())]


def _source(layer: Layer) -> str:
    return layer.source


def _stages(layers: Sequence[Layer]) -> tuple[list[Stage], dict[str, int]]:
    """Return what the layers say, the strongest first, with DEFAULTS behind them; and for each
    locked field where its outermost lock begins: what stands before it is not heard.
    """
    stages: list[Stage] = []
    starts: dict[str, int] = {}
    for layer in layers:
        starts |= dict.fromkeys(layer.fixed, len(stages))
        stages.append((layer.settings, layer.key))
        if layer.policy_name:
            stages.append((layer.policy_settings, f"{layer.key} (policy {layer.policy_name})"))
    return [*stages, (DEFAULTS, DEFAULT)], starts


def _first(name: str, heard: Iterable[Stage]) -> Said:
    for settings, origin in heard:
        value = getattr(settings, name)
        if value is not None:
            return value, origin
    return None, DEFAULT


def _rulenames(heard: Iterable[Stage]) -> Said:
    """Return the names of ban rule sets, joined, and where the first of them come from.

    A value that begins with + stands before what is inherited, several of them before each other;
    any other value ends the search (B-4).
    """
    stages = iter(heard)
    names: dict[str, None] = {}
    first, extends = "", True
    while extends:
        value, origin = _first("banned_rulenames", stages)
        own, extends = rule_names(value), value.strip().startswith(EXTENDS)
        names |= dict.fromkeys(own)
        if own or not extends:
            first = first or origin
    return ",".join(names), first
