"""A recorded change in words: what it was about, and each field before and after."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from appliance.policies.kinds import kind_of
from appliance.policies.labels import LABELS, value_words
from appliance.policies.models import PolicyChange
from appliance.policies.revisions import flat
from smtpfilter.policy.settings import FIELDS

NOTHING = "–"
_LABELS = {
    "locked": "Locked for the layers below",
    "policy": "Named policy",
    "expires_at": "Until",
    "authenticated": "Only when proven",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One field; `before` and `after` are lines of words, in a list only those that differ."""

    name: str
    label: str
    before: Sequence[str]
    after: Sequence[str]


def subject(change: PolicyChange) -> str:
    """Say what the change is of, without its key: "Policy of"."""
    kind = kind_of(change)
    return kind.one if kind else change.verb.capitalize()


def deed(change: PolicyChange) -> str:
    """Return "added", "removed", or "changed"; "" for an event that changed no row."""
    if change.before is None and change.after is None:
        return ""
    if change.before is None:
        return "added"
    return "removed" if change.after is None else "changed"


def changed_fields(change: PolicyChange) -> list[str]:
    """Return the names of the fields that differ, in the order in which they stand in the row."""
    was, now = flat(change.before or {}), flat(change.after or {})
    return [name for name in {**was, **now} if was.get(name) != now.get(name)]


def differences(change: PolicyChange) -> list[Difference]:
    """Return what differs between before and after in words; what the change's key says, and what
    is nothing on either side, is left out.
    """
    was, now = flat(change.before or {}), flat(change.after or {})
    keys = {change.key, *change.key.split(" "), "None"}
    told = [
        difference(name, was.get(name), now.get(name))
        for name in changed_fields(change)
        if not {str(was.get(name)), str(now.get(name))} <= keys
    ]
    return [one for one in told if one.before != one.after]


def difference(name: str, was: Any, now: Any) -> Difference:
    """Say how one field changed; values are JSON, None for one that is not set."""
    before, after = _lines(name, was), _lines(name, now)
    if isinstance(was, list) and isinstance(now, list):
        gone = [line for line in before if line not in after]
        new = [line for line in after if line not in before]
        before, after = (gone, new) if gone or new else (["in another order"], ["in this order"])
    label = LABELS.get(name) or _LABELS.get(name) or name.replace("_", " ").capitalize()
    return Difference(name, label, before or [NOTHING], after or [NOTHING])


def _lines(name: str, value: Any) -> list[str]:
    if name in FIELDS:
        return [value_words(name, value)]
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return [_item(item) for item in value]
    if isinstance(value, bool):
        return ["Yes" if value else "No"]
    return str(value).splitlines()


def _item(item: Any) -> str:
    """Say one of a list: a field that is locked, or a rule."""
    if isinstance(item, str):
        return LABELS.get(item, item)
    if isinstance(item, dict) and isinstance(item.get("pattern"), str):
        does = "" if "banned" not in item else "Bans " if item["banned"] else "Excepts "
        worth = f": {item['points']} points" if item.get("points") is not None else ""
        comment = f" ({item['comment']})" if item.get("comment") else ""
        return f"{does}{item['pattern']}{worth}{comment}"
    return json.dumps(item, ensure_ascii=False)
