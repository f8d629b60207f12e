"""Screen: going live, a checklist that is kept until it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from appliance.accounts.access import Verb, may
from appliance.accounts.guard import allowed
from appliance.domains.forms import DomainForm
from appliance.status import golive
from appliance.status.golive import Step
from appliance.status.golive_checks import Check, check_all, gather
from appliance.status.models import GoingLiveStep
from appliance.ui.asking import told
from quarantine.golive_forms import CarefulForm, MailsForm, ReportsForm
from quarantine.testmail import Result, read_results, send_tests
from smtpfilter.config import ConfigError, FilterConfig
from smtpfilter.policy.lookup import SITE

_MAILS = "test_mails"  # in the session: the recipients' rows of the last test mail, by sample
_FORMS: dict[str, type[forms.Form]] = {
    "domain": DomainForm,
    "reports": ReportsForm,
    "kill": CarefulForm,
    "mails": MailsForm,
}


_SCREENS = {  # of a step: what it is called, URL name, arguments
    "name": ("Settings", "site_settings"),
    "domains": ("Domains", "domains"),
    "filter": ("State of the appliance", "status"),
    "network": ("Network tests", "engines"),
    "bayes": ("Learning", "learning"),
    "kill": ("Policy of the site", "policy", SITE),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A step as it is shown; `form`: None where it has none; `link`: to its screen, "" for none."""

    step: Step
    done: GoingLiveStep | None
    check: Check | None
    form: forms.Form | None
    link: str
    screen: str


@require_http_methods(["GET", "HEAD"])
def going_live(request: HttpRequest) -> HttpResponse:
    """Show all steps with their checks."""
    person = allowed(request, Verb.SEE_SYSTEM)
    results = read_results(request.session.get(_MAILS, {})) if _MAILS in request.session else []
    shown: dict[str, Any] = {"results": results, "may_edit": may(person, Verb.EDIT_SITE)}
    checks: dict[str, Check] = {}
    try:
        checks = check_all(gather())
    except ConfigError as error:
        shown["broken"] = str(error)
    if results:
        checks["mails"] = _judged(results)
    done = golive.done_steps()
    proposed = {"address": person.email}
    rows = [
        Row(step, done.get(step.name), checks.get(step.name), _form(step, proposed), *_link(step))
        for step in golive.STEPS
    ]
    shown |= {"rows": rows, "done": len(done), "all": len(rows)}
    return render(request, "golive/golive.html", shown)


@require_POST
def golive_mark(request: HttpRequest) -> HttpResponse:
    """Take a step for done, or for open again (`done=no`)."""
    person = allowed(request, Verb.EDIT_SITE)
    step = _asked(request)
    if request.POST.get("done") == "no":
        told(request, f"“{step.title}” is open again.", golive.open_again, step=step.name)
    else:
        done = f"“{step.title}” is done."
        told(request, done, golive.mark_done, step=step.name, actor=person.email)
    return _back(step)


@require_POST
def golive_do(request: HttpRequest) -> HttpResponse:
    """Do what the button of a step says."""
    person = allowed(request, Verb.EDIT_SITE)
    step = _asked(request)
    if not step.deed:
        raise Http404
    form = _FORMS[step.deed](request.POST) if step.deed in _FORMS else forms.Form(request.POST)
    if not form.is_valid():
        for sentence in (text for texts in form.errors.values() for text in texts):
            messages.error(request, str(sentence))
    elif step.deed == "mails":
        told(
            request, "The test mail was sent.", _send, request=request, **form.cleaned_data,
            actor=person.email,
        )  # fmt: skip
    else:
        told(request, "Done.", _VERBS[step.deed], **form.cleaned_data, actor=person.email)
    return _back(step)


_VERBS: dict[str, Callable[..., None]] = {
    "domain": golive.make_local,
    "reports": golive.send_reports,
    "kill": golive.start_carefully,
    "learn": golive.learn_from_more,
}


def _send(*, request: HttpRequest, recipient: str, actor: str) -> None:
    """Send the test mail and remember its rows; the step is done where all is as told."""
    results = send_tests(recipient=recipient, config=FilterConfig.from_environment())
    request.session[_MAILS] = {
        result.sample.name: result.row.pk for result in results if result.row
    }
    if all(result.as_told for result in results):
        golive.mark_done(step="mails", actor=actor)


def _judged(results: list[Result]) -> Check:
    wrong = [result.sample.label for result in results if not result.as_told]
    return Check(not wrong, f"Not as told: {', '.join(wrong)}." if wrong else "All as told.")


def _asked(request: HttpRequest) -> Step:
    step = golive.BY_NAME.get(request.POST.get("step", ""))
    if step is None:
        raise Http404
    return step


def _form(step: Step, proposed: dict[str, str]) -> forms.Form | None:
    form = _FORMS.get(step.deed)
    return form(initial=proposed) if form else None


def _link(step: Step) -> tuple[str, str]:
    if step.name not in _SCREENS:
        return "", ""
    screen, name, *arguments = _SCREENS[step.name]
    return reverse(name, args=arguments), screen


def _back(step: Step) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('going_live')}#{step.name}")
