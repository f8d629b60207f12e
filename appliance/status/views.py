"""Is it alive, would mail flow: for monitoring without a login, and as a fragment for people."""

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from appliance.accounts.access import Verb, may
from appliance.accounts.guard import allowed
from appliance.status.alarms import current_alarms, dismiss_alarm
from appliance.status.health import mail_flows, probe_all
from appliance.status.probe import Probe
from appliance.ui.asking import told

FRESH_SECONDS = 3  # each probe is real work for the engines: more often it is not done


def probes() -> dict[str, Probe]:
    """Return what every part of the appliance says, at most FRESH_SECONDS old."""
    return cache.get_or_set("probes", probe_all, FRESH_SECONDS) or {}


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while this process answers and reaches Postgres."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("the database does not answer\n", "text/plain", status=503)
    return HttpResponse("ok\n", "text/plain")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when mail would flow; names of the parts only, since whoever asks is not known."""
    answers = probes()
    parts = {name: probe.ok for name, probe in answers.items()}
    ready = mail_flows(answers)
    return JsonResponse({"ok": ready, "parts": parts}, status=200 if ready else 503)


@require_POST
def alarm_dismiss(request: HttpRequest) -> HttpResponse:
    """Forget an alarm until it is sounded again."""
    person = allowed(request, Verb.EDIT_SITE)
    name = request.POST.get("name", "")
    told(request, "The alarm is dismissed.", dismiss_alarm, name=name, actor=person.email)
    return redirect("status")


@require_safe
def state(request: HttpRequest) -> HttpResponse:
    """The engines' state in plain words; the overview loads it again every half minute."""
    person = allowed(request, Verb.SEE_SYSTEM)
    answers = probes()
    page = "status/flow.html" if request.headers.get("HX-Request") else "status/state.html"
    shown = {
        "probes": answers,
        "flows": mail_flows(answers),
        "alarms": current_alarms(timezone.now()),
        "may_edit": may(person, Verb.EDIT_SITE),
    }
    return render(request, page, shown)
