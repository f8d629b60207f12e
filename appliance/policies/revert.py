"""Take one recorded change back: what it changed becomes again what it was, as a new revision."""

from django.db import transaction

from appliance.accounts.access import Verb, may
from appliance.accounts.models import User
from appliance.errors import Refused, Unknown
from appliance.policies.change_words import changed_fields, difference
from appliance.policies.forms import BEYOND_OWN_MAIL
from appliance.policies.kinds import LAYERS, SETTINGS, kind_of
from appliance.policies.models import PolicyChange
from appliance.policies.revisions import because
from appliance.policies.undo import Row, Undo, row_of, undo_of


def may_take_back(person: User, change: PolicyChange) -> bool:
    """Tell whether the person, who sees the change, may undo it."""
    undo = undo_of(change)
    if undo is None or not may(person, undo.may):
        return False
    if kind_of(change) is not LAYERS or may(person, Verb.EDIT_SITE):
        return True
    was, became = change.before or {}, change.after or {}
    locks = set(was.get("locked", ())) ^ set(became.get("locked", ()))
    return not (BEYOND_OWN_MAIL | {"priority"}) & (locks | set(changed_fields(change)))


@transaction.atomic
def take_back(*, number: int, actor: str, why: str = "") -> None:
    """Undo revision `number` alone; what was changed beside it, before or after, stays.

    Raises Unknown; Refused where it is no change of a row, where one of its fields was changed
    again since, and where the verb that would do it refuses.
    """
    change = PolicyChange.objects.filter(pk=number).first()
    if change is None:
        raise Unknown(f"there is no revision {number}")
    undo = undo_of(change)
    if undo is None:
        raise Refused(f"revision {number} is nothing that can be taken back")
    wanted = _wanted(change, undo)
    with because(f"takes back revision {number}{': ' if why.strip() else ''}{why.strip()}"):
        undo.make(change, wanted, actor)


def _wanted(change: PolicyChange, undo: Undo) -> Row | None:
    """Return the row as it shall be: as it is, but for what the change has changed."""
    was, became = row_of(change, change.before), row_of(change, change.after)
    now = undo.now(change)
    if undo.gapless:
        was, became, now = was or {}, became or {}, now or {}
    elif (became is None) != (now is None):
        raise Refused(f"{_later(change)}, so it cannot be taken back")
    then, since, here = was or {}, became or {}, now or {}
    changed = [name for name in {**then, **since} if then.get(name) != since.get(name)]
    moved = [name for name in changed if since.get(name) != here.get(name)]
    if moved:
        words = ", ".join(difference(name, None, None).label for name in moved)
        raise Refused(f"{_later(change, moved)} ({words}): take that one back first")
    if was is None:
        return None
    kept = {name: value for name, value in here.items() if name not in changed}
    return kept | {name: then[name] for name in changed if name in then}


def _later(change: PolicyChange, names: list[str] | None = None) -> str:
    """Say by which revision something else stands there now than after the change."""
    kind = kind_of(change)
    verbs = kind.verbs if kind else ()
    later = PolicyChange.objects.filter(number__gt=change.number, verb__in=verbs)
    if kind is not SETTINGS:  # whose key names all that were changed at once
        later = later.filter(key=change.key)
    for one in later.iterator():
        if names is None or set(names) & set(changed_fields(one)):
            return f"revision {one.number} has changed this again"
    return f"this is not any more what revision {change.number} made of it"
