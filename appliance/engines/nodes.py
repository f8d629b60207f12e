"""The nodes whose agents bring settings into force: which is silent, and which is no more."""

from datetime import datetime, timedelta

from django.db import transaction

from appliance.engines.models import Rendering
from appliance.errors import Unknown
from appliance.policies.revisions import record
from smtpfilter.mail.findings import visible

SILENT = timedelta(minutes=2)  # eight signs of life


def silence(row: Rendering, now: datetime) -> str:
    """Return since when nobody keeps the node's settings in force, "" where its agent is alive."""
    ago = now - row.seen_at
    if ago < SILENT:
        return ""
    return f"the agent was last seen {ago / timedelta(minutes=1):.0f} min ago: does runagent run?"


@transaction.atomic
def forget_node(*, node: str, actor: str) -> None:
    """Forget a node that is no more; one whose agent is alive tells of itself anew.

    Raises Unknown.
    """
    if not Rendering.objects.filter(node=node).delete()[0]:
        raise Unknown(f"no node {visible(node)!r} has told of itself")
    record(who=actor, verb="node forget", key=node, before={}, after=None)
