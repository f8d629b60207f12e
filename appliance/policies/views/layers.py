"""Screens: layers of policy, and the settings of one with what it inherits."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from appliance.accounts.access import Verb, may, scope_of
from appliance.accounts.guard import allowed, within
from appliance.accounts.models import User
from appliance.policies.edit import change_fields, find_layer, read_layers, stored_settings
from appliance.policies.forms import PolicyForm
from appliance.policies.groups import grouped
from appliance.policies.history import newest
from appliance.policies.inherit import inherited
from appliance.policies.kinds import LAYERS
from appliance.policies.labels import key_words, worded_settings
from appliance.policies.meanwhile import caught_up
from appliance.policies.told import history_of, tell
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
    above, revision = inherited(key), newest(key)
    data, meanwhile = caught_up(key, posted(request))
    edits_site = may(person, Verb.EDIT_SITE)
    form = PolicyForm(find_layer(key), above, edits_site, data, revision=revision)
    acts = form.is_valid() and not meanwhile
    if acts and carried_out(form, _save, key=key, form=form, who=person):
        messages.success(request, "Saved. The next message obeys it.")
        return redirect("policy", key)
    shown = {
        "key": key,
        "for_whom": key_words(key),
        "layer": find_layer(key),
        "read": [(layer.source, worded_settings(layer)) for layer in read_layers(key)],
        "form": form,
        "groups": grouped(form, above, scope_of(person)),
        "may_edit": may(person, Verb.EDIT_POLICY),
        "history": history_of(person, LAYERS, key),
        "history_key": key,
        "meanwhile": [tell(change) for change in meanwhile],
    }
    status = CONFLICT if meanwhile else UNPROCESSABLE if form.errors else 200
    return render(request, "policies/policy.html", shown, status=status)


def _save(key: str, form: PolicyForm, who: User) -> None:
    change_fields(
        key=key,
        values=form.changes(),
        locked=form.locked(),
        seen=form.cleaned_data["revision"],
        actor=who.email,
    )
