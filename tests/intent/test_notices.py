"""The words of notices: shipped ones, the site's own, and what a template may not do (N-7)."""

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import Refused
from appliance.notices import edit
from appliance.notices.models import NoticeTemplate
from appliance.notices.shipped import FOLDER, KINDS, languages, shipped
from appliance.notices.source import DatabaseTemplates
from appliance.policies.models import PolicyChange
from appliance.policies.transfer import export_rows, import_rows
from appliance.status.edit import set_setting
from smtpfilter.policy.settings import FIELDS
from smtpfilter.verdict.facts import SAMPLE
from smtpfilter.verdict.texts import Template, render
from tests.intent.conftest import Run

pytestmark = pytest.mark.django_db

OURS = Template("Hello from {{ hostname }}", "Found: {{ viruses|join(', ') }}\n")


def set_words(template: Template = OURS, kind: str = "virus", language: str = "en") -> None:
    edit.set_words(kind=kind, language=language, template=template, actor="test")


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_shipped_text_is_good_and_complete(kind: str, language: str) -> None:
    """N-7: in both languages, with all that may be missing."""
    template = shipped(kind, language)
    assert edit.checked(template) == template
    text = render(template, SAMPLE)
    assert SAMPLE["hostname"] in text.body
    assert "\n\n\n" not in text.body
    assert all(len(line) <= 100 for line in text.body.splitlines())


def test_no_shipped_file_is_superfluous() -> None:
    found = {(path.parent.name, path.stem) for path in FOLDER.glob("*/*.txt")}
    assert found == {(language, kind) for language in ("de", "en") for kind in KINDS}
    assert languages() == ("de", "en")


def test_there_is_a_text_for_everyone_who_may_be_told() -> None:
    """N-5, N-6: each policy field that orders a notice has its kind."""
    ordering = {name for name in FIELDS if name.endswith("_admin") or name.startswith("warn")}
    assert ordering <= KINDS.keys()


def test_the_sites_own_words_are_used_until_they_are_reset() -> None:
    templates = DatabaseTemplates()
    set_words()
    assert templates.text("virus", "en", SAMPLE).subject == "Hello from filter.example.com"
    assert templates.text("virus", "de", SAMPLE) == render(shipped("virus", "de"), SAMPLE)
    edit.reset_words(kind="virus", language="en", actor="test")
    assert templates.text("virus", "en", SAMPLE) == render(shipped("virus", "en"), SAMPLE)
    assert [change.verb for change in PolicyChange.objects.all()[:2]] == [
        "notices reset",
        "notices set",
    ]


@pytest.mark.parametrize(
    ("asked", "subject"),
    [("de-AT", "Servus"), ("de-CH", "Hallo"), ("DE", "Hallo"), ("fr", "Bonjour"), ("sv", "Hej")],
)
def test_a_language_falls_back_to_its_main_form_and_then_to_english(
    asked: str, subject: str
) -> None:
    for language, hello in (("de-at", "Servus"), ("de", "Hallo"), ("fr", "Bonjour")):
        set_words(Template(hello, "x\n"), language=language)
    text = DatabaseTemplates().text("virus", asked, SAMPLE)
    english = render(shipped("virus", "en"), SAMPLE)
    assert text.subject == (english.subject if subject == "Hej" else subject)


def test_a_stored_template_that_fails_costs_no_notice(caplog: pytest.LogCaptureFixture) -> None:
    """N-7: the shipped words go out instead, and the log says why."""
    NoticeTemplate.objects.create(
        kind="virus", language="en", subject="{{ gone }}", body="{% for x in y %}"
    )
    text = DatabaseTemplates().text("virus", "en", SAMPLE)
    assert text == render(shipped("virus", "en"), SAMPLE)
    assert "notice template virus (en) failed: 'gone' is undefined" in caplog.text


def test_the_site_says_who_notices_come_from() -> None:
    assert DatabaseTemplates().from_address() == ""
    set_setting(name="notice_from", value="Post <post@example.com>", actor="test")
    assert DatabaseTemplates().from_address() == "Post <post@example.com>"


