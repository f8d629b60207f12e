"""The "why" panel: the settings that a message was decided with, each with its origin."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from appliance.accounts.access import Scope
from appliance.policies.inherit import origin_key
from appliance.policies.labels import LABELS, origin_words, value_words
from quarantine.models import RecipientRecord

_NOTHING: dict[str, Any] = {"value": None, "origin": ""}


@dataclass(frozen=True, slots=True)
class Decided:
    """`link`: the key of the layer to look at, "" where there is none, or it is not the person's to
    see.
    """

    name: str
    label: str
    value: str
    origin: str
    link: str


def decided_with(row: RecipientRecord, scope: Scope) -> Iterator[Decided]:
    """Yield the settings as they were when the message was decided, in the order of the form."""
    then = row.effective_settings()
    for name in LABELS:
        value, origin = then.get(name, _NOTHING).values()
        if value is None:  # there was no such setting yet
            continue
        key = origin_key(origin)
        link = key if key and scope.covers_key(key) else ""
        yield Decided(name, LABELS[name], value_words(name, value), origin_words(origin), link)
