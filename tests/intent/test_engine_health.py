"""What health says about the engines: which of them mail needs, how fresh they are, what is in
force.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from appliance.engines import health
from appliance.engines.models import Rendering
from appliance.engines.scanners import Answer, InUse, SpamEngine, ask_spam_engine, ask_virus_scanner
from appliance.status import tasks
from appliance.status.alarms import current_alarms, write_alarm
from appliance.status.health import MAIL_NEEDS, alarming, mail_flows
from appliance.status.models import SiteSettings
from appliance.status.probe import Probe
from smtpfilter.config import Endpoint, FilterConfig
from smtpfilter.policy.site import Role
from smtpfilter.scan.clamd import Clamd
from smtpfilter.scan.clamd_limits import takes_message
from smtpfilter.scan.entries import Entry
from smtpfilter.scan.rspamd import Rspamd
from smtpfilter.scan.spamd import Spamd
from tests.intent.conftest import Run

NOWHERE = Endpoint(path="/nowhere/socket")
WORKS, FAILS = Answer(True, "finds the EICAR test file"), Answer(False, "hangs")
GTUBE = Answer(True, "finds the GTUBE test mail")
CONFIG = FilterConfig(clamd=NOWHERE, spamd=NOWHERE, rspamd=NOWHERE)

Set = Callable[..., None]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Set:
    """Set the site's settings, and what each engine answers by its name."""

    def set_site(
        answers: dict[str, Answer] | None = None,
        roles: dict[str, Role] | None = None,
        **settings: Any,
    ) -> None:
        said = answers or {}
        used = [
            InUse(Entry(Clamd(NOWHERE, name=name), "sophie", "/nowhere"), role)
            for name, role in (roles or {}).items()
        ]
        monkeypatch.setattr(health, "_settings", lambda: SiteSettings(**settings))
        monkeypatch.setattr(health, "_virus_scanners", lambda config: used)
        monkeypatch.setattr(health, "ask_virus_scanner", lambda entry, config: said[entry.name])
        monkeypatch.setattr(health, "ask_spam_engine", lambda engine: said[engine.name])

    return set_site


def _flows(parts: dict[str, Probe]) -> bool:
    others = {name: Probe(True, "works") for name in MAIL_NEEDS}
    return mail_flows(others | parts)


# Virus scanners


@pytest.mark.parametrize(
    ("roles", "answers", "flows", "warns"),
    [
        ({"a": "primary"}, [WORKS], True, False),
        ({"a": "primary"}, [FAILS], False, False),
        ({"a": "primary", "b": "backup"}, [WORKS, WORKS], True, False),
        ({"a": "primary", "b": "backup"}, [WORKS, FAILS], True, True),
        ({"a": "primary", "b": "backup"}, [FAILS, WORKS], True, True),
        ({"a": "primary", "b": "primary"}, [FAILS, WORKS], True, True),
        ({"a": "primary", "b": "backup"}, [FAILS, FAILS], False, False),
        ({"a": "off", "b": "primary"}, [FAILS, WORKS], True, False),
        ({"a": "backup"}, [WORKS], True, True),
        ({"a": "off"}, [WORKS], False, False),
        ({}, [], False, False),
    ],
)
def test_mail_flows_while_one_scanner_in_use_answers(
    site: Set, roles: dict[str, Role], answers: list[Answer], flows: bool, warns: bool
) -> None:
    """V-2, A1: one definite answer is enough; who is off is not asked."""
    site(dict(zip(roles, answers, strict=True)), roles)

    parts = health.virus_parts(CONFIG)

    assert _flows(parts) is flows
    assert parts["virus scanner"].warns is warns


def test_each_of_several_scanners_has_a_part_of_its_own(site: Set) -> None:
    """A backup that fails is no wait for mail, and yet not well."""
    site({"a": WORKS, "b": FAILS}, {"a": "primary", "b": "backup"})

    parts = health.virus_parts(CONFIG)

    assert parts["virus scanner"] == Probe(True, "1 of 2 answer: a", warns=True)
    assert parts["virus scanner a"] == Probe(True, "primary: finds the EICAR test file")
    assert parts["virus scanner b"] == Probe(False, "backup: hangs")
    assert [name for name, probe in parts.items() if alarming(name, probe)] == ["virus scanner b"]