@pytest.mark.parametrize(
    ("subject", "body", "why"),
    [
        ("", "x", "the subject is one line"),
        ("a\nb", "x", "the subject is one line"),
        ("{% if score == 'x' %}y{% endif %}", "x", "must not be empty"),
        ("a\x00", "x", "control characters"),
        ("s", "x\rBcc: y", "control characters"),
        ("s", "{{ nme }}", "there is no 'nme'; there are: about,"),
        ("s", "{% if count > 99 %}{{ nme }}{% endif %}", "there is no 'nme'"),
        ("s", "{{ recipients[0].mobile }}", "has no attribute 'mobile'"),
        ("s", "{% for x in recipients %}", "line 1: Unexpected end of template"),
        ("s", "x" * 20_001, "at most 300 characters, the body 20000"),
        ("s" * 301, "x", "at most 300 characters"),
        ("s", "{{ hostname.__class__.__mro__ }}", "attribute '__class__'"),
        ("s", "{{ hostname.upper() }}", "call is not in the notation"),
        ("s", "{{ 'a' * 999999999 }}", "mul is not in the notation"),
        ("s", "{% set x = 1 %}", "assign is not in the notation"),
        ("s", "{% include '/etc/passwd' %}", "include is not in the notation"),
        ("s", "{% macro m() %}{% endmacro %}", "macro is not in the notation"),
        ("s", "{{ range(9) }}", "call is not in the notation"),
        ("s", "{{ subject|attr('__class__') }}", "No filter named 'attr'"),
        ("s", "{{ " + "(" * 3000, "recursion"),
        ("s", "{% if count %}" * 120 + "{% endif %}" * 120, "too many levels"),
        ("s", "{% for x in rules %}" * 3 + "{% endfor %}" * 3, "2 deep at most"),
    ],
)  # fmt: skip
def test_a_bad_template_is_refused_with_a_sentence(subject: str, body: str, why: str) -> None:
    """N-7: a safe engine; what it cannot do is said when the text is saved."""
    with pytest.raises(Refused) as refused:
        set_words(Template(subject, body))
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not NoticeTemplate.objects.exists()


def test_a_text_that_gets_too_long_is_refused() -> None:
    """N-7: loops in loops over what one mail may have."""
    loops = "{% for c in hostname %}{% for d in link %}" + "x" * 500 + "{% endfor %}{% endfor %}"
    with pytest.raises(Refused, match="longer than 200000 characters"):
        set_words(Template("s", loops))


def test_the_command_shows_sets_previews_and_resets(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "virus.txt"
    file.write_text("Grüß Gott\n\nGefunden: {{ viruses|join }}\n")
    assert run("notices", "preview", "virus", "--file", str(file)).out.startswith(
        "Subject: Grüß Gott\n\nGefunden: Eicar-Test-Signature\n"
    )
    done = run("notices", "set", "virus", "--language", "de", "--file", str(file), "--json")
    assert done.document == {
        "kind": "virus",
        "language": "de",
        "own": True,
        "subject": "Grüß Gott",
        "body": "Gefunden: {{ viruses|join }}\n",
    }
    (virus,) = [k for k in run("notices", "list", "--json").document if k["kind"] == "virus"]
    assert virus["own"] == ["de"]
    assert "Grüß Gott" in run("notices", "preview", "virus", "--language", "de").out
    shown = run("notices", "show", "virus", "--language", "de").out
    assert run("notices", "set", "virus", "--file", "-", stdin=shown).code == 0
    assert run("notices", "reset", "virus", "--language", "de").code == 0
    assert not run("notices", "show", "virus", "--language", "de", "--json").document["own"]


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("show", "nothing"), 2, "there is no notice 'nothing'; there are: failure,"),
        (("show", "virus", "--language", "../.."), 1, "is no language"),
        (("show", "virus", "--language", "fr"), 1, "there is no text in fr; there are: de, en"),
        (("reset", "virus"), 1, "the site has no text of its own"),
        (("set", "virus", "--file", "/no/such/file"), 1, "cannot read"),
        (("set", "virus", "--file", "-"), 1, "the text fails: the subject is one line"),
    ],
)
def test_what_the_command_refuses(run: Run, words: tuple[str, ...], code: int, why: str) -> None:
    done = run("notices", *words)
    assert done.code == code
    assert why in done.err


def test_templates_are_in_the_export_and_come_back() -> None:
    set_words()
    document: dict[str, Any] = json.loads(json.dumps(export_rows()))
    assert import_rows(document=document, actor="test") == []
    set_words(Template("other", "x\n"))
    set_words(kind="spam")
    changes = import_rows(document=document, actor="test")
    assert any("notices virus en subject" in line for line in changes)
    assert any(line.startswith("- notices spam en") for line in changes)
    assert export_rows() == document


def test_an_import_tries_templates_out_too() -> None:
    rows = [{"kind": "virus", "language": "en", "subject": "s", "body": "{{ nme }}"}]
    with pytest.raises(Refused, match="notices virus en: the text fails: there is no 'nme'"):
        import_rows(document={"version": 1, "notices": rows}, actor="test")
