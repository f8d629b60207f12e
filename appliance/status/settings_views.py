"""Screen: the site's settings, one card for each subject, and the senders whose mail is traced."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from appliance.accounts.access import Verb, may
from appliance.accounts.guard import allowed
from appliance.status.cards import card_stored, posted_card, shown_cards
from appliance.status.edit import add_trace, remove_trace
from appliance.status.forms import CARDS, TraceForm
from appliance.status.models import SiteSettings, TracedSender
from appliance.ui.asking import UNPROCESSABLE, told
from smtpfilter.config import ConfigError, FilterConfig


@require_http_methods(["GET", "HEAD", "POST"])
def site_settings(request: HttpRequest) -> HttpResponse:
    """Show all cards; POST stores the one that `card` names."""
    posts = request.method == "POST"
    person = allowed(request, Verb.EDIT_SITE if posts else Verb.SEE_SYSTEM)
    row, edits = SiteSettings.load(), may(person, Verb.EDIT_SITE)
    forms = shown_cards(CARDS, row, edits=edits)
    if posts:
        name, form = posted_card(CARDS, row, request)
        forms[name] = form
        if card_stored(form, actor=person.email):
            messages.success(request, "Saved. It counts from now on.")
            return redirect(f"{request.path}#{name}")
    shown = _machine() | {
        "forms": forms,
        "trace": TraceForm(),
        "traced": TracedSender.objects.all(),
        "may_edit": edits,
    }
    return render(request, "status/settings.html", shown, status=UNPROCESSABLE if posts else 200)


@require_POST
def trace_add(request: HttpRequest) -> HttpResponse:
    """Log the mail of a sender step by step."""
    person = allowed(request, Verb.EDIT_SITE)
    sender = request.POST.get("sender", "").strip()
    told(request, f"{sender} is traced.", add_trace, sender=sender, actor=person.email)
    return redirect("site_settings")


@require_POST
def trace_remove(request: HttpRequest) -> HttpResponse:
    person = allowed(request, Verb.EDIT_SITE)
    sender = request.POST.get("sender", "")
    done = f"{sender or '<>'} is logged as usual again."
    told(request, done, remove_trace, sender=sender or "<>", actor=person.email)
    return redirect("site_settings")


def _machine() -> dict[str, Any]:
    """Return what was set at installation and is only shown."""
    shown: dict[str, Any] = {
        "hostname": settings.APPLIANCE_HOSTNAME,
        "web": settings.WEB_PUBLIC_URL,
    }
    try:
        return shown | {"config": FilterConfig.from_environment()}
    except ConfigError as error:
        return shown | {"broken": str(error)}
