"""Going live: what each step sees, and what its button does."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.domains.models import Domain
from appliance.engines.bayes import Counts
from appliance.errors import Refused, Unknown
from appliance.policies.edit import find_layer
from appliance.status import golive, golive_checks, postfix
from appliance.status.golive_checks import Check, Facts, check_all, gather
from appliance.status.models import SiteSettings
from appliance.status.postfix import Listener, Postfix, read_postfix
from appliance.status.probe import Probe
from smtpfilter.config import Endpoint, FilterConfig

MASTER = """smtp       inet  n       -       y       -       -       smtpd
pickup     unix  n       -       y       60      1       pickup
127.0.0.1:10026 inet n  -       y       -       -       smtpd -o content_filter=
postern    unix  -       -       n       -       10      lmtp
"""
OVERRIDES = """127.0.0.1:10026/inet/content_filter =
postern/unix/lmtp_send_xforward_command = yes
"""
FILTERED = "postern:[127.0.0.1]:10025"
BACK = Listener("127.0.0.1:10026", "")
OK = Probe(True, "127.0.0.1:25 answers 220")
DOWN = Probe(False, "127.0.0.1:25: [Errno 111] Connection refused")
FACTS = Facts(
    hostname="mx.example.net",
    domains=("example.com", "example.net"),
    told="ada@example.net",
    kill=8.0,
    row=SiteSettings(network_tests=True, bayes_auto_learn_threshold_spam=8.0),
    learnt=Counts(200, 200),
    config=FilterConfig(),
    postfix=Postfix(FILTERED, (Listener("smtp", None), BACK)),
    answers={"postfix": OK, "filter": OK, "hop": OK},
)


def test_postconf_is_read() -> None:
    read = Postfix.parse(f"{FILTERED}\n", MASTER, OVERRIDES)

    assert read == FACTS.postfix
    assert read.filter_port == "10025"
    assert read.listener(10026) == BACK
    assert Postfix.parse("\n", MASTER, "") == Postfix(
        "", (Listener("smtp", None), Listener("127.0.0.1:10026", None))
    )


def test_a_postconf_that_fails_is_no_postfix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "postconf"
    program.write_text('#!/bin/sh\n[ "$1" = -h ] && echo "a:[::1]:1" || exit "$CODE"\n')
    program.chmod(0o755)
    monkeypatch.setattr(postfix, "_WHERE", f"{tmp_path}{os.pathsep}{os.defpath}")

    monkeypatch.setenv("CODE", "0")
    assert read_postfix() == Postfix("a:[::1]:1", ())
    monkeypatch.setenv("CODE", "1")
    assert read_postfix() is None
    program.unlink()
    monkeypatch.setattr(postfix, "_WHERE", str(tmp_path))
    assert read_postfix() is None


def test_a_site_that_is_set_up_is_in_order_but_for_its_kill_level() -> None:
    checks = check_all(FACTS)

    assert set(checks) == set(golive.BY_NAME) - {"mails"}
    assert {name for name, check in checks.items() if check.ok is not True} == {"kill"}
    assert check_all(replace(FACTS, kill=6.3))["kill"].ok


ALONE = Postfix("", (Listener("smtp", None), BACK))


@pytest.mark.parametrize(
    ("step", "change", "says"),
    [
        ("name", {"hostname": "localhost"}, "It is called localhost"),
        ("domains", {"domains": ("example.com",)}, "only example.com, which is a sample"),
        ("domains", {"domains": ()}, "No domain of yours"),
        ("reports", {"told": ""}, "Nobody hears"),
        ("careful", {"kill": 6.3}, "from 6.3 points on"),
        ("postfix", {"answers": {**FACTS.answers, "postfix": DOWN}}, "refused"),
        ("filter", {"answers": {**FACTS.answers, "filter": DOWN}}, "refused"),
        ("hop", {"answers": {**FACTS.answers, "hop": DOWN}}, "refused"),
        ("hop", {"postfix": Postfix("", (Listener("10026", None),))}, "add -o content_filter="),
        ("hop", {"postfix": Postfix("", (Listener("10026", FILTERED),))}, f"by {FILTERED}"),
        ("ports", {"postfix": Postfix("", ())}, "No line of master.cf listens on"),
        ("ports", {"postfix": Postfix("x:[127.0.0.1]:10024", (BACK,))}, "sends to port 10024"),
        ("switch", {"postfix": ALONE}, "content_filter is empty"),
        ("network", {"row": SiteSettings()}, "They are off."),
        ("bayes", {"learnt": Counts(199, 200)}, "inactive until 200"),
        ("threshold", {"row": SiteSettings()}, "from 12 points on"),
    ],
)
def test_what_is_not_in_order_is_said(step: str, change: dict[str, object], says: str) -> None:
    check = check_all(replace(FACTS, **change))[step]  # type: ignore[arg-type]

    assert check.ok is False
    assert says in check.says


@pytest.mark.parametrize("step", ["postfix", "hop", "ports", "switch"])
def test_where_postfix_is_elsewhere_nothing_is_claimed(step: str) -> None:
    check = check_all(replace(FACTS, postfix=None))[step]

    assert check.ok is None


def test_a_next_hop_on_another_machine_is_that_machines_matter() -> None:
    config = FilterConfig(relay=Endpoint(host="mail.example.net", port=10026))

    assert check_all(replace(FACTS, config=config))["hop"].ok is None


@pytest.mark.django_db
def test_facts_are_gathered_from_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golive_checks, "read_postfix", lambda: None)
    monkeypatch.setattr(golive_checks, "greeting", lambda endpoint: Probe(True, str(endpoint)))
    golive.start_carefully(level="10", actor="ada@example.net")
    golive.send_reports(address="ada@example.net", actor="ada@example.net")

    facts = gather()

    assert (facts.kill, facts.told, facts.postfix) == (10.0, "ada@example.net", None)
    assert facts.answers["postfix"].detail == "127.0.0.1:25"
    assert check_all(facts)["careful"] == Check(True, "Spam is held from 10 points on.")


@pytest.mark.django_db
def test_a_button_does_its_step_and_the_step_is_done() -> None:
    golive.start_carefully(level="8", actor="ada@example.net")
    golive.send_reports(address="post@example.net", actor="ada@example.net")
    golive.learn_from_more(actor="ada@example.net")
    golive.make_local(name="new.example", actor="ada@example.net")
    golive.make_local(name="new.example", actor="ada@example.net")

    layer = find_layer("@.")
    assert layer is not None
    assert (layer.spam_kill_level, layer.virus_admin) == (8.0, "post@example.net")
    assert SiteSettings.load().bayes_auto_learn_threshold_spam == 8.0
    assert Domain.objects.filter(name="new.example").exists()
    assert set(golive.done_steps()) == {"careful", "reports", "threshold", "domains"}


@pytest.mark.django_db
def test_what_a_button_cannot_do_leaves_the_step_open() -> None:
    with pytest.raises(Refused, match="no careful start"):
        golive.start_carefully(level="2", actor="ada@example.net")
    with pytest.raises(Refused, match="virus_admin"):
        golive.send_reports(address="nobody", actor="ada@example.net")
    with pytest.raises(Refused):
        golive.make_local(name="a@b", actor="ada@example.net")

    assert golive.done_steps() == {}


@pytest.mark.django_db
def test_a_step_is_done_once_and_may_be_opened_again() -> None:
    golive.mark_done(step="name", actor="ada@example.net")
    golive.mark_done(step="name", actor="audrey@example.net")

    assert golive.done_steps()["name"].done_by == "ada@example.net"
    with pytest.raises(Unknown, match="the steps are"):
        golive.mark_done(step="sleep", actor="ada@example.net")
    golive.open_again(step="name")
    with pytest.raises(Refused, match="is not done"):
        golive.open_again(step="name")
