"""Screens: layers of policy, and the settings of one with what it inherits."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from appliance.accounts.access import Verb, may, scope_of
from appliance.accounts.guard import allowed, within
from appliance.accounts.models import User
from appliance.policies.edit import change_fields, find_layer, read_layers, stored_settings
from appliance.policies.groups import LEVELS, grouped, level_of, said_by, upper_columns
from appliance.policies.history import newest
from appliance.policies.inherit import Chain, chain_of
from appliance.policies.kinds import LAYERS
from appliance.policies.labels import LABELS, NAMED_WORDS, key_words, worded_settings
from appliance.policies.meanwhile import caught_up
from appliance.policies.overrides import counts, overriding
from appliance.policies.policy_form import LayerForm
from appliance.policies.revisions import because
from appliance.policies.told import history_of, tell
from appliance.policies.treatments import BY_NAME, LINES, meanings
from appliance.policies.views.keys import asked_key, key_form, key_in_address
from appliance.policies.visible import visible_layers
from appliance.ui.asking import UNPROCESSABLE, carried_out, posted
from smtpfilter.policy.lookup import SITE

ROWS_PER_PAGE = 50
CONFLICT = 409


@require_safe
def policies(request: HttpRequest) -> HttpResponse:
    """List the layers of the person's scope; `?key=` opens the layer of a key, which need not exist
    yet.
    """
    person = allowed(request, Verb.SEE_POLICY)
    form = key_form(request)
    if key := asked_key(form, person):
        return redirect("policy", key)
    layers = Paginator(visible_layers(person), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    rows = [(layer, key_words(layer.key), stored_settings(layer)) for layer in layers]
    sees_site = scope_of(person).everything
    shown = {"page": layers, "rows": rows, "form": form, "sees_site": sees_site, "site": SITE}
    return render(request, "policies/list.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
def policy(request: HttpRequest, key: str) -> HttpResponse:
    """Show one layer; POST stores the fields and locks that were changed.

    Where somebody else changed the layer since the form was opened nothing is stored: the form
    comes back with both changes in it.
    """
    person = allowed(request, Verb.EDIT_POLICY if request.method == "POST" else Verb.SEE_POLICY)
    key = within(person, key_in_address(key))
    chain, revision = chain_of(key), newest(key)
    data, meanwhile = caught_up(key, posted(request), chain.inherited)
    layer, edits_site = find_layer(key), may(person, Verb.EDIT_SITE)
    form = LayerForm(layer, chain.inherited, edits_site, data, revision=revision)
    acts = form.is_valid() and not meanwhile
    unasked = acts and form.leaves_unasked()
    if acts and not unasked and carried_out(form, _save, key=key, form=form, who=person):
        messages.success(request, "Saved. The next message obeys it.")
        return redirect("policy", key)
    shown = {
        "layer": layer,
        "read": [(row.source, worded_settings(row)) for row in read_layers(key)],
        "form": form,
        "may_edit": may(person, Verb.EDIT_POLICY),
        "meanwhile": [tell(change) for change in meanwhile],
        "unasked": unasked,
        **_around(person, key, form, chain),
    }
    status = CONFLICT if meanwhile else UNPROCESSABLE if form.errors or unasked else 200
    return render(request, "policies/policy.html", shown, status=status)


@require_safe
def overrides(request: HttpRequest) -> HttpResponse:
    """List the layers below `?key=` that say something else about the line `?of=` of its form."""
    person = allowed(request, Verb.SEE_POLICY)
    key = within(person, key_in_address(request.GET.get("key", "")))
    line = request.GET.get("of", "")
    if line not in LINES:
        raise Http404
    found = overriding(visible_layers(person), key, line)
    layers = Paginator(found, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    label = BY_NAME[line].label if line in BY_NAME else LABELS[line]
    rows = [(layer, key_words(layer.key), said_by(layer, line)) for layer in layers]
    query = f"{urlencode({'key': key, 'of': line})}&"
    shown = {"key": key, "label": label, "page": layers, "rows": rows, "query": query}
    return render(request, "policies/overrides.html", shown)


def _around(person: User, key: str, form: LayerForm, chain: Chain) -> dict[str, Any]:
    """Return what stands around the form: other layers, named policies, what was changed."""
    overridden = counts(visible_layers(person), key)
    return {
        "key": key,
        "for_whom": key_words(key),
        "level": LEVELS[level_of(key)],
        "columns": [LEVELS[level] for level in upper_columns(key)],
        "groups": grouped(form, scope_of(person), chain, key=key, overrides=overridden),
        "treatments": meanings(),
        "named": [
            (policy, NAMED_WORDS.get(policy.name, ""), worded_settings(policy))
            for policy in form.policies.values()
        ],
        "history": history_of(person, LAYERS, key),
        "history_key": key,
    }


def _save(key: str, form: LayerForm, who: User) -> None:
    with because(form.cleaned_data["why"]):
        change_fields(
            key=key,
            values=form.changes(),
            locked=form.locked(),
            policy=form.cleaned_data["policy"],
            seen=form.cleaned_data["revision"],
            actor=who.email,
        )
