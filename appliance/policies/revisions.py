"""The record of changes: each verb that changes what the filter obeys adds a row in the same
transaction.

The number of the newest row is the revision of the policy, which every judged message notes.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db.models import Max

from appliance.policies.models import REASON_LIMIT, PolicyChange
from smtpfilter.mail.findings import visible

_reason: ContextVar[str] = ContextVar("reason", default="")


@contextmanager
def because(reason: str) -> Iterator[None]:
    """Note `reason` with every change that is recorded inside; "" for none."""
    token = _reason.set(reason.strip())
    try:
        yield
    finally:
        _reason.reset(token)


def record(
    *,
    who: str,
    verb: str,
    key: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> PolicyChange:
    """Record one change; `before` and `after` are JSON, None where there was or is nothing."""
    return PolicyChange.objects.create(
        who=visible(who, 254),
        verb=verb,
        key=key,
        before=before,
        after=after,
        why=visible(_reason.get(), REASON_LIMIT),
    )


def revision() -> int:
    """Return the number of the newest change, 0 before the first."""
    return PolicyChange.objects.aggregate(newest=Max("number"))["newest"] or 0


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with its settings beside its other fields."""
    rest = {name: value for name, value in row.items() if name != "settings"}
    return {**rest, **row.get("settings", {})}
