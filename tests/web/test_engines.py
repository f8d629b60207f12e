"""The engines' screens: what is saved counts, what cannot be is said in a sentence."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from appliance.engines import virus_names
from appliance.engines.edit import roles
from appliance.engines.models import Preference, Rendering, VirusNameRule
from appliance.policies.models import PolicyChange
from appliance.status.alarms import write_alarm
from appliance.status.models import Alarm, SiteSettings
from appliance.status.probe import Probe
from smtpfilter.policy.site import NamePoints
from smtpfilter.policy.virus_names import BUILT_IN
from tests.web.browser import visitor
from tests.web.conftest import Cast
from tests.web.story import tell_engines
from tests.web.test_hostile import XSS

NETWORK = {"card": "network", "dns_lists": "on", "razor": "on"}
SCANNERS = """
[[scanner]]
name = "clamscan"
protocol = "command"
role = "backup"
command = ["/usr/bin/clamscan", "--stdout", "--secret-option=<b>", "{}"]
clean_codes = [0]
infected_codes = [1]
"""


@pytest.fixture
def ada(cast: Cast) -> Client:
    return cast.client("administrator")


@pytest.fixture
def scanners(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A clamd that is not there, and a program in the machine's file."""
    file = tmp_path / "scanners.toml"
    file.write_text(SCANNERS, encoding="utf-8")
    monkeypatch.setenv("FILTER_CLAMD", "/nowhere/clamd")
    monkeypatch.setenv("FILTER_SCANNERS_FILE", str(file))


# The page, card by card


def test_scanners_are_listed_with_roles_and_without_command_lines(
    ada: Client, scanners: None
) -> None:
    """A command line is never shown as a form, nor with its options."""
    page = ada.get("/engines/").content.decode()

    assert "/usr/bin/clamscan" in page
    assert "secret-option" not in page
    assert page.count('name="role"') == 2
    assert '<option value="backup" selected>' in page


def test_a_role_is_changed_and_what_the_file_says_stays_in_sight(
    ada: Client, scanners: None
) -> None:
    """V-2."""
    done = ada.post("/engines/role/", {"name": "clamscan", "role": "primary"}, follow=True)

    assert roles() == {"clamscan": "primary"}
    page = done.content.decode()
    assert "clamscan is primary from now on." in page
    assert "The machine’s file says backup." in page
    refused = ada.post("/engines/role/", {"name": "<b>x", "role": "off"}, follow=True)
    assert "&lt;b&gt;x" in refused.content.decode()
    assert "<b>x" not in refused.content.decode()


def test_the_last_scanner_is_switched_off_only_by_the_choice_to_run_without(
    ada: Client, scanners: None
) -> None:
    ada.post("/engines/role/", {"name": "clamscan", "role": "off"})
    page = ada.post("/engines/role/", {"name": "clamd", "role": "off"}, follow=True)
    assert "is the last virus scanner that is asked" in page.content.decode()
    assert "Viruses will be delivered." in page.content.decode()

    page = ada.post("/engines/scanning/", {"scan": "no"}, follow=True)
    assert "Mail is not scanned for viruses." in page.content.decode()
    assert not SiteSettings.load().virus_scanning
    ada.post("/engines/scanning/", {"scan": "yes"})
    assert SiteSettings.load().virus_scanning


