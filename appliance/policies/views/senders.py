"""Screens: sender lists, all of a person's scope and the one under a key."""

from datetime import UTC, datetime, time

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.access import Verb, may, visible_mailboxes
from appliance.accounts.guard import allowed, within
from appliance.accounts.models import User
from appliance.domains.names import printed_sender
from appliance.errors import Refused
from appliance.policies.forms import SenderForm
from appliance.policies.labels import key_words
from appliance.policies.senders import add_sender, remove_sender
from appliance.policies.told import list_history
from appliance.policies.views.keys import asked_key, key_form, key_in_address
from appliance.policies.visible import visible_senders
from appliance.status.models import SiteSettings
from appliance.ui.asking import UNPROCESSABLE, carried_out, posted, told

ROWS_PER_PAGE = 50


@require_safe
def senders(request: HttpRequest) -> HttpResponse:
    """List all sender rules of the person's scope; `?key=` opens the list of a key."""
    person = allowed(request, Verb.SEE_POLICY, Verb.EDIT_LISTS)
    form = key_form(request)
    if key := asked_key(form, person):
        return redirect("sender_list", key)
    rules = Paginator(visible_senders(person), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    mailboxes = [] if may(person, Verb.SEE_POLICY) else visible_mailboxes(person)
    shown = {"page": rules, "form": form, "mailboxes": mailboxes, "now": datetime.now(UTC)}
    return render(request, "senders/list.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
def sender_list(request: HttpRequest, key: str) -> HttpResponse:
    """Show the sender rules under one key; POST adds one."""
    verbs = (Verb.EDIT_LISTS,) if request.method == "POST" else (Verb.SEE_POLICY, Verb.EDIT_LISTS)
    person = allowed(request, *verbs)
    key = within(person, key_in_address(key))
    proofs = SiteSettings.load().sender_authentication
    form = SenderForm(posted(request), initial={"proven": proofs})
    if form.is_valid() and carried_out(form, _add_sender, key=key, form=form, person=person):
        return redirect("sender_list", key)
    rules = Paginator(visible_senders(person).filter(key=key), ROWS_PER_PAGE)
    shown = {
        "key": key,
        "for_whom": key_words(key),
        "page": rules.get_page(request.GET.get("page")),
        "form": form,
        "proofs": proofs,
        "may_edit": may(person, Verb.EDIT_LISTS),
        "may_see_policy": may(person, Verb.SEE_POLICY),
        "history": list_history(person, key) if may(person, Verb.SEE_POLICY) else [],
        "history_key": key,
        "now": datetime.now(UTC),
    }
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "senders/one.html", shown, status=status)


@require_POST
def drop_sender(request: HttpRequest, key: str) -> HttpResponse:
    person = allowed(request, Verb.EDIT_LISTS)
    key = within(person, key_in_address(key))
    sender = request.POST.get("sender", "")
    done = f"{sender} is off the list."
    told(request, done, remove_sender, key=key, sender=sender, actor=person.email)
    return redirect("sender_list", key)


def _add_sender(key: str, form: SenderForm, person: User) -> None:
    """Store what was typed; the rule counts until the end of the day given.  Raises Refused.

    A proof speaks for a sender: for a blocked one it is not asked.
    """
    typed = form.cleaned_data
    if typed["action"] == "score" and typed["points"] is None:
        raise Refused("points need a number")
    until = typed["expires"]
    add_sender(
        key=key,
        sender=printed_sender(typed["sender"]) or "<>",
        action=str(typed["points"]) if typed["action"] == "score" else typed["action"],
        expires_at=datetime.combine(until, time.max, UTC) if until else None,
        authenticated=typed["proven"] and typed["action"] != "block",
        actor=person.email,
    )
