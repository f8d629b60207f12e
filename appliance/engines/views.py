"""Screen: the engines, one card for each subject; what is saved counts for the next message."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.access import Verb, may
from appliance.accounts.guard import allowed
from appliance.engines import bayes
from appliance.engines.edit import set_role
from appliance.engines.forms import CARDS, NetworkForm
from appliance.engines.models import ROLES, Rendering
from appliance.engines.network_advice import effects
from appliance.engines.network_state import network_tests
from appliance.engines.nodes import forget_node, silence
from appliance.engines.scanners import (
    Answer,
    ask_engine,
    entry_roles,
    spam_engines,
    virus_scanners,
)
from appliance.errors import Refused
from appliance.status.alarms import current_alarms
from appliance.status.cards import card_stored, posted_card, shown_cards
from appliance.status.edit import set_settings
from appliance.status.forms import SettingsForm
from appliance.status.models import SiteSettings
from appliance.ui.asking import UNPROCESSABLE, told
from smtpfilter.config import ConfigError, FilterConfig

SAFE_POINTS = 8.0  # learnt as spam from a lower score on, wanted mail is among it (S-7)


@require_http_methods(["GET", "HEAD", "POST"])
def engines(request: HttpRequest) -> HttpResponse:
    """Show all cards; POST stores the one that `card` names."""
    posts = request.method == "POST"
    person = allowed(request, Verb.EDIT_SITE if posts else Verb.SEE_SYSTEM)
    row, edits = SiteSettings.load(), may(person, Verb.EDIT_SITE)
    forms = shown_cards(CARDS, row, edits=edits)
    if posts:
        name, form = posted_card(CARDS, row, request)
        forms[name] = form
        if _asks_first(form, row, request):
            return render(request, "engines/switch_on.html", _plan(form, row))
        if card_stored(form, actor=person.email):
            messages.success(request, "Saved. The next message obeys it.")
            return redirect(f"{request.path}#{name}")
    shown = _shown(row, forms["network"]) | {"forms": forms, "may_edit": edits}
    return render(request, "engines/engines.html", shown, status=UNPROCESSABLE if posts else 200)


@require_POST
def scanner_role(request: HttpRequest) -> HttpResponse:
    """Use a virus scanner as the chosen role says."""
    person = allowed(request, Verb.EDIT_SITE)
    name, role = request.POST.get("name", ""), request.POST.get("role", "")
    done = f"{name} is {role} from now on."
    told(request, done, _use, name=name, role=role, actor=person.email)
    return redirect("engines")


@require_POST
def virus_scanning(request: HttpRequest) -> HttpResponse:
    """Scan for viruses, or run without any virus scanner, by choice."""
    person = allowed(request, Verb.EDIT_SITE)
    scan = request.POST.get("scan") == "yes"
    done = "Mail is scanned for viruses." if scan else "Mail is no longer scanned for viruses."
    told(request, done, set_settings, values={"virus_scanning": scan}, actor=person.email)
    return redirect("engines")


@require_POST
def node_forget(request: HttpRequest) -> HttpResponse:
    person = allowed(request, Verb.EDIT_SITE)
    node = request.POST.get("node", "")
    told(request, f"{node} is forgotten.", forget_node, node=node, actor=person.email)
    return redirect("engines")


@require_safe
def engine_answer(request: HttpRequest) -> HttpResponse:
    """Ask one engine now; as a fragment the card asks for it by itself."""
    allowed(request, Verb.SEE_SYSTEM)
    name = request.GET.get("name", "")
    try:
        answer = ask_engine(FilterConfig.from_environment(), name)
    except ConfigError as error:
        answer = Answer(False, str(error))
    if answer is None:
        raise Http404
    page = "engines/answer.html" if request.headers.get("HX-Request") else "engines/answered.html"
    return render(request, page, {"name": name, "answer": answer})


def _use(*, name: str, role: str, actor: str) -> None:
    try:
        entries = entry_roles(FilterConfig.from_environment())
    except ConfigError as error:
        raise Refused(str(error)) from None
    set_role(name=name, role=role, entries=entries, actor=actor)


def _asks_first(form: SettingsForm, row: SiteSettings, request: HttpRequest) -> bool:
    """Tell whether the network tests would be switched on, and nobody has seen yet what that is."""
    return (
        isinstance(form, NetworkForm)
        and form.is_valid()
        and form.cleaned_data["network_tests"]
        and not row.network_tests
        and request.POST.get("seen") != "yes"
    )


def _plan(form: SettingsForm, row: SiteSettings) -> dict[str, Any]:
    """Return what the page says before the network tests are switched on."""
    wanted = SiteSettings(**form.cleaned_data)
    tests = network_tests(wanted, Rendering.objects.all())
    begun = [test for test in tests if getattr(wanted, test.name)]
    learns = row.use_bayes and row.bayes_auto_learn
    return {"form": form, "tests": begun, "effects": effects(auto_learn=learns)}


def _shown(row: SiteSettings, network: SettingsForm) -> dict[str, Any]:
    renderings, now = list(Rendering.objects.all()), timezone.now()
    shown: dict[str, Any] = {
        "row": row,
        "roles": [role for role, _ in ROLES],
        "alarms": current_alarms(now),
        "renderings": [(one, silence(one, now)) for one in renderings],
        "tests": [(test, network[test.name]) for test in network_tests(row, renderings)],
        "bayes": bayes.counts(),
        "needed": bayes.NEEDED,
        "eager": row.bayes_auto_learn_threshold_spam < SAFE_POINTS,
    }
    try:
        config = FilterConfig.from_environment()
        return shown | {"scanners": virus_scanners(config), "spam_engines": spam_engines(config)}
    except ConfigError as error:
        return shown | {"broken": str(error)}