def test_no_virus_scanner_by_choice_is_well_and_nobody_is_asked(site: Set) -> None:
    """V-5: the choice is no fault, and screens keep saying it."""
    site({}, {"a": "primary"}, virus_scanning=False)

    parts = health.virus_parts(CONFIG)

    assert list(parts) == ["virus scanner"]
    assert parts["virus scanner"].ok
    assert parts["virus scanner"].warns
    assert "by choice" in parts["virus scanner"].detail


@pytest.mark.parametrize(
    ("hours", "ok", "warns"),
    [(1, True, False), (25, True, True), (167, True, True), (169, False, True)],
)
def test_old_signatures_call_people_after_a_day_and_are_a_fault_after_a_week(
    site: Set, hours: int, ok: bool, warns: bool
) -> None:
    """A8."""
    built_at = timezone.now() - timedelta(hours=hours)
    site({"a": replace(WORKS, database="27000", built_at=built_at)}, {"a": "primary"})

    parts = health.virus_parts(CONFIG)

    assert (parts["signatures"].ok, parts["signatures"].warns) == (ok, warns)
    assert alarming("signatures", parts["signatures"]) is warns
    assert _flows(parts)
    assert parts["signatures"].detail.startswith("a 27000, ")


def test_a_scanner_that_does_not_tell_its_age_is_not_judged_by_it(site: Set) -> None:
    """A8: the private stack's signatures have no date."""
    site({"a": WORKS}, {"a": "primary"})

    assert "signatures" not in health.virus_parts(CONFIG)


@pytest.mark.parametrize(
    ("version", "database", "age"),
    [
        ("ClamAV 1.0.9/27000/Tue Nov 24 08:00:00 2026", "27000", True),
        ("ClamAV 1.0.9", "", False),
        ("ClamAV 1.0.9/27000/yesterday", "27000", False),
        ("ClamAV 1.0.9/", "", False),
    ],
)
def test_clamd_tells_its_signatures_in_its_version(
    monkeypatch: pytest.MonkeyPatch, version: str, database: str, age: bool
) -> None:
    monkeypatch.setattr("appliance.engines.scanners.SelfTest.run", lambda *_: None)
    monkeypatch.setattr(Clamd, "version", lambda self: version)

    answer = ask_virus_scanner(Entry(Clamd(NOWHERE), "clamd", "/nowhere"), CONFIG)

    assert answer.ok
    assert answer.detail == "ClamAV 1.0.9, finds the EICAR test file"
    assert answer.database == database
    assert (answer.built_at is not None) is age


def test_the_real_clamd_finds_eicar_and_a_limit_below_ours_is_noticed() -> None:
    """A8, A9: learnt from clamd itself, which is set to 80 MB."""
    config = FilterConfig.from_environment()
    if config.clamd is None:
        pytest.skip("this run has no clamd")
    entry = Entry(Clamd(config.clamd), "clamd", str(config.clamd))

    assert ask_virus_scanner(entry, config).ok
    assert takes_message(config.clamd, config.message_size_limit_bytes, 5.0)
    large = replace(config, message_size_limit_bytes=100 << 20)
    assert health._small(InUse(entry, "primary"), config) == ""
    assert health._small(InUse(entry, "primary"), large) == "clamd"
    assert "StreamMaxLength" in health._limits(["clamd"], large)["scan limits"].detail


# Spam engines


@pytest.mark.parametrize(
    ("engine", "spamd", "rspamd", "flows"),
    [
        ("spamd", GTUBE, FAILS, True),
        ("spamd", FAILS, GTUBE, False),
        ("rspamd", FAILS, GTUBE, True),
        ("rspamd", GTUBE, FAILS, False),
        ("fallback", FAILS, GTUBE, True),
        ("fallback", GTUBE, FAILS, True),
        ("fallback", FAILS, FAILS, False),
        ("both", GTUBE, GTUBE, True),
        ("both", GTUBE, FAILS, False),
        ("both", FAILS, GTUBE, False),
    ],
)
def test_mail_flows_while_the_chosen_spam_engines_answer(
    site: Set, engine: str, spamd: Answer, rspamd: Answer, flows: bool
) -> None:
    """S-10, B8: who is not chosen is not asked."""
    site({"spamd": spamd, "rspamd": rspamd}, spam_engine=engine)

    assert _flows(health.spam_parts(CONFIG)) is flows


