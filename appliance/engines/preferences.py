"""SpamAssassin's preferences by name, as spamd reads them (S-1).  One transaction each; recorded.

Which name counts for a recipient is a matter of policy: sa_username, where sa_userconf is sql:.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Count

from appliance.engines.models import Preference
from appliance.engines.preference_keys import Key, clean_value, find_key
from appliance.errors import Already, Refused
from appliance.policies.revisions import record
from smtpfilter.policy import values

MOST_PREFERENCES = 1000  # of one name; spamd reads them all for every message


def named() -> list[tuple[str, int]]:
    """Return the names that have preferences, each with how many."""
    rows = Preference.objects.order_by("username").values_list("username")
    return list(rows.annotate(number=Count("id")))


def of_name(username: str) -> list[Preference]:
    return list(Preference.objects.filter(username=username))


def as_json(row: Preference) -> dict[str, Any]:
    return {"username": row.username, "preference": row.preference, "value": row.value}


def parse_name(text: str) -> str:
    """Return the name that preferences belong to.  Raises Refused."""
    name = text.strip()
    try:
        if name:
            return values.preference_name(name)
    except values.BadValue:
        pass
    raise Refused(f"{text!r} is no name for preferences: write letters, digits and . _ @ + -")


@transaction.atomic
def set_preference(*, username: str, preference: str, value: str, actor: str) -> Preference:
    """Set one preference of `username`; the next message is scored by it.

    A key that may stand there once, and the points of a rule, take the place of their earlier
    value.  Raises Refused, Already; Unknown for a key that is none.
    """
    name, key = parse_name(username), find_key(preference)
    value = clean_value(key, value)
    earlier = _same_subject(name, key, value)
    if any(row.value == value for row in earlier):
        raise Already(f"{name} has {key.name} {value} already")
    if not earlier and Preference.objects.filter(username=name).count() >= MOST_PREFERENCES:
        raise Refused(f"{name} has {MOST_PREFERENCES} preferences already")
    before = as_json(earlier[0]) if earlier else None
    for row in earlier:
        row.delete()
    row = Preference.objects.create(username=name, preference=key.name, value=value)
    record(who=actor, verb="preferences set", key=name, before=before, after=as_json(row))
    return row


@transaction.atomic
def unset_preference(*, username: str, preference: str, value: str, actor: str) -> None:
    """Remove one preference; without `value` all of that key.  Raises Refused."""
    name, key = parse_name(username), find_key(preference)
    rows = Preference.objects.select_for_update().filter(username=name, preference=key.name)
    if value:
        rows = rows.filter(value=clean_value(key, value))
    found = list(rows)
    if not found:
        raise Refused(f"{name} has no {' '.join((key.name, value)).strip()}")
    for row in found:
        record(who=actor, verb="preferences unset", key=name, before=as_json(row), after=None)
        row.delete()


def key_of(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the key of a row of an import: all that it says.  Raises Refused, Unknown."""
    key = find_key(row["preference"])
    return parse_name(row["username"]), key.name, clean_value(key, row["value"])


def put(row: Mapping[str, Any]) -> None:
    """Store one row of an import, which is recorded there.  Raises Refused, Unknown."""
    username, preference, value = key_of(row)
    Preference.objects.get_or_create(username=username, preference=preference, value=value)


def drop(key: tuple[str, ...]) -> None:
    """Remove the row of an export's key."""
    username, preference, value = key
    Preference.objects.filter(username=username, preference=preference, value=value).delete()


def _same_subject(name: str, key: Key, value: str) -> list[Preference]:
    rows = Preference.objects.select_for_update().filter(username=name, preference=key.name)
    return [row for row in rows if key.subject(row.value) == key.subject(value)]
