"""What was done in a period, counted from the journal: for the overview and for /metrics.

The rows of a period are found by the range of their ids, which are made of time, and so is the step
of the period that a row belongs to: no message is read for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Q

from quarantine.models import HeldState, MailRecord, RecipientRecord, Release, ReleaseState
from quarantine.models.attempt import LEASE
from smtpfilter.mail.envelope import EPOCH, MailId
from smtpfilter.verdict.outcome import Outcome

STOPPED = (Outcome.HELD, Outcome.DISCARDED, Outcome.REJECTED, Outcome.BOUNCED)


@dataclass(frozen=True, slots=True)
class Counts:
    """Recipients of one period by how it ended for them.

    `held`: by category, those for whom a copy was kept instead of delivery.  `unknown`: nobody can
    say how it ended, the sender tries again.
    """

    delivered: int = 0
    held: dict[str, int] = field(default_factory=dict)
    discarded: int = 0
    rejected: int = 0
    bounced: int = 0
    deferred: int = 0
    pending: int = 0
    unknown: int = 0

    @property
    def held_in_all(self) -> int:
        return sum(self.held.values())

    @property
    def stopped(self) -> int:
        return self.held_in_all + self.discarded + self.rejected + self.bounced

    @property
    def all(self) -> int:
        return self.delivered + self.stopped + self.deferred + self.pending + self.unknown


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a period, from `at` on: how its mail ended, and what it was found to be."""

    at: datetime
    counts: Counts
    found: dict[str, int]


Group = tuple[str, str, int, int]  # outcome, category, rows, and those of them that are stale


def count(who: Q, *, since: datetime, now: datetime) -> Counts:
    """Return how mail that came at or after `since` ended, for recipients in the clause `who`."""
    rows = RecipientRecord.objects.filter(who, mail_id__gte=MailId.make(since, 0).number)
    groups = rows.values_list("outcome", "category").annotate(**_numbers(now))
    return _counts(groups.order_by())


def steps(who: Q, *, since: datetime, now: datetime, length: timedelta) -> list[Step]:
    """Return the period from `since` to `now` in steps of `length`, none left out, each beginning
    at a multiple of it; of the first only what came at or after `since`.
    """
    rows = RecipientRecord.objects.filter(who, mail_id__gte=MailId.make(since, 0).number)
    size = MailId.make(EPOCH + length, 0).number
    place = ExpressionWrapper(F("mail_id") / size, output_field=BigIntegerField())
    groups = rows.annotate(place=place).values_list("place", "outcome", "category")
    found: dict[int, list[Group]] = {}
    for number, *group in groups.annotate(**_numbers(now)).order_by():
        found.setdefault(number, []).append(tuple(group))
    first, last = (MailId.make(at, 0).number // size for at in (since, now))
    return [
        Step(EPOCH + number * length, _counts(groups), _found(groups))
        for number in range(first, last + 1)
        for groups in [found.get(number, [])]
    ]


def together(parts: Sequence[Counts]) -> Counts:
    """Return the sum of the counts."""
    held: dict[str, int] = {}
    for part in parts:
        for category, number in part.held.items():
            held[category] = held.get(category, 0) + number
    names = ("delivered", "discarded", "rejected", "bounced", "deferred", "pending", "unknown")
    return Counts(held=held, **{name: sum(getattr(part, name) for part in parts) for name in names})


def _numbers(now: datetime) -> dict[str, Count]:
    stale = MailId.make(now - LEASE, 0).number
    return {"rows": Count("pk"), "stale": Count("pk", filter=Q(mail_id__lt=stale))}


def _counts(groups: Iterable[Group]) -> Counts:
    totals: dict[str, int] = {}
    held: dict[str, int] = {}
    for outcome, category, number, old in groups:
        totals[outcome] = totals.get(outcome, 0) + number
        if outcome == Outcome.HELD:
            held[category] = held.get(category, 0) + number
        if outcome == Outcome.PENDING:
            totals["unknown"] = totals.get("unknown", 0) + old
            totals[outcome] -= old
    totals.pop(Outcome.HELD, None)
    return Counts(held=held, **totals)


def _found(groups: Iterable[Group]) -> dict[str, int]:
    found: dict[str, int] = {}
    for _, category, number, _ in groups:
        found[category] = found.get(category, 0) + number
    return found


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
