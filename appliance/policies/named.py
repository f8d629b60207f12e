"""Named policies: bundles of settings that several layers share.  One transaction each; recorded.

`values` are written as people write them, see edit.py.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from appliance.errors import Refused
from appliance.policies.edit import assign, find_named, stored_settings
from appliance.policies.models import NamedPolicy
from appliance.policies.revisions import record

LONGEST_NAME = 100


def as_json(policy: NamedPolicy | None) -> dict[str, Any] | None:
    """Return the policy as `policy named show` prints it, or None."""
    return {"name": policy.name, "settings": stored_settings(policy)} if policy else None


def policy_name(text: str) -> str:
    """Return the name of a policy.  Raises Refused."""
    name = text.strip()
    if not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
        raise Refused(f"a named policy has a name of 1 to {LONGEST_NAME} characters")
    return name


@transaction.atomic
def change_named(*, name: str, values: Mapping[str, str | None], actor: str) -> NamedPolicy:
    """Set fields of the policy `name`, made if missing; those with the value None are inherited.

    Raises Refused; Unknown for a field.
    """
    rows = NamedPolicy.objects.select_for_update()
    policy, made = rows.get_or_create(name=policy_name(name))
    before = None if made else as_json(policy)
    assign(policy, values)
    policy.save()
    after = as_json(policy)
    if before != after:
        record(who=actor, verb="policy named set", key=policy.name, before=before, after=after)
    return policy


@transaction.atomic
def remove_named(*, name: str, actor: str) -> None:
    """Remove the policy.  Raises Refused where there is none, or while layers use it."""
    policy = find_named(name)
    users = ", ".join(policy.layers.values_list("key", flat=True)[:10])
    if users:
        raise Refused(f"the named policy {name!r} is used by {users}")
    record(who=actor, verb="policy named remove", key=name, before=as_json(policy), after=None)
    policy.delete()
