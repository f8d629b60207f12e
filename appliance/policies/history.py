"""What was done to one layer, list or rule set: its recorded changes, newest first."""

from django.db.models import QuerySet

from appliance.errors import Overtaken
from appliance.policies.kinds import LAYERS, Kind
from appliance.policies.models import PolicyChange

LARGEST_NUMBER = 2**63 - 1


def changes_of(kind: Kind, key: str) -> QuerySet[PolicyChange]:
    """Return the changes of the row at `key`."""
    return PolicyChange.objects.filter(key=key, verb__in=kind.verbs)


def newest(key: str) -> int:
    """Return the number of the newest change of the layer at `key`, 0 before the first."""
    change = changes_of(LAYERS, key).first()
    return change.number if change else 0


def changes_since(key: str, seen: int) -> list[PolicyChange]:
    """Return the changes of the layer at `key` after the one that was `seen`, oldest first."""
    return list(changes_of(LAYERS, key).filter(number__gt=seen).order_by("number"))


def refuse_overtaken(key: str, seen: int) -> None:
    """Raise Overtaken where the layer at `key` was changed after `seen`."""
    if later := changes_since(key, seen):
        who = later[-1].who
        raise Overtaken(f"{who} changed {key} while you were editing (revision {later[-1].number})")
