"""What a layer has beside its settings: locks, a named policy, a priority.  Recorded."""

from collections.abc import Iterable

from appliance.errors import Refused
from appliance.policies.edit import (
    change_fields,
    changed_layer,
    find_layer,
    find_named,
    refuse_unknown,
)
from appliance.policies.models import PolicyLayer

LARGEST_PRIORITY = 1_000_000


def lock_fields(*, key: str, fields: Iterable[str], actor: str) -> PolicyLayer | None:
    """Fix fields at `key`, with the value that holds there, for all layers below.

    Raises Refused where a layer above has locked one already; Unknown for a field.
    """
    fields = set(fields)
    refuse_unknown(fields)
    return change_fields(key=key, values={}, locked=_locked(key) | fields, actor=actor)


def unlock_fields(*, key: str, fields: Iterable[str], actor: str) -> PolicyLayer | None:
    """Let layers below `key` change fields again.  Raises Refused where one is not locked there."""
    fields = set(fields)
    refuse_unknown(fields)
    for name in sorted(fields - _locked(key)):
        raise Refused(f"{name} is not locked at {key}")
    return change_fields(key=key, values={}, locked=_locked(key) - fields, actor=actor)


def use_policy(*, key: str, name: str | None, actor: str) -> PolicyLayer | None:
    """Let what the layer at `key` does not set itself come from the named policy; None for none.

    Raises Refused where there is no such policy.
    """
    policy = find_named(name) if name is not None else None
    with changed_layer(key=key, actor=actor) as layer:
        layer.policy = policy
    return layer if layer.pk else None


def set_priority(*, key: str, priority: int | None, actor: str) -> PolicyLayer | None:
    """Let the layer at `key` count as if its key had this priority; None: by the key's form (P-1).

    The larger counts first.  Raises Refused.
    """
    if priority is not None and abs(priority) > LARGEST_PRIORITY:
        raise Refused(f"a priority lies between -{LARGEST_PRIORITY} and {LARGEST_PRIORITY}")
    with changed_layer(key=key, actor=actor) as layer:
        layer.priority = priority
    return layer if layer.pk else None


def _locked(key: str) -> set[str]:
    layer = find_layer(key)
    return set(layer.locked) if layer else set()
