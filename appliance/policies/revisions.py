"""The record of changes: each verb that changes what the filter obeys adds a row in the same
transaction.

The number of the newest row is the revision of the policy, which every judged message notes.
"""

from collections.abc import Mapping
from typing import Any

from django.db.models import Max

from appliance.policies.models import PolicyChange
from smtpfilter.mail.findings import visible


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
        who=visible(who, 254), verb=verb, key=key, before=before, after=after
    )


def revision() -> int:
    """Return the number of the newest change, 0 before the first."""
    return PolicyChange.objects.aggregate(newest=Max("number"))["newest"] or 0
