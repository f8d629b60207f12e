"""Screens: all recorded changes, and one with what it changed and how it is taken back."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from appliance.accounts.access import Verb
from appliance.accounts.guard import allowed
from appliance.policies.history import LARGEST_NUMBER
from appliance.policies.kinds import BY_NAME
from appliance.policies.models import PolicyChange
from appliance.policies.revert import may_take_back, take_back
from appliance.policies.revision_forms import RevisionFilter, TakeBackForm
from appliance.policies.told import tell
from appliance.policies.visible import visible_changes
from appliance.ui.asking import told

ROWS = 50


@require_safe
def revisions(request: HttpRequest) -> HttpResponse:
    """List the changes that the person may see, the newest first; `?until=N` begins at revision
    N.
    """
    person = allowed(request, Verb.SEE_POLICY)
    form = RevisionFilter(request.GET)
    until = _number(request.GET.get("until", ""))
    changes = _filtered(visible_changes(person), form)
    found = list((changes.filter(number__lte=until) if until else changes)[: ROWS + 1])
    shown: dict[str, Any] = {
        "form": form,
        "rows": [tell(change) for change in found[:ROWS]],
        "until": until,
        "older": _link(request, found[ROWS].number) if len(found) > ROWS else "",
        "newer": _link(request, None) if until else "",
    }
    fragment = request.headers.get("HX-Target") == "rows"
    return render(request, f"revisions/{'rows' if fragment else 'list'}.html", shown)


@require_safe
def revision(request: HttpRequest, number: int) -> HttpResponse:
    """Show one change: who, when, why, and each field before and after."""
    person = allowed(request, Verb.SEE_POLICY)
    change = get_object_or_404(visible_changes(person), pk=number)
    may_undo = may_take_back(person, change)
    shown = {"told": tell(change), "form": TakeBackForm(), "may_undo": may_undo}
    return render(request, "revisions/one.html", shown)


@require_POST
def revert(request: HttpRequest, number: int) -> HttpResponse:
    """Take one change back; where later changes stand in the way, the page says which."""
    person = allowed(request, Verb.SEE_POLICY)
    change = get_object_or_404(visible_changes(person), pk=number)
    if not may_take_back(person, change):
        raise PermissionDenied
    form = TakeBackForm(request.POST)
    why = form.cleaned_data["why"] if form.is_valid() else ""
    done = f"Revision {number} is taken back. The next message obeys it."
    told(request, done, take_back, number=number, why=why, actor=person.email)
    return redirect("revision", number)


def _filtered(changes: QuerySet[PolicyChange], form: RevisionFilter) -> QuerySet[PolicyChange]:
    """Narrow by what was typed; a field that makes no sense does not narrow, and says so."""
    form.is_valid()
    typed = form.cleaned_data
    if kind := BY_NAME.get(typed.get("kind", "")):
        changes = changes.filter(verb__in=kind.verbs)
    if key := typed.get("key"):
        changes = changes.filter(Q(key=key) | Q(key__startswith=f"{key} "))
    if who := typed.get("who"):
        changes = changes.filter(who__iexact=who)
    return changes


def _number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    return min(number, LARGEST_NUMBER)


def _link(request: HttpRequest, until: int | None) -> str:
    """Return the address of the page with the same filter that begins at revision `until`."""
    asked = request.GET.copy()
    asked.pop("until", None)
    if until is not None:
        asked["until"] = str(until)
    return f"{request.path}?{asked.urlencode()}" if asked else request.path
