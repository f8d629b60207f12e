"""Sender lists: trust, block or adjust a sender for the recipients under a key.  Recorded."""

from datetime import datetime
from typing import Any

from django.db import transaction

from appliance.domains.names import printed_key, printed_sender
from appliance.errors import Refused
from appliance.policies.models import SenderRule
from appliance.policies.revisions import record

MOST_POINTS = 1000.0


def as_json(rule: SenderRule | None) -> dict[str, Any] | None:
    """Return the rule as `senders list` prints it; points are 0 but for the action "score"."""
    if rule is None:
        return None
    return {
        "key": rule.key,
        "sender": rule.sender,
        "action": rule.action,
        "points": rule.points,
        "expires_at": rule.expires_at and rule.expires_at.isoformat().replace("+00:00", "Z"),
    }


def parse_action(text: str) -> tuple[str, float]:
    """Return (action, points) for "allow", "block" or a number of points.  Raises Refused."""
    if text in (SenderRule.Action.ALLOW, SenderRule.Action.BLOCK):
        return text, 0.0
    try:
        points = float(text)
    except ValueError:
        raise Refused(f"{text!r} is no action: write allow, block or a number of points") from None
    if not -MOST_POINTS <= points <= MOST_POINTS:
        raise Refused(f"points lie between -{MOST_POINTS:g} and {MOST_POINTS:g}")
    return SenderRule.Action.SCORE, points


@transaction.atomic
def add_sender(
    *, key: str, sender: str, action: str, actor: str, expires_at: datetime | None = None
) -> SenderRule:
    """List `sender` under `key`; an earlier entry is replaced.

    `action`: "allow", "block" or points as text.  Raises Refused.
    """
    word, points = parse_action(action)
    key, sender = printed_key(key), printed_sender(sender)
    before = as_json(SenderRule.objects.filter(key=key, sender=sender).first())
    rule, _ = SenderRule.objects.update_or_create(
        key=key,
        sender=sender,
        defaults={"action": word, "points": points, "expires_at": expires_at},
    )
    after = as_json(rule)
    if before != after:
        record(who=actor, verb="senders add", key=_name(rule), before=before, after=after)
    return rule


@transaction.atomic
def remove_sender(*, key: str, sender: str, actor: str) -> None:
    """Take `sender` off the list under `key`.  Raises Refused where it is not on it."""
    key, sender = printed_key(key), printed_sender(sender)
    rule = SenderRule.objects.select_for_update().filter(key=key, sender=sender).first()
    if rule is None:
        raise Refused(f"{sender or '<>'} is not on the list of {key}")
    record(who=actor, verb="senders remove", key=_name(rule), before=as_json(rule), after=None)
    rule.delete()


def _name(rule: SenderRule) -> str:
    return f"{rule.key} {rule.sender or '<>'}"
