"""The first page: is mail flowing, and what was stopped in the last 24 hours; and the figures for
Prometheus.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth.decorators import login_not_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from appliance.accounts.access import Verb, may, recipients_of
from appliance.accounts.guard import allowed
from appliance.accounts.models import Role
from appliance.status.alarms import current_alarms
from appliance.ui.words import CATEGORIES, word
from quarantine import statistics
from quarantine.metrics import metrics_text
from quarantine.search import Filters, find_recipients
from quarantine.views.mine import mine

LATEST = 8


@dataclass(frozen=True, slots=True)
class Figure:
    """`link`: the list behind the number."""

    label: str
    number: int
    link: str


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show what a person has to know first; an owner sees the own held mail instead."""
    person = allowed(request, Verb.LIST_MAIL)
    if person.role == Role.OWNER:
        return mine(request, person)
    who, now = recipients_of(person), datetime.now(UTC)
    counts = statistics.count(who, since=now - timedelta(days=1), now=now)
    shown = {
        "figures": list(_figures(counts)),
        "held": list(_held(counts)),
        "waiting": sum(statistics.waiting(who).values()),
        "last_received": statistics.last_received(who),
        "rows": find_recipients(who & ~Q(destiny="pass"), Filters(), limit=LATEST).rows,
    }
    if may(person, Verb.SEE_SYSTEM):  # the page asks for the parts' answers when it is there
        shown |= {"sees_system": True, "alarms": current_alarms(now)}
    return render(request, "overview.html", shown)


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus: numbers only, no names."""
    return HttpResponse(metrics_text(), content_type=CONTENT_TYPE_LATEST)


def _figures(counts: statistics.Counts) -> Iterator[Figure]:
    mails = reverse("mails")
    yield Figure("Delivered", counts.delivered, f"{mails}?outcome=delivered&period=day")
    yield Figure("Held", counts.held_in_all, f"{mails}?outcome=held&period=day")
    yield Figure("Rejected", counts.rejected, f"{mails}?outcome=rejected&period=day")
    yield Figure("Discarded", counts.discarded, f"{mails}?outcome=discarded&period=day")
    yield Figure("Deferred", counts.deferred, f"{mails}?outcome=deferred&period=day")


def _held(counts: statistics.Counts) -> Iterator[Figure]:
    """Yield what was held by category, the most frequent first."""
    for category, number in sorted((counts.held or {}).items(), key=lambda item: -item[1]):
        link = f"{reverse('mails')}?category={category}&outcome=held&period=day"
        yield Figure(word(CATEGORIES, category).label, number, link)
