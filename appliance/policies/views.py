"""Screens: layers of policy, the settings of one with what it inherits, and sender lists."""

from datetime import UTC, datetime, time

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.access import Verb, may, scope_of, visible_mailboxes
from appliance.accounts.guard import allowed, within
from appliance.accounts.models import User
from appliance.domains.names import printed_key, printed_sender
from appliance.errors import Refused
from appliance.policies.edit import change_fields, find_layer, stored_settings
from appliance.policies.forms import KeyForm, PolicyForm, SenderForm
from appliance.policies.groups import grouped
from appliance.policies.inherit import inherited
from appliance.policies.labels import key_words
from appliance.policies.senders import add_sender, remove_sender
from appliance.policies.visible import visible_layers, visible_senders
from appliance.ui.asking import UNPROCESSABLE, carried_out, posted, told
from smtpfilter.policy.lookup import SITE

ROWS_PER_PAGE = 50


@require_safe
def policies(request: HttpRequest) -> HttpResponse:
    """List the layers of the person's scope; `?key=` opens the layer of a key, which need not exist
    yet.
    """
    person = allowed(request, Verb.SEE_POLICY)
    form = KeyForm(request.GET or None) if "key" in request.GET else KeyForm()
    if (key := _typed_key(form)) and scope_of(person).covers_key(key):
        return redirect("policy", key)
    if key:
        form.add_error(None, f"{key} lies outside what you look after.")
    layers = Paginator(visible_layers(person), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    rows = [(layer, key_words(layer.key), stored_settings(layer)) for layer in layers]
    sees_site = scope_of(person).everything
    shown = {"page": layers, "rows": rows, "form": form, "sees_site": sees_site, "site": SITE}
    return render(request, "policies/list.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
def policy(request: HttpRequest, key: str) -> HttpResponse:
    """Show one layer; POST stores the fields that were changed."""
    person = allowed(request, Verb.EDIT_POLICY if request.method == "POST" else Verb.SEE_POLICY)
    key = within(person, _printed(key))
    above = inherited(key)
    form = PolicyForm(find_layer(key), above, posted(request))
    if form.is_valid() and carried_out(
        form, change_fields, key=key, values=form.changes(), actor=person.email
    ):
        messages.success(request, "Saved. The next message obeys it.")
        return redirect("policy", key)
    shown = {
        "key": key,
        "for_whom": key_words(key),
        "layer": find_layer(key),
        "form": form,
        "groups": grouped(form, above, scope_of(person)),
        "may_edit": may(person, Verb.EDIT_POLICY),
    }
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "policies/policy.html", shown, status=status)


@require_safe
def senders(request: HttpRequest) -> HttpResponse:
    """List all sender rules of the person's scope; `?key=` opens the list of a key."""
    person = allowed(request, Verb.SEE_POLICY, Verb.EDIT_LISTS)
    form = KeyForm(request.GET or None) if "key" in request.GET else KeyForm()
    if (key := _typed_key(form)) and scope_of(person).covers_key(key):
        return redirect("sender_list", key)
    if key:
        form.add_error(None, f"{key} lies outside what you look after.")
    rules = Paginator(visible_senders(person), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    mailboxes = [] if may(person, Verb.SEE_POLICY) else visible_mailboxes(person)
    shown = {"page": rules, "form": form, "mailboxes": mailboxes}
    return render(request, "senders/list.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
def sender_list(request: HttpRequest, key: str) -> HttpResponse:
    """Show the sender rules under one key; POST adds one."""
    verbs = (Verb.EDIT_LISTS,) if request.method == "POST" else (Verb.SEE_POLICY, Verb.EDIT_LISTS)
    person = allowed(request, *verbs)
    key = within(person, _printed(key))
    form = SenderForm(posted(request))
    if form.is_valid() and carried_out(form, _add_sender, key=key, form=form, person=person):
        return redirect("sender_list", key)
    rules = Paginator(visible_senders(person).filter(key=key), ROWS_PER_PAGE)
    shown = {
        "key": key,
        "for_whom": key_words(key),
        "page": rules.get_page(request.GET.get("page")),
        "form": form,
        "may_edit": may(person, Verb.EDIT_LISTS),
        "may_see_policy": may(person, Verb.SEE_POLICY),
        "now": datetime.now(UTC),
    }
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "senders/one.html", shown, status=status)


@require_POST
def drop_sender(request: HttpRequest, key: str) -> HttpResponse:
    person = allowed(request, Verb.EDIT_LISTS)
    key = within(person, _printed(key))
    sender = request.POST.get("sender", "")
    done = f"{sender} is off the list."
    told(request, done, remove_sender, key=key, sender=sender, actor=person.email)
    return redirect("sender_list", key)


def _typed_key(form: KeyForm) -> str:
    """Return the key that was asked for in printed form, "" without one; what is none is said on
    the form.
    """
    if not form.is_valid():
        return ""
    try:
        return printed_key(form.cleaned_data["key"])
    except Refused as error:
        form.add_error("key", str(error))
        return ""


def _printed(key: str) -> str:
    try:
        return printed_key(key)
    except Refused:
        raise Http404 from None


def _add_sender(key: str, form: SenderForm, person: User) -> None:
    """Store what was typed; the rule counts until the end of the day given.  Raises Refused."""
    typed = form.cleaned_data
    if typed["action"] == "score" and typed["points"] is None:
        raise Refused("points need a number")
    until = typed["expires"]
    add_sender(
        key=key,
        sender=printed_sender(typed["sender"]) or "<>",
        action=str(typed["points"]) if typed["action"] == "score" else typed["action"],
        expires_at=datetime.combine(until, time.max, UTC) if until else None,
        actor=person.email,
    )