def test_an_engine_is_asked_on_its_own_page_without_script(ada: Client, scanners: None) -> None:
    assert "Fails" in ada.get("/engines/answer/", {"name": "clamd"}).content.decode()
    assert "<html" in ada.get("/engines/answer/", {"name": "spamd"}).content.decode()
    fragment = ada.get("/engines/answer/", {"name": "clamd"}, headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode()
    assert ada.get("/engines/answer/", {"name": XSS}).status_code == 404


def test_a_file_of_scanners_that_cannot_be_read_is_said(
    ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILTER_SCANNERS_FILE", "/nowhere/scanners.toml")

    assert "cannot read /nowhere/scanners.toml" in ada.get("/engines/").content.decode()
    refused = ada.post("/engines/role/", {"name": "clamd", "role": "off"}, follow=True)
    assert "cannot read" in refused.content.decode()
    assert ada.get("/engines/answer/", {"name": "clamd"}).status_code == 200


@pytest.mark.parametrize(
    ("card", "typed", "stored"),
    [
        ("scanning", {"first_finding_ends": "on", "remember_seconds": "0"}, (True, 0)),
        (
            "spam",
            {"spam_engine": "both", "rspamd_factor": "0.5", "spam_body_kilobytes": "400"},
            ("both", 0.5, 400),
        ),
        (
            "penpals",
            {
                "penpals_bonus_score": "2", "penpals_halflife_days": "7",
                "penpals_threshold_low": "1", "penpals_threshold_high": "",
            },
            (2.0, 7, 1.0, None),
        ),
    ],
)  # fmt: skip
def test_a_card_is_saved_as_a_whole_and_no_other(
    ada: Client, card: str, typed: dict[str, str], stored: tuple[Any, ...]
) -> None:
    done = ada.post("/engines/", {"card": card, **typed, "retention_days": "1"})

    row = SiteSettings.load()
    assert done["Location"] == f"/engines/#{card}"
    assert tuple(getattr(row, name) for name in typed) == stored[: len(typed)] or (
        row.first_finding_ends, row.remember_seconds) == stored  # fmt: skip
    assert row.retention_days == 30
    assert PolicyChange.objects.filter(verb="settings set").count() == 1


@pytest.mark.parametrize(
    ("card", "typed", "sentence"),
    [
        ("scanning", {"remember_seconds": "7200"}, "less than or equal to 3600"),
        ("scanning", {"remember_seconds": "soon"}, "Enter a whole number."),
        ("unpacking", {"unpack_levels": "0"}, "greater than or equal to 1"),
        ("spam", {"spam_engine": "best"}, "Select a valid choice."),
        (
            "bayes",
            {
                "bayes_auto_learn_threshold_nonspam": "9",
                "bayes_auto_learn_threshold_spam": "8",
            },
            "has to be lower than",
        ),
    ],
)
def test_a_value_that_cannot_be_is_said_beside_its_field(
    ada: Client, card: str, typed: dict[str, str], sentence: str
) -> None:
    response = ada.post("/engines/", {"card": card, **typed})

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not PolicyChange.objects.filter(verb="settings set").exists()


def test_no_card_of_another_name_is_saved(ada: Client) -> None:
    assert ada.post("/engines/", {"card": "accounts"}).status_code == 404


def test_bayes_tells_its_counts_and_warns_below_eight(ada: Client) -> None:
    """S-7."""
    assert "Inactive until 200 of each" in ada.get("/engines/").content.decode()
    assert (
        "below 8"
        not in ada.get("/engines/").content.decode().split("bayes-title")[1].split("<form")[0]
    )
    SiteSettings(bayes_auto_learn_threshold_spam=7.9).save()

    assert "learnt as spam from a score below 8" in ada.get("/engines/").content.decode()


def test_network_tests_are_switched_on_after_their_effects_were_read(ada: Client) -> None:
    """S-6: nothing changes on the first press."""
    tell_engines()
    asked = ada.post("/engines/", NETWORK | {"network_tests": "on", "dcc": "on"})

    page = asked.content.decode()
    assert asked.status_code == 200
    assert "Switch the network tests on?" in page
    assert "build DCC from its source" in page
    assert "Pyzor server" not in page
    assert not SiteSettings.load().network_tests
    ada.post("/engines/", NETWORK | {"network_tests": "True", "seen": "yes"})
    row = SiteSettings.load()
    assert (row.network_tests, row.dns_lists, row.pyzor) == (True, True, False)
    states = ada.get("/engines/").content.decode().split('id="network"')[1].split("</section>")[0]
    assert states.count("chip-good") == 3  # the switch, DNS lists, Razor2
    assert "Missing" in states


def test_nodes_tell_what_is_in_force_or_why_not(ada: Client) -> None:
    tell_engines()

    page = ada.get("/engines/").content.decode()

    assert "4f0c9a7d21be" in page
    assert "Refused" in page
    assert "scor NO_RELAYS 1" in page


def test_a_node_without_its_agent_is_silent_until_it_is_forgotten(ada: Client) -> None:
    tell_engines()
    rows = Rendering.objects.filter(node="mx1.example.com")
    rows.update(seen_at=timezone.now() - timedelta(minutes=7))
    page = ada.get("/engines/").content.decode()
    assert "The agent was last seen 7 min ago" in page
    assert "4f0c9a7d21be" not in page  # who is silent has nothing in force

    ada.post("/engines/node/forget/", {"node": "mx1.example.com"})
    assert not rows.exists()
    assert "7 min ago" not in ada.get("/engines/").content.decode()


def test_an_auditor_reads_and_has_no_button(cast: Cast) -> None:
    for path in ("/engines/", "/engines/virusnames/", "/engines/preferences/ann/"):
        page = cast.client("auditor").get(path).content.decode().split("<main")[1]
        assert 'method="post"' not in page.replace('<form method="post" action="/engines/#', ""), (
            path
        )
        assert "btn-primary" not in page, path


# Names of viruses


def _typed(*rules: NamePoints, **more: Any) -> dict[str, Any]:
    """Return what the browser sends for `rules`."""
    posted: dict[str, Any] = {"rule-TOTAL_FORMS": len(rules), "rule-INITIAL_FORMS": len(rules)}
    for number, rule in enumerate(rules):
        points = "" if rule.points is None else rule.points
        words = {"pattern": rule.pattern, "points": points, "comment": rule.comment}
        posted |= {f"rule-{number}-{name}": word for name, word in words.items()}
    return posted | more


FRAUD, BANK = NamePoints("Phishing", 3.5, "fraud"), NamePoints("Bank", None, "stays")


def test_the_shipped_list_is_read_only_until_somebody_starts_from_it(ada: Client) -> None:
    """V-4."""
    page = ada.get("/engines/virusnames/").content.decode()
    assert "Start from the shipped list" in page
    assert "rule-0-pattern" not in page

    begun = ada.post("/engines/virusnames/", {"do": "begin"})
    assert "not saved yet" in begun.content.decode()
    assert len(begun.context["forms"].forms) == len(BUILT_IN)
    assert not VirusNameRule.objects.exists()


def test_the_list_is_edited_tried_and_saved_in_its_order(ada: Client) -> None:
    up = ada.post("/engines/virusnames/", _typed(FRAUD, BANK, do="up:1"))
    assert [form["pattern"].value() for form in up.context["forms"]] == ["Bank", "Phishing"]
    tried = ada.post("/engines/virusnames/", _typed(BANK, FRAUD, do="try", name="Phishing.Bank"))
    assert "by rule 1, <bdi>stays</bdi>" in tried.content.decode()
    assert not VirusNameRule.objects.exists()

    ada.post("/engines/virusnames/", _typed(BANK, FRAUD, do="save"))

    assert virus_names.own_rules() == (BANK, FRAUD)
    page = ada.get("/engines/virusnames/", {"name": "X.Phishing"}).content.decode()
    assert "3.5 points" in page
    assert "rule-1-pattern" in page
    ada.post("/engines/virusnames/reset/")
    assert virus_names.rules_in_force() == BUILT_IN


@pytest.mark.parametrize("deed", ["save", "try"])
@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (NamePoints("(broken", 1.0), "Rule 2: This is no regular expression"),
        (NamePoints("", 1.0), "Rule 2: a pattern has 1 to 500"),
        (NamePoints("x", 5000.0), "less than or equal to 1000"),
    ],
)
def test_a_rule_that_is_none_stays_on_the_page(
    ada: Client, deed: str, rule: NamePoints, sentence: str
) -> None:
    response = ada.post("/engines/virusnames/", _typed(FRAUD, rule, do=deed, name="x"))

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not VirusNameRule.objects.exists()


