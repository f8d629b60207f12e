"""Going live in the browser: every step with its check, kept until it is done."""

from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from appliance.policies.edit import find_layer
from appliance.status import golive
from appliance.status.models import SiteSettings
from quarantine.models import RecipientRecord
from quarantine.testmail import SAMPLES, Result
from quarantine.views import golive as golive_views
from smtpfilter.verdict.category import Category
from tests.evidence.builders import held
from tests.intent.test_golive import FACTS
from tests.web.browser import visitor
from tests.web.conftest import Cast, record
from tests.web.story import passed
from tests.web.test_hostile import XSS


@pytest.fixture(autouse=True)
def facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that is set up, without asking Postfix and ports."""
    monkeypatch.setattr(golive_views, "gather", lambda: FACTS)


@pytest.fixture
def ada(cast: Cast) -> Client:
    return cast.client("administrator")


def test_every_step_is_shown_with_what_it_looks_like_now(ada: Client) -> None:
    page = ada.get("/golive/").content.decode()

    assert "0 of 14 steps done" in page
    assert [page.index(f'id="{step.name}"') for step in golive.STEPS] == sorted(
        page.index(f'id="{step.name}"') for step in golive.STEPS
    )
    assert page.count("In order: ") == 12
    assert "Spam is held from 8 points on." in page
    assert '<option value="8" selected>' in page
    assert 'value="ada@example.net"' in page


def test_a_step_is_marked_and_opened_again(ada: Client) -> None:
    done = ada.post("/golive/mark/", {"step": "postfix", "done": "yes"})

    assert done["Location"] == "/golive/#postfix"
    assert "1 of 14 steps done" in ada.get("/golive/").content.decode()
    ada.post("/golive/mark/", {"step": "postfix", "done": "no"})
    assert golive.done_steps() == {}


@pytest.mark.parametrize("address", ["mark", "do"])
def test_a_step_that_is_none_is_not_found(ada: Client, address: str) -> None:
    assert ada.post(f"/golive/{address}/", {"step": XSS}).status_code == 404


def test_a_step_without_a_button_does_nothing(ada: Client) -> None:
    assert ada.post("/golive/do/", {"step": "switch"}).status_code == 404


def test_a_careful_start_is_set_for_the_site(ada: Client) -> None:
    ada.post("/golive/do/", {"step": "careful", "level": "10"})

    layer = find_layer("@.")
    assert layer is not None
    assert layer.spam_kill_level == 10.0
    assert golive.done_steps()["careful"].done_by == "ada@example.net"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"step": "careful", "level": "2"}, "Select a valid choice"),
        ({"step": "reports", "address": "nobody"}, "Enter a valid email address."),
        ({"step": "domains", "name": f"{XSS}@@"}, "notice-error"),
        ({"step": "mails", "recipient": "x@foreign.example"}, "is in no local domain"),
    ],
)
def test_what_cannot_be_done_is_said(ada: Client, typed: dict[str, str], sentence: str) -> None:
    page = ada.post("/golive/do/", typed, follow=True).content.decode()

    assert sentence in page
    assert "<script>alert" not in page
    assert golive.done_steps() == {}


def _results(**rows: RecipientRecord) -> list[Result]:
    return [Result(sample, rows.get(sample.name)) for sample in SAMPLES]


def _ends() -> dict[str, RecipientRecord]:
    return {
        "clean": record(passed("olga@example.com")),
        **{
            name: record(held("olga@example.com", categories=(found,), blocked_by=found))
            for name, found in (
                ("virus", Category.VIRUS), ("spam", Category.SPAM), ("banned", Category.BANNED)
            )
        },
    }  # fmt: skip


def test_test_mail_that_ends_as_told_does_its_step(
    ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = _ends()
    monkeypatch.setattr(golive_views, "send_tests", lambda **_: _results(**ends))

    page = ada.post("/golive/do/", {"step": "mails", "recipient": "olga@example.com"}, follow=True)

    assert page.content.decode().count(">As told<") == 4
    assert ends["virus"].mail.mail_id in page.content.decode()
    assert "mails" in golive.done_steps()


def test_test_mail_that_does_not_leaves_it_open(
    ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P3: a virus that is delivered, a harmless mail that is held, one that nobody knows of."""
    ends: dict[str, Any] = _ends()
    ends["clean"], ends["virus"] = ends["virus"], ends["clean"]
    del ends["spam"]
    monkeypatch.setattr(golive_views, "send_tests", lambda **_: _results(**ends))

    page = ada.post("/golive/do/", {"step": "mails", "recipient": "olga@example.com"}, follow=True)

    assert page.content.decode().count(">Not as told<") == 3
    assert "nothing is recorded of it" in page.content.decode()
    assert golive.done_steps() == {}


def test_an_auditor_reads_and_has_no_button(cast: Cast) -> None:
    page = cast.client("auditor").get("/golive/").content.decode().split("<main")[1]

    assert "0 of 14 steps done" in page
    assert "<form" not in page


def test_a_machine_that_is_set_up_wrongly_is_told(
    ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("FILTER_RELAY", "nowhere")

    assert "is no address" in ada.get("/golive/").content.decode()


def test_the_overview_tells_what_comes_next_until_all_is_done(cast: Cast) -> None:
    ada = cast.client("administrator")
    golive.mark_done(step="name", actor="ada@example.net")
    page = ada.get("/").content.decode()
    assert "1 of 14 steps done. Next: Your domains are local." in page
    assert "steps done" not in cast.client("auditor").get("/").content.decode()

    for step in golive.STEPS:
        golive.mark_done(step=step.name, actor="ada@example.net")
    assert "steps done" not in ada.get("/").content.decode()
    assert "All 14 steps are done" in ada.get("/golive/").content.decode()


def test_by_keyboard_alone_a_step_is_done_by_its_button(
    chromium: Browser, live_server: LiveServer, live_cast: Cast
) -> None:
    ada = visitor(chromium, live_server)
    ada.log_in(live_cast.administrator)
    ada.go("/golive/")

    ada.page.get_by_role("button", name="Learn from 8 points on").focus()
    ada.page.keyboard.press("Enter")

    expect(ada.page.get_by_text("1 of 14 steps done")).to_be_visible()
    assert ada.page.url.endswith("/golive/#threshold")
    assert SiteSettings.load().bayes_auto_learn_threshold_spam == 8.0
    assert ada.alarms == []