def test_an_engine_that_is_chosen_and_nowhere_is_a_fault(site: Set) -> None:
    site({"spamd": GTUBE}, spam_engine="rspamd")

    part = health.spam_parts(FilterConfig(spamd=NOWHERE))["spam scanner"]

    assert not part.ok
    assert "FILTER_RSPAMD" in part.detail
    assert health.spam_parts(FilterConfig())["spam scanner"].ok


@pytest.mark.parametrize("scanner", [Spamd(NOWHERE), Rspamd(NOWHERE)])
def test_a_spam_engine_that_is_away_says_why(scanner: Spamd | Rspamd) -> None:
    """B1."""
    answer = ask_spam_engine(SpamEngine(scanner, "/nowhere"))

    assert not answer.ok
    assert "/nowhere/socket" in answer.detail


# Settings


@pytest.mark.django_db
def test_network_tests_bayes_and_configurations_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """S-6, S-7: they start off, and Bayes waits for 200 of each."""
    monkeypatch.setattr("appliance.engines.health.connection.close", lambda: None)
    parts = health.settings_parts()

    assert parts["network tests"].warns
    assert parts["network tests"].detail.startswith("off")
    assert "inactive until 200 of each" in parts["bayes"].detail
    assert "configuration" not in parts

    SiteSettings(network_tests=True, use_bayes=False).save()
    made = {"engine": "spamassassin", "digest": "1", "applied_at": timezone.now()}
    Rendering.objects.create(node="mx1", ok=True, detail="", missing={"dcc": "build it"}, **made)
    Rendering.objects.create(node="mx2", ok=False, detail="lint: <b>no</b>", **made)
    parts = health.settings_parts()

    assert parts["network tests"] == Probe(
        True, "on: DNS block lists, Razor2, Pyzor; missing: DCC", warns=True
    )
    assert parts["configuration"] == Probe(False, "spamassassin on mx2: lint: <b>no</b>")
    assert "bayes" not in parts


@pytest.mark.django_db
def test_an_agent_that_died_is_noticed_until_its_node_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, settings: Any, run: Run
) -> None:
    """Design 4.6: nobody says "in force" who does not look any more."""
    monkeypatch.setattr("appliance.engines.health.connection.close", lambda: None)
    settings.AGENT_SPAMASSASSIN_FOLDER = "/etc/spamassassin"
    assert not health.settings_parts()["configuration"].ok

    now = timezone.now()
    for node, minutes in (("mx1", 1), ("mx2", 5)):
        seen = now - timedelta(minutes=minutes)
        Rendering.objects.create(
            node=node, engine="spamassassin", digest="1", ok=True, applied_at=now, seen_at=seen
        )
    dead = "the agent was last seen 5 min ago: does runagent run?"
    said = health.settings_parts()["configuration"]
    assert said == Probe(False, f"spamassassin on mx2: {dead}")
    assert alarming("configuration", said)
    assert f"mx2: {dead}" in run("spamassassin", "status").out

    assert run("spamassassin", "forget", "mx2").out == "mx2 is forgotten\n"
    assert health.settings_parts()["configuration"] == Probe(True, "in force on mx1")
    assert run("spamassassin", "forget", "mx2").code == 2


# Each minute


@pytest.mark.django_db
def test_each_minute_alarms_are_sounded_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A8, B8: also while no mail comes."""
    write_alarm(name="spam scanner", text="gone")
    write_alarm(name="poison message", text="of the filter")
    answers = {
        "virus scanner": Probe(False, "hangs\x00"),
        "spam scanner": Probe(True, "works"),
        "network tests": Probe(True, "off", warns=True),
    }
    monkeypatch.setattr(tasks, "probe_all", lambda: answers)

    tasks.self_test()

    current = {alarm.name: alarm.text for alarm in current_alarms(timezone.now())}
    assert current == {"virus scanner": "hangs\ufffd", "poison message": "of the filter"}