# Preferences


def test_preferences_are_set_and_removed(ada: Client) -> None:
    """S-1, Q4."""
    assert ada.get("/engines/preferences/", {"name": " ann "})["Location"].endswith("/ann/")
    url = "/engines/preferences/ann/"
    ada.post(url, {"preference": "score", "value": "HTML_MESSAGE 0.5"})
    assert "HTML_MESSAGE 0.5" in ada.get(url).content.decode()
    assert ">ann<" in ada.get("/engines/preferences/").content.decode()

    refused = ada.post(url, {"preference": "use_bayes", "value": "<b>maybe"})
    assert refused.status_code == 422
    assert "is neither yes nor no." in refused.content.decode()
    assert "<b>maybe" not in refused.content.decode()
    unknown = ada.post(url, {"preference": "loadplugin", "value": "x"})
    assert "Select a valid choice." in unknown.content.decode()

    ada.post(f"{url}remove/", {"preference": "score", "value": "HTML_MESSAGE 0.5"})
    assert not Preference.objects.exists()


@pytest.mark.parametrize("name", ["a b", "@GLOBAL", "<b>"])
def test_a_name_that_no_policy_can_name_opens_nothing(ada: Client, name: str) -> None:
    page = ada.get("/engines/preferences/", {"name": name})

    assert "is no name for preferences" in page.content.decode()
    assert ada.get(f"/engines/preferences/{name}/").status_code == 404


