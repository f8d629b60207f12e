"""What was done today, counted from the journal: for the overview and for /metrics.

The day's rows are found by the range of their ids, which are made of time.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from quarantine.models import HeldState, MailRecord, RecipientRecord, Release, ReleaseState
from quarantine.models.attempt import LEASE
from smtpfilter.mail.envelope import MailId
from smtpfilter.verdict.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Counts:
    """Recipients of one period by how it ended for them.

    `held`: by category, those for whom a copy was kept instead of delivery.  `unknown`: nobody can
    say how it ended, the sender tries again.
    """

    delivered: int = 0
    held: dict[str, int] | None = None
    discarded: int = 0
    rejected: int = 0
    bounced: int = 0
    deferred: int = 0
    pending: int = 0
    unknown: int = 0

    @property
    def held_in_all(self) -> int:
        return sum((self.held or {}).values())

    @property
    def stopped(self) -> int:
        return self.held_in_all + self.discarded + self.rejected + self.bounced

    @property
    def all(self) -> int:
        return self.delivered + self.stopped + self.deferred + self.pending + self.unknown


def count(who: Q, *, since: datetime, now: datetime) -> Counts:
    """Return how mail that came at or after `since` ended, for recipients in the clause `who`."""
    rows = RecipientRecord.objects.filter(who, mail_id__gte=MailId.make(since, 0).number)
    stale = MailId.make(now - LEASE, 0).number
    totals: dict[str, int] = {}
    held: dict[str, int] = {}
    groups = rows.values_list("outcome", "category").annotate(
        rows=Count("pk"), stale=Count("pk", filter=Q(mail_id__lt=stale))
    )
    for outcome, category, number, old in groups.order_by():
        totals[outcome] = totals.get(outcome, 0) + number
        if outcome == Outcome.HELD:
            held[category] = number
        if outcome == Outcome.PENDING:
            totals["unknown"] = totals.get("unknown", 0) + old
            totals[outcome] -= old
    totals.pop(Outcome.HELD, None)
    return Counts(held=held, **totals)


def last_received(who: Q) -> datetime | None:
    """Return when the newest message for one of these recipients came, None before the first."""
    row = RecipientRecord.objects.filter(who).order_by("-mail_id").select_related("mail").first()
    return row.mail.received_at if row else None


def waiting(who: Q) -> dict[str, int]:
    """Return how many copies wait for a person: held, requested, failed."""
    states = [str(s) for s in (HeldState.HELD, HeldState.REQUESTED, HeldState.FAILED)]
    rows = RecipientRecord.objects.filter(who, state__in=states).values_list("state")
    found = dict(rows.annotate(rows=Count("pk")).order_by())
    return {state: found.get(state, 0) for state in states}


def releases_under_way() -> int:
    under_way = [str(ReleaseState.WAITING), str(ReleaseState.SENDING)]
    return Release.objects.filter(state__in=under_way).count()


def messages_since(since: datetime) -> int:
    return MailRecord.objects.filter(pk__gte=MailId.make(since, 0).number).count()
