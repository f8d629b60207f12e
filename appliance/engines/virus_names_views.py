"""Screen: names of viruses that are worth points, with the editor of the site's own list."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from appliance.accounts.access import Verb, may
from appliance.accounts.guard import allowed
from appliance.engines.virus_names import (
    Rules,
    checked_list,
    deciding,
    own_rules,
    reset_rules,
    rules_in_force,
    set_rules,
)
from appliance.engines.virus_names_forms import (
    MOST_ON_SCREEN,
    NameForm,
    NameRuleForms,
    from_forms,
    to_forms,
)
from appliance.errors import Refused
from appliance.ui.asking import UNPROCESSABLE, carried_out, sentence, told
from appliance.ui.ordering import moved
from smtpfilter.policy.site import NamePoints
from smtpfilter.policy.virus_names import BUILT_IN


@require_http_methods(["GET", "HEAD", "POST"])
def virus_names(request: HttpRequest) -> HttpResponse:
    """Show the list in force and try a name on it (`?name=`); POST edits or saves the site's own,
    or begins one.
    """
    posts = request.method == "POST"
    person = allowed(request, Verb.EDIT_SITE if posts else Verb.SEE_SYSTEM)
    rules, edits = rules_in_force(), may(person, Verb.EDIT_SITE)
    if posts and request.POST.get("do") == "begin":
        return _page(request, rules, edits=True, changed=True)
    if posts:
        return _edited(request, person.email)
    sample = NameForm(request.GET if "name" in request.GET else None)
    edits = edits and bool(own_rules()) and len(rules) <= MOST_ON_SCREEN
    return _page(request, rules, edits=edits, sample=sample, **_tried(rules, sample))


@require_POST
def reset(request: HttpRequest) -> HttpResponse:
    """Use the shipped list again."""
    person = allowed(request, Verb.EDIT_SITE)
    told(request, "The shipped list counts again.", reset_rules, actor=person.email)
    return redirect("virus_names")


def _edited(request: HttpRequest, actor: str) -> HttpResponse:
    """Do what the pressed button says with what was typed."""
    typed, sample = NameRuleForms(request.POST, prefix="rule"), NameForm(request.POST)
    deed = request.POST.get("do", "save")
    if not typed.is_valid() or not sample.is_valid():
        return _page(request, (), edits=True, forms=typed, sample=sample)
    rules = from_forms(typed)
    if deed == "try":
        shown = _tried(rules, sample)
        return _page(request, rules, edits=True, forms=typed, sample=sample, **shown)
    if deed != "save":
        return _page(request, moved(rules, deed, NamePoints("", None)), edits=True, changed=True)
    if carried_out(sample, set_rules, rules=rules, actor=actor):
        messages.success(request, "Saved. The next message obeys it.")
        return redirect("virus_names")
    return _page(request, rules, edits=True, forms=typed, sample=sample)


def _tried(rules: Rules | list[NamePoints], sample: NameForm) -> dict[str, Any]:
    """Return what the rules say to the name that is tried, {} where there is none."""
    name = sample.cleaned_data["name"].strip() if sample.is_bound and sample.is_valid() else ""
    if not name:
        return {}
    try:
        place, rule = deciding(checked_list(rules), name)
    except Refused as error:
        sample.add_error(None, sentence(error))
        return {}
    return {"tried": name, "place": place, "rule": rule}


def _page(
    request: HttpRequest, rules: Rules | list[NamePoints], *, edits: bool, **more: Any
) -> HttpResponse:
    """Show the list.  `forms`: as typed, with its faults; `tried`: of a trial."""
    forms, sample = more.get("forms"), more.get("sample") or NameForm()
    shown = {
        "rules": rules,
        "forms": to_forms(rules) if forms is None else forms,
        "form": sample,
        "edits": edits,
        "own": bool(own_rules()),
        "shipped": len(BUILT_IN),
        "may_edit": may(request.user, Verb.EDIT_SITE),
        "too_long": len(rules) > MOST_ON_SCREEN,
        **more,
    }
    faulty = sample.errors or (forms is not None and not forms.is_valid())
    return render(
        request, "engines/virus_names.html", shown, status=UNPROCESSABLE if faulty else 200
    )
