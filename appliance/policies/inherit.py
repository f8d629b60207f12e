"""What a layer would inherit if it set nothing itself: for each field the value, where it comes
from, who locked it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from appliance.policies.source import DatabasePolicySource
from smtpfilter.mail.address import Address, parse_address
from smtpfilter.policy.layers import Layer, PolicyBook
from smtpfilter.policy.lookup import SITE, is_bare
from smtpfilter.policy.resolve import DEFAULT, resolve, scope
from smtpfilter.policy.settings import FIELDS, PolicySettings

NOBODY = "postern-inherits-from"  # a local part for which no layer is stored


@dataclass(frozen=True, slots=True)
class Inherited:
    """`origin`: a lookup key, with " (policy NAME)" where it came by a named one, or "default".

    `locked_by`: the key of the layer above that fixes the field; "" where this layer may set it.
    """

    value: Any
    origin: str
    locked_by: str


def origin_key(origin: str) -> str:
    """Return the key of the layer to look at, "" for a built-in default or a direction profile."""
    layered = origin != DEFAULT and not origin.startswith("profile ")
    return origin.partition(" (policy ")[0] if layered else ""


@dataclass(frozen=True, slots=True)
class Chain:
    """A layer and all that stand above it.  `above`: the nearest first, with what sources say at
    the same key.  `values`, `origins`: what holds at the layer, itself included.
    """

    above: tuple[Layer, ...]
    inherited: dict[str, Inherited]
    values: PolicySettings
    origins: Mapping[str, str]


def chain_of(key: str) -> Chain:
    """Return what holds at the layer `key` (printed form), and where it all comes from."""
    address = _someone_under(key)
    book = DatabasePolicySource().load((), (address,))
    if is_bare(key):  # it counts in local domains only
        book = replace(book, domains=frozenset({address.domain}))
    above = _layers_above(key, book, address)
    own = tuple(layer for layer in book.layers if layer.key == key and not layer.source)
    without = resolve(replace(book, layers=above), address)
    within = resolve(replace(book, layers=(*own, *above)), address)
    found = {
        name: Inherited(getattr(without.settings, name), without.origins[name], _lock(name, above))
        for name in FIELDS
    }
    return Chain(above, found, within.settings, within.origins)


def inherited(key: str) -> dict[str, Inherited]:
    """Return, for every field, what holds at the layer `key` (printed form) without the layer
    itself.
    """
    return chain_of(key).inherited


def _someone_under(key: str) -> Address:
    """Return an address for which `key` counts, and no layer of a more specific key."""
    if key == SITE:
        return parse_address(b"")
    user, _, domain = key.rpartition("@")
    if not domain:
        domain = "invalid"  # "user@" stands above no particular domain: only the site is above it
    if domain.startswith("."):
        domain = f"{NOBODY}{domain}"  # what the domain itself has does not count below it
    return parse_address(f"{user or NOBODY}@{domain}".encode())


def _layers_above(key: str, book: PolicyBook, address: Address) -> tuple[Layer, ...]:
    """Return the layers that count after the one made by hand at `key`, the nearest first: what
    sources say at the key itself (K-8), then the layers of less specific keys.
    """
    keys = list(scope(book, address))
    place = keys.index(key) if key in keys else -1
    ranks = {name: rank for rank, name in enumerate(keys)}
    return tuple(
        sorted(
            (
                layer
                for layer in book.layers
                if ranks.get(layer.key, -1) > place or (layer.key == key and layer.source)
            ),
            key=lambda layer: (ranks.get(layer.key, -1), layer.source),
        )
    )


def _lock(name: str, above: tuple[Layer, ...]) -> str:
    return next((layer.key for layer in reversed(above) if name in layer.fixed), "")
