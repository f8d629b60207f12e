"""Recorded changes as a screen shows them: in words, with the page of what they changed."""

from dataclasses import dataclass

from django.urls import reverse

from appliance.accounts.models import User
from appliance.policies.change_words import Difference, deed, differences, subject
from appliance.policies.kinds import BAN_RULES, DOMAINS, LAYERS, SENDERS, Kind, kind_of
from appliance.policies.models import PolicyChange
from appliance.policies.visible import visible_changes

_PAGES = {LAYERS: "policy", SENDERS: "sender_list", BAN_RULES: "ban_set", DOMAINS: "domain"}


@dataclass(frozen=True, slots=True)
class Told:
    """A change with its words.  `page`: where what it changed is looked after, "" for nowhere."""

    change: PolicyChange
    subject: str
    deed: str
    differences: list[Difference]
    page: str


def tell(change: PolicyChange) -> Told:
    """Return the change in words."""
    kind = kind_of(change)
    return Told(change, subject(change), deed(change), differences(change), _page(kind, change))


def history_of(person: User, kind: Kind, key: str, most: int = 5) -> list[Told]:
    """Return the newest changes of one row, for the side of its own page."""
    changes = visible_changes(person).filter(key=key, verb__in=kind.verbs)
    return [tell(change) for change in changes[:most]]


def list_history(person: User, key: str, most: int = 5) -> list[Told]:
    """Return the newest changes of the sender list under `key`."""
    changes = visible_changes(person).filter(key__startswith=f"{key} ", verb__in=SENDERS.verbs)
    return [tell(change) for change in changes[:most]]


def _page(kind: Kind | None, change: PolicyChange) -> str:
    name = _PAGES.get(kind) if kind else None
    if name is None or (kind not in (LAYERS, SENDERS) and change.after is None):
        return ""
    return reverse(name, args=[change.key.split(" ")[0] if kind is SENDERS else change.key])
