"""Why?  What would happen to a hypothetical message: the daemon's own decision, with its words."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from appliance.accounts.access import Scope, Verb, scope_of
from appliance.accounts.guard import allowed
from appliance.errors import Refused
from appliance.policies.explain import address, client, explain, supposed
from appliance.policies.inherit import origin_key
from appliance.policies.labels import LABELS, origin_words, value_words
from appliance.ui.asking import UNPROCESSABLE, posted, sentence
from appliance.why.forms import SupposedForm
from appliance.wiring import judge_file
from quarantine.views.why import Decided
from smtpfilter.config import FilterConfig
from smtpfilter.errors import FilterError
from smtpfilter.policy.layers import EffectivePolicy
from smtpfilter.verdict.verdict import Verdict


@require_http_methods(["GET", "HEAD", "POST"])
def explain_page(request: HttpRequest) -> HttpResponse:
    """Ask for a message; POST explains what would happen to it.  Nothing is stored or sent."""
    person = allowed(request, Verb.SEE_POLICY)
    scope = scope_of(person)
    files = request.FILES if request.method == "POST" else None
    form = SupposedForm(posted(request), files, initial=request.GET.dict())
    shown: dict[str, Any] = {"form": form}
    if form.is_valid():
        try:
            shown |= _explained(form.cleaned_data, scope)
        except Refused as error:
            form.add_error(None, sentence(error))
        except FilterError as error:
            form.add_error(None, f"The message was not looked into: {error.detail}.")
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "why/explain.html", shown, status=status)


def _explained(typed: dict[str, Any], scope: Scope) -> dict[str, Any]:
    """Return what the page shows.  Raises Refused, FilterError."""
    to = address(typed["recipient"])
    if not scope.covers(to.domain, to.canonical):
        raise Refused(f"{to.text} lies outside what you look after")
    verdict = _verdict(typed)
    settings = list(_settings(verdict.policy, scope))
    return {"verdict": verdict, "category": str(verdict.category), "settings": settings}


def _verdict(typed: dict[str, Any]) -> Verdict:
    """Return what is decided about the supposed message, or about the uploaded one."""
    by = client(typed["client"], authenticated=typed["authenticated"])
    if upload := typed["file"]:
        to, sender = address(typed["recipient"]), address(typed["sender"])
        return judge_file(upload.read(), to, sender, FilterConfig.from_environment(), client=by)
    findings = supposed(
        score=typed["score"],
        viruses=[typed["virus"]] if typed["virus"] else [],
        banned=[typed["banned"]] if typed["banned"] else [],
    )
    return explain(
        recipient=typed["recipient"], sender=typed["sender"], findings=findings, client=by
    ).verdict


def _settings(policy: EffectivePolicy, scope: Scope) -> Iterator[Decided]:
    """Yield the settings that were decided with, each with its origin."""
    for name, label in LABELS.items():
        origin = policy.origins[name]
        key = origin_key(origin)
        link = key if key and scope.covers_key(key) else ""
        value = value_words(name, getattr(policy.settings, name))
        yield Decided(name, label, value, origin_words(origin), link)
