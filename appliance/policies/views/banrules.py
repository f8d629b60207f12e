"""Screens: the sets of ban rules, and the editor of one, which tries rules before they count."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.access import Verb, may
from appliance.accounts.guard import allowed
from appliance.errors import Refused
from appliance.policies import trying
from appliance.policies.banrules import (
    Rules,
    RuleSet,
    all_sets,
    find_set,
    parse_name,
    parse_rules,
    remove_rules,
    set_rules,
    to_rules,
)
from appliance.policies.forms import SetNameForm
from appliance.policies.kinds import BAN_RULES
from appliance.policies.rule_forms import (
    MOST_ON_SCREEN,
    RuleForms,
    SampleForm,
    from_forms,
    moved,
    to_forms,
)
from appliance.policies.told import history_of
from appliance.ui.asking import UNPROCESSABLE, asked_name, carried_out, sentence, told


@require_safe
def ban_sets(request: HttpRequest) -> HttpResponse:
    """List the sets; `?name=` opens the editor of a set, which need not exist yet."""
    person = allowed(request, Verb.SEE_POLICY)
    form = SetNameForm(request.GET if "name" in request.GET else None)
    if name := asked_name(form, parse_name):
        return redirect("ban_set", name)
    shown = {"sets": all_sets(), "form": form, "may_edit": may(person, Verb.EDIT_SITE)}
    return render(request, "banrules/list.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
def ban_set(request: HttpRequest, name: str) -> HttpResponse:
    """Show one set; POST saves it, or sends the page back with what `do` says done to it."""
    posts = request.method == "POST"
    person = allowed(request, Verb.EDIT_SITE if posts else Verb.SEE_POLICY)
    edits = may(person, Verb.EDIT_SITE)
    found = find_set(name) or (_new_set(name) if edits else None)
    if found is None:
        raise Http404
    edits = edits and len(found.rules) <= MOST_ON_SCREEN
    if posts and edits:
        return _edited(request, found, person.email)
    return _page(request, found, found.rules, edits=edits)


@require_POST
def ban_set_remove(request: HttpRequest, name: str) -> HttpResponse:
    """Remove the site's set; a shipped one of its name is back."""
    person = allowed(request, Verb.EDIT_SITE)
    found = find_set(name)
    done = f"{name} is as it was shipped." if found and found.shipped else f"{name} is removed."
    told(request, done, remove_rules, name=name, actor=person.email)
    return redirect("ban_set", name) if find_set(name) else redirect("ban_sets")


def _new_set(name: str) -> RuleSet:
    try:
        return RuleSet(parse_name(name), [], shipped=False, own=False)
    except Refused:
        raise Http404 from None


def _edited(request: HttpRequest, found: RuleSet, actor: str) -> HttpResponse:
    """Do what the pressed button says with what was typed."""
    typed = RuleForms(request.POST, prefix="rule")
    sample = SampleForm(request.POST, request.FILES)
    deed = request.POST.get("do", "save")
    if not typed.is_valid() or not sample.is_valid():
        return _page(request, found, found.rules, forms=typed, sample=sample)
    rules = from_forms(typed)
    if deed == "try":
        return _page(
            request, found, rules, forms=typed, sample=sample, **_tried(rules, found, sample)
        )
    if deed != "save":
        return _page(request, found, moved(rules, deed), changed=True)
    if carried_out(sample, set_rules, name=found.name, rules=rules, actor=actor):
        messages.success(request, "Saved. The next message obeys it.")
        return redirect("ban_set", found.name)
    return _page(request, found, rules, forms=typed, sample=sample)


def _tried(rules: Rules, found: RuleSet, sample: SampleForm) -> dict[str, Any]:
    """Return what the rules, as typed, say to the sample."""
    names = [name for word in sample.cleaned_data["names"].split(",") if (name := word.strip())]
    upload = sample.cleaned_data["file"]
    try:
        sets = {found.name: to_rules(parse_rules(rules))}
        if not upload:
            return {"tried": trying.try_names(sets, names), "unchecked": ()}
        octets = upload.read(trying.MOST_BYTES + 1)
        tried, unchecked = trying.try_file(sets, octets, upload.name or "file")
    except Refused as error:
        sample.add_error(None, sentence(error))
        return {}
    return {"tried": tried, "unchecked": unchecked}


def _page(request: HttpRequest, found: RuleSet, rules: Rules, **more: Any) -> HttpResponse:
    """Show the set with `rules`.  `forms`: as typed, with its faults; `tried`: of a trial."""
    forms, sample = more.get("forms"), more.get("sample") or SampleForm()
    shown = {
        "set": found,
        "rules": rules,
        "forms": to_forms(rules) if forms is None else forms,
        "form": sample,
        "edits": True,
        "too_long": len(found.rules) > MOST_ON_SCREEN,
        "history": history_of(allowed(request, Verb.SEE_POLICY), BAN_RULES, found.name),
        "history_key": found.name,
        **more,
    }
    faulty = sample.errors or (forms is not None and not forms.is_valid())
    status = UNPROCESSABLE if faulty else 200
    return render(request, "banrules/one.html", shown, status=status)
