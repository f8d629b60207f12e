"""The two lists of mail: copies that are held, and everything that passed.  Filters and pages are
the server's.
"""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliance.accounts.access import Verb, recipients_of
from appliance.accounts.guard import allowed
from quarantine.forms import HeldFilter, JournalFilter, MailFilter
from quarantine.models import COPY_STATES
from quarantine.search import Filters, find_mails, find_recipients

ROWS = 50


@require_safe
def quarantine(request: HttpRequest) -> HttpResponse:
    """List held copies, those first that somebody has to look at; one row per message and
    recipient.
    """
    person = allowed(request, Verb.LIST_MAIL)
    form = HeldFilter(request.GET)
    filters = _filters(form)
    who = recipients_of(person)
    if not filters.state:
        who &= Q(state__in=[str(state) for state in COPY_STATES])
    page = find_recipients(who, filters, limit=ROWS, after=_after(request), held=True)
    shown = {
        "heading": "Quarantine",
        "lead": "Mail that was stopped and kept. Open one to see why, to release or to delete it.",
        "rows_template": "quarantine/rows.html",
        "nothing": "Nothing is held that matches. That is good news.",
        "rows": page.rows,
    }
    return _list(request, form, shown, page.following)


@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """List all messages, delivered ones too."""
    person = allowed(request, Verb.LIST_MAIL)
    form = JournalFilter(request.GET)
    page = find_mails(recipients_of(person), _filters(form), limit=ROWS, after=_after(request))
    shown = {
        "heading": "Messages",
        "lead": "Everything that came by, and how it ended for each recipient.",
        "rows_template": "mails/rows.html",
        "nothing": "No message matches.",
        "rows": [{"mail": mail, "recipients": mail.recipients.all()} for mail in page.rows],
    }
    return _list(request, form, shown, page.following)


def _list(
    request: HttpRequest, form: MailFilter, shown: dict[str, Any], following: str
) -> HttpResponse:
    """Answer with the page, or with its rows alone where htmx only wants these."""
    shown["form"] = form
    shown["older"] = _link(request.GET, following) if following else ""
    shown["newer"] = _link(request.GET, "") if _after(request) else ""
    fragment = request.headers.get("HX-Target") == "rows"
    return render(request, shown["rows_template"] if fragment else "quarantine/list.html", shown)


def _filters(form: MailFilter) -> Filters:
    """Return what is looked for; a field that makes no sense does not narrow, and says so."""
    form.is_valid()
    typed = form.cleaned_data
    within = form.within()
    return Filters(
        recipient=typed.get("recipient", ""),
        sender=typed.get("sender", ""),
        category=typed.get("category", ""),
        outcome=typed.get("outcome", ""),
        state=typed.get("state", ""),
        text=typed.get("text", ""),
        since=datetime.now(UTC) - within if within else None,
    )


def _after(request: HttpRequest) -> str:
    return request.GET.get("after", "")


def _link(query: QueryDict, after: str) -> str:
    changed = query.copy()
    changed.pop("after", None)
    if after:
        changed["after"] = after
    return f"?{changed.urlencode()}"
