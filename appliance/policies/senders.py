"""Sender lists: trust, block or adjust a sender for the recipients under a key.  Recorded.

Only entries made by hand are changed here; those that a source brought are the source's business.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from appliance.domains.names import printed_key, printed_sender
from appliance.errors import Refused
from appliance.policies.models import SenderRule
from appliance.policies.revisions import record

MOST_POINTS = 1000.0


def stored(rule: SenderRule) -> dict[str, Any]:
    """Return what a person said; points are 0 but for the action "score"."""
    return {
        "key": rule.key,
        "sender": rule.sender,
        "action": rule.action,
        "points": rule.points,
        "expires_at": rule.expires_at and rule.expires_at.isoformat().replace("+00:00", "Z"),
        "authenticated": rule.authenticated,
    }


def as_json(rule: SenderRule) -> dict[str, Any]:
    """Return the rule as `senders list` prints it: what was said, how often it counted, and the
    source that it was read from, "" for none.
    """
    return stored(rule) | {
        "hits": rule.hits,
        "last_hit_at": rule.last_hit_at and rule.last_hit_at.isoformat().replace("+00:00", "Z"),
        "source": rule.source,
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
    *,
    key: str,
    sender: str,
    action: str,
    actor: str,
    expires_at: datetime | None = None,
    authenticated: bool = False,
) -> SenderRule:
    """List `sender` under `key`; an earlier entry is replaced.

    `action`: "allow", "block" or points as text.  `authenticated`: it counts only where DKIM or SPF
    proves the sender's domain (W-8).  Raises Refused.
    """
    word, points = parse_action(action)
    key, sender = printed_key(key), printed_sender(sender)
    if authenticated and not sender:
        raise Refused("the null sender has no domain that could be proven")
    earlier = SenderRule.objects.filter(key=key, sender=sender, source="").first()
    before = stored(earlier) if earlier else None
    rule, _ = SenderRule.objects.update_or_create(
        key=key,
        sender=sender,
        source="",
        defaults={
            "action": word,
            "points": points,
            "expires_at": expires_at,
            "authenticated": authenticated,
        },
    )
    after = stored(rule)
    if before != after:
        record(who=actor, verb="senders add", key=_name(rule), before=before, after=after)
    return rule


@transaction.atomic
def remove_sender(*, key: str, sender: str, actor: str) -> None:
    """Take `sender` off the list under `key`.  Raises Refused where it is not on it, or where a
    source put it there.
    """
    key, sender = printed_key(key), printed_sender(sender)
    entries = SenderRule.objects.select_for_update().filter(key=key, sender=sender)
    rule = entries.filter(source="").first()
    if rule is None:
        if read := entries.first():
            raise Refused(f"{sender or '<>'} is read from {read.source}: change it there")
        raise Refused(f"{sender or '<>'} is not on the list of {key}")
    record(who=actor, verb="senders remove", key=_name(rule), before=stored(rule), after=None)
    rule.delete()


def _name(rule: SenderRule) -> str:
    return f"{rule.key} {rule.sender or '<>'}"
