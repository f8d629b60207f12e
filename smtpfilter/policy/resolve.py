"""From stored layers to what one recipient wants: field by field, each with the key that it came
from (P-1, P-2).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from smtpfilter.mail.address import Address
from smtpfilter.policy.layers import EffectivePolicy, Layer, PolicyBook
from smtpfilter.policy.lookup import domain_keys, is_bare, lookup_keys, priority
from smtpfilter.policy.settings import (
    DEFAULTS,
    FIELDS,
    FOLLOWS_UNCHECKED,
    PolicySettings,
)

DEFAULT = "default"  # the origin of a value that no layer sets


def resolve(book: PolicyBook, address: Address, profiles: Sequence[str] = ()) -> EffectivePolicy:
    """Return the policy of the recipient `address`.

    For each field the first layer with a value gives it: its own field, else that of its named
    policy.  A layer that locks a field hides what more specific layers say about it.  The direction
    profiles that apply go before all layers, the last of them first.  What no layer sets comes from
    DEFAULTS, and an unchecked_*_destiny that is set nowhere is what unchecked_destiny is.
    """
    layers = _in_order(book, address)
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name in FIELDS:
        values[name], origins[name] = _value(name, _heard(name, layers))
    for name in FOLLOWS_UNCHECKED:
        if values[name] is None:
            values[name], origins[name] = values["unchecked_destiny"], origins["unchecked_destiny"]
    for name in FIELDS:
        for profile in reversed(profiles):
            value = getattr(book.profiles[profile].settings, name)
            if value is not None:
                values[name], origins[name] = value, f"profile {profile}"
                break
    locks = {name: layer.key for layer in layers for name in layer.locked}
    return EffectivePolicy(PolicySettings(**values), origins, is_local(book, address), locks)


def scope(book: PolicyBook, address: Address) -> tuple[str, ...]:
    """Return the keys that count for the recipient `address`, the strongest first.

    Bare-user keys count in local domains only (K-2).  A layer's own priority goes before that of
    its key's form; equal ones are as specific as K-1 says.
    """
    local = is_local(book, address)
    delimiter = book.recipient_delimiter
    keys = [key for key in lookup_keys(address, delimiter) if local or not is_bare(key)]
    overrides = {layer.key: layer.priority for layer in book.layers if layer.priority is not None}
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
    for layer in sorted(book.layers, key=lambda layer: layer.source):
        by_key.setdefault(layer.key, []).append(layer)
    return [layer for key in scope(book, address) for layer in by_key.get(key, ())]


def _heard(name: str, layers: list[Layer]) -> Iterable[Layer]:
    """Return the layers that may speak about the field: from the outermost that locks it on
    upwards.
    """
    locking = (start for start in reversed(range(len(layers))) if name in layers[start].locked)
    return layers[next(locking, 0) :]


def _value(name: str, layers: Iterable[Layer]) -> tuple[Any, str]:
    for layer in layers:
        own = getattr(layer.settings, name)
        if own is not None:
            return own, layer.key
        named = getattr(layer.policy_settings, name)
        if named is not None:
            return named, f"{layer.key} (policy {layer.policy_name})"
    return getattr(DEFAULTS, name), DEFAULT
