"""Screens: whose SpamAssassin preferences there are, and those of one name."""

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.access import Verb, may
from appliance.accounts.guard import allowed
from appliance.engines.preference_keys import KEYS, LONGEST_VALUE
from appliance.engines.preferences import (
    named,
    of_name,
    parse_name,
    set_preference,
    unset_preference,
)
from appliance.errors import Refused
from appliance.ui.asking import UNPROCESSABLE, asked_name, carried_out, posted, told


class NameForm(forms.Form):
    """Whose preferences are opened."""

    name = forms.CharField(
        max_length=100,
        help_text="As a policy names it with sa_username; letters, digits and . _ @ + -",
        widget=forms.TextInput({"placeholder": "careful"}),
    )


class PreferenceForm(forms.Form):
    """One preference.  What its value may be, the verb says."""

    preference = forms.ChoiceField(choices=[(key, key) for key in KEYS])
    value = forms.CharField(max_length=LONGEST_VALUE, help_text="How it is written: see below.")


@require_safe
def preferences(request: HttpRequest) -> HttpResponse:
    """List the names that have preferences; `?name=` opens one, which need not have any yet."""
    person = allowed(request, Verb.SEE_SYSTEM)
    form = NameForm(request.GET if "name" in request.GET else None)
    if name := asked_name(form, parse_name):
        return redirect("preference_list", name)
    shown = {"names": named(), "form": form, "may_edit": may(person, Verb.EDIT_SITE)}
    return render(request, "engines/preferences.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
def preference_list(request: HttpRequest, name: str) -> HttpResponse:
    """Show the preferences of one name; POST sets one."""
    person = allowed(request, Verb.EDIT_SITE if request.method == "POST" else Verb.SEE_SYSTEM)
    name, form = _name(name), PreferenceForm(posted(request))
    if form.is_valid() and carried_out(
        form, set_preference, username=name, **form.cleaned_data, actor=person.email
    ):
        return redirect("preference_list", name)
    shown = {
        "name": name,
        "rows": of_name(name),
        "keys": KEYS.values(),
        "form": form,
        "may_edit": may(person, Verb.EDIT_SITE),
    }
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "engines/preference_list.html", shown, status=status)


@require_POST
def preference_remove(request: HttpRequest, name: str) -> HttpResponse:
    person = allowed(request, Verb.EDIT_SITE)
    name, key = _name(name), request.POST.get("preference", "")
    value = request.POST.get("value", "")
    told(
        request,
        f"{key} {value} is removed.",
        unset_preference,
        username=name,
        preference=key,
        value=value,
        actor=person.email,
    )
    return redirect("preference_list", name)


def _name(text: str) -> str:
    try:
        return parse_name(text)
    except Refused:
        raise Http404 from None
