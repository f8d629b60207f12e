"""Screens: all kinds of notices, and the words of one in one language."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.access import Verb, may
from appliance.accounts.guard import allowed
from appliance.errors import Refused
from appliance.notices import edit
from appliance.notices.forms import WordsForm
from appliance.notices.models import NoticeTemplate
from appliance.notices.shipped import KINDS, languages
from appliance.ui.asking import UNPROCESSABLE, carried_out, posted, told
from smtpfilter.verdict.facts import FACTS
from smtpfilter.verdict.texts import Template, Text


@dataclass(frozen=True, slots=True)
class Kind:
    """One line of the list: each language, and whether the site has words of its own in it."""

    name: str
    when: str
    languages: list[tuple[str, bool]]


@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """List the kinds of notices, and whose words they have."""
    allowed(request, Verb.SEE_POLICY)
    own = set(NoticeTemplate.objects.values_list("kind", "language"))
    tags = sorted({*languages(), *(language for _, language in own)})
    kinds = [
        Kind(name, when, [(tag, (name, tag) in own) for tag in tags])
        for name, when in KINDS.items()
    ]
    return render(request, "notices/list.html", {"kinds": kinds})


@require_http_methods(["GET", "HEAD", "POST"])
def notice(request: HttpRequest, kind: str, language: str) -> HttpResponse:
    """Show the words of one notice and what they make of a made-up mail; POST tries or saves."""
    person = allowed(request, Verb.EDIT_SITE if request.method == "POST" else Verb.SEE_POLICY)
    template, own = _words(kind, language)
    form = WordsForm(posted(request), initial={"subject": template.subject, "body": template.body})
    if form.is_valid() and "save" in request.POST:
        words = {"kind": kind, "language": language, "template": form.template()}
        if carried_out(form, edit.set_words, actor=person.email, **words):
            return redirect("notice", kind, language)
    elif form.is_valid():
        template = form.template()
    shown = {
        "kind": kind,
        "language": language,
        "when": KINDS[kind],
        "own": own,
        "form": form,
        "preview": _preview(kind, template, form),
        "facts": sorted(FACTS),
        "may_edit": may(person, Verb.EDIT_SITE),
    }
    return render(
        request, "notices/notice.html", shown, status=UNPROCESSABLE if form.errors else 200
    )


@require_POST
def reset(request: HttpRequest, kind: str, language: str) -> HttpResponse:
    """Use the shipped words again."""
    person = allowed(request, Verb.EDIT_SITE)
    _words(kind, language)
    words = {"kind": kind, "language": language}
    told(
        request, "The shipped words are used again.", edit.reset_words, actor=person.email, **words
    )
    return redirect("notices")


def _words(kind: str, language: str) -> tuple[Template, bool]:
    try:
        return edit.words(kind, language)
    except Refused as error:
        raise Http404 from error


def _preview(kind: str, template: Template, form: WordsForm) -> Text | None:
    """Return what the words make of a made-up mail; where they fail the form says why."""
    try:
        return edit.preview(kind, edit.checked(template))
    except Refused as error:
        form.add_error(None, str(error))
        return None