# Alarms


def test_an_alarm_is_shown_and_dismissed(ada: Client, cast: Cast) -> None:
    write_alarm(name="virus scanner clamd", text=XSS)
    for path in ("/status/", "/engines/"):
        page = ada.get(path).content.decode()
        assert "Virus scanner clamd" in page
        assert "last heard" in page.lower()
        assert "<script>alert" not in page

    assert "Dismiss" not in cast.client("auditor").get("/status/").content.decode()
    page = ada.post("/status/alarms/dismiss/", {"name": "virus scanner clamd"}, follow=True)
    assert "The alarm is dismissed." in page.content.decode()
    assert not Alarm.objects.exists()


# A real browser


def test_by_keyboard_alone_a_setting_is_saved_and_engines_answer_by_themselves(
    chromium: Browser, live_server: LiveServer, live_cast: Cast
) -> None:
    ada = visitor(chromium, live_server)
    ada.log_in(live_cast.administrator)
    ada.go("/engines/")
    ada.page.get_by_text("finds the GTUBE test mail").wait_for()

    ada.page.get_by_label("Remember identical content").focus()
    for key in ("Control+A", "9", "0", "Enter"):
        ada.page.keyboard.press(key)
    ada.page.get_by_text("Saved. The next message obeys it.").wait_for()

    assert SiteSettings.load().remember_seconds == 90
    assert ada.page.url.endswith("/engines/#scanning")
    assert ada.alarms == []


def test_hostile_words_of_engines_nodes_and_rules_stay_text(
    chromium: Browser, live_server: LiveServer, live_cast: Cast
) -> None:
    """P6, R-01."""
    tell_engines()
    Rendering.objects.filter(node="mx2.example.com").delete()
    Rendering.objects.update(detail=XSS, node=XSS[:200], missing={"razor": XSS})
    Preference.objects.create(username="ann", preference="score", value=XSS[:200])
    VirusNameRule.objects.create(position=1, pattern=XSS[:200], points=1, comment=XSS[:200])
    write_alarm(name=XSS[:100], text=XSS)
    ada = visitor(chromium, live_server)
    ada.log_in(live_cast.administrator)

    for path in ("/engines/", "/engines/virusnames/", "/engines/preferences/ann/", "/status/"):
        ada.go(path)
        assert ada.page.locator("script:not([src])").count() == 0, path
        assert ada.page.locator("[onerror], [onload], [onfocus], [style]").count() == 0, path

    assert ada.alarms == []


def test_the_overview_waits_for_no_engine(
    chromium: Browser, live_server: LiveServer, live_cast: Cast, engines: dict[str, Probe]
) -> None:
    """A2: one that hangs does not keep the page away; alarms are there at once."""
    write_alarm(name="virus scanner clamd", text="hangs")
    engines["virus scanner"] = Probe(False, "no answer in 8 s")
    page = live_cast.client("administrator").get("/").content.decode()
    assert "hangs" in page
    assert 'href="/status/"' in page
    assert "no answer in 8 s" not in page

    ada = visitor(chromium, live_server)
    ada.log_in(live_cast.administrator)
    ada.page.get_by_text("no answer in 8 s").wait_for()
    ada.page.get_by_text("Mail is waiting").wait_for()
    assert ada.alarms == []
