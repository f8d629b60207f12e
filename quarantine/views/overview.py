"""The first page: is mail flowing, what was stopped, and how a period went; and the figures for
Prometheus.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from appliance.accounts.access import Scope, Verb, may, scope_of
from appliance.accounts.guard import allowed
from appliance.accounts.models import Role
from appliance.policies.inherit import NOBODY, inherited
from appliance.status.alarms import current_alarms
from appliance.status.models import SiteSettings
from appliance.ui.words import CATEGORIES, OUTCOMES, word
from quarantine import scores, statistics, tops
from quarantine.forms import PERIODS
from quarantine.metrics import metrics_text
from quarantine.search import Filters, find_recipients
from quarantine.views import charts
from quarantine.views.charts import Line, mails_link
from quarantine.views.mine import mine

LATEST = 8
_FIGURES = ("delivered", "held", "rejected", "discarded", "deferred")


@dataclass(frozen=True, slots=True)
class Figure:
    """`link`: the list behind the number."""

    label: str
    number: int
    link: str


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show what a person has to know first; an owner sees the own held mail instead.  The page asks
    for itself again every half minute, then without the frame.
    """
    person = allowed(request, Verb.LIST_MAIL)
    if person.role == Role.OWNER:
        return mine(request, person)
    period = request.GET.get("period", "")
    period = period if period in PERIODS else "day"
    scope, now = scope_of(person), datetime.now(UTC)
    who = scope.q()
    shown = _period(who, scope, period, now) | {
        "waiting": sum(statistics.waiting(who).values()),
        "last_received": statistics.last_received(who),
        "rows": find_recipients(who & ~Q(destiny="pass"), Filters(), limit=LATEST).rows,
    }
    if may(person, Verb.SEE_SYSTEM):  # the page asks for the parts' answers when it is there
        shown |= {"sees_system": True, "alarms": current_alarms(now)}
    live = request.headers.get("HX-Target") == "live"
    return render(request, "overview/live.html" if live else "overview.html", shown)


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus: numbers only, no names."""
    return HttpResponse(metrics_text(), content_type=CONTENT_TYPE_LATEST)


def _period(who: Q, scope: Scope, period: str, now: datetime) -> dict[str, Any]:
    """Return what happened in the period, for the template."""
    since = now - PERIODS[period][1]
    _, length, _ = charts.PERIODS[period]
    steps = statistics.steps(who, since=since, now=now, length=length)
    counts = statistics.together([step.counts for step in steps])
    bars = scores.histogram(who, since=since)
    return {
        "period": period,
        "period_label": charts.PERIODS[period][0],
        "periods": {name: label for name, (label, _, _) in charts.PERIODS.items()},
        "figures": list(_figures(counts, period)),
        "held": list(_held(counts, period)),
        "traffic": charts.traffic(steps, period),
        "found": charts.found(steps, period),
        "scores": charts.scores(bars, _levels(scope), period),
        "senders": tops.top_senders(who, since=since),
        "recipients": tops.top_recipients(who, since=since),
        "viruses": tops.top_viruses(who, since=since),
        "rules": tops.top_rules(who, since=since),
        "suspects": tops.suspects(who, since=since),
        "sample": tops.SAMPLE,
        "sample_note": f"In the newest {tops.SAMPLE:,} messages",
    }


def _figures(counts: statistics.Counts, period: str) -> Iterator[Figure]:
    for outcome in _FIGURES:
        number = counts.held_in_all if outcome == "held" else getattr(counts, outcome)
        link = mails_link(outcome=outcome, period=period)
        yield Figure(word(OUTCOMES, outcome).label, number, link)


def _held(counts: statistics.Counts, period: str) -> Iterator[Figure]:
    """Yield what was held by category, the most frequent first."""
    for category, number in sorted(counts.held.items(), key=lambda item: -item[1]):
        link = mails_link(category=category, outcome="held", period=period)
        yield Figure(word(CATEGORIES, category).label, number, link)


def _levels(scope: Scope) -> list[Line]:
    """Return the levels of the only domain in the scope, else the site's, and from where on Bayes
    learns by itself.
    """
    only = next(iter(scope.domains)) if len(scope.domains) == 1 else "invalid"
    policy = inherited(f"{NOBODY}@{only.removeprefix('.')}")
    row = SiteSettings.load()
    named = [
        ("marked", policy["spam_tag2_level"].value),
        ("held", policy["spam_kill_level"].value),
    ]
    if row.use_bayes and row.bayes_auto_learn:
        named += [
            ("learnt as wanted", row.bayes_auto_learn_threshold_nonspam),
            ("learnt as spam", row.bayes_auto_learn_threshold_spam),
        ]
    at: dict[float, list[str]] = {}  # two names at the same place would hide each other
    for label, value in named:
        at.setdefault(value, []).append(label)
    return [Line(" and ".join(labels), value) for value, labels in at.items()]
