"""What would change: the fragment beside the policy form, before anything is saved."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from appliance.policies.edit import find_layer
from quarantine import whatif
from smtpfilter.mail.findings import Findings, SpamReport
from tests.evidence.builders import held
from tests.web.browser import visitor
from tests.web.conftest import Cast, record

URL = "/whatif/example.com/"
SPAM = Findings(parts=(), viruses=(), spam=SpamReport(7.0), bad_headers=())
HTMX = {"HX-Request": "true"}


def _asked(cast: Cast, role: str = "manager", **typed: str) -> Any:
    return cast.client(role).post(URL, typed, headers=HTMX)


def test_it_counts_and_shows_examples_and_stores_nothing(cast: Cast) -> None:
    row = record(held("olga@example.com", score=7.0), findings=SPAM)

    page = _asked(cast, spam_kill_level="9").content.decode()

    assert "Delivered, marked" in page
    assert f'href="/mails/{row.mail.mail_id}/"' in page
    assert "0 of 1 stay as they are" in page
    assert find_layer("example.com") is None


def test_mail_outside_the_scope_is_not_counted(cast: Cast) -> None:
    record(held("olga@example.com"), held("otto@other.example"), findings=SPAM)

    response = _asked(cast, spam_kill_level="9")

    assert response.context["progress"].recipients == 1
    assert response.context["tally"].looked_at == 1


def test_a_form_as_it_is_changes_nothing(cast: Cast) -> None:
    record(held("olga@example.com"), findings=SPAM)

    assert "Nothing would change" in _asked(cast).content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"spam_kill_level": "high"}, "is not a number"),
        ({"spam_tag2_level": "9"}, "is above"),
    ],
)
def test_what_cannot_be_saved_cannot_be_tried(cast: Cast, typed: dict[str, str], said: str) -> None:
    assert said in _asked(cast, **typed).content.decode()
    assert cast.client("manager").post(URL, typed).status_code == 422


def test_many_messages_are_looked_at_piece_by_piece(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whatif, "SECONDS", -1)  # one message for each request
    for _ in range(3):
        record(held("olga@example.com"), findings=SPAM)

    pages = [_asked(cast, spam_kill_level="9")]
    while state := pages[-1].context["state"]:
        pages.append(_asked(cast, spam_kill_level="9", state=state))

    assert [page.context["tally"].looked_at for page in pages[:3]] == [1, 2, 3]
    assert pages[-1].context["tally"].changes.total() == 3
    assert "<progress" not in pages[-1].content.decode()


def test_another_draft_begins_anew(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whatif, "SECONDS", -1)
    for _ in range(2):
        record(held("olga@example.com"), findings=SPAM)
    state = _asked(cast, spam_kill_level="9").context["state"]

    assert _asked(cast, spam_kill_level="8", state=state).context["tally"].looked_at == 1
    assert _asked(cast, spam_kill_level="9", state=f"{state}x").context["tally"].looked_at == 1
    ada = _asked(cast, "administrator", spam_kill_level="9", state=state)
    assert ada.context["tally"].looked_at == 1


def test_a_person_sees_it_beside_the_form(
    chromium: Browser, live_server: LiveServer, live_cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whatif, "SECONDS", -1)  # so the page asks for more by itself
    rows = [record(held("olga@example.com"), findings=SPAM) for _ in range(2)]
    mona = visitor(chromium, live_server)
    mona.log_in(live_cast.manager)
    mona.go("/policies/example.com/")

    mona.page.locator("details:has([name=spam_kill_level]) > summary").click()
    mona.page.locator("[name=spam_kill_level]").fill("9")
    mona.page.get_by_role("button", name="Look at recorded mail").click()

    mona.page.get_by_text("0 of 2 stay as they are").wait_for()
    mona.page.locator("#whatif progress").wait_for(state="detached")
    shown = mona.page.locator("#whatif").inner_text()
    assert re.search(r"2\s+Held\s+Delivered, marked", shown)
    assert all(row.mail.mail_id in shown for row in rows)
    assert mona.page.locator("[name=spam_kill_level]").input_value() == "9"
    assert find_layer("example.com") is None
    assert mona.alarms == []


def test_it_works_without_script(
    chromium: Browser, live_server: LiveServer, live_cast: Cast
) -> None:
    record(held("olga@example.com"), findings=SPAM)
    mona = visitor(chromium, live_server, java_script_enabled=False)
    mona.log_in(live_cast.manager)
    mona.go("/policies/example.com/")

    mona.page.locator("details:has([name=spam_kill_level]) > summary").click()
    mona.page.locator("[name=spam_kill_level]").fill("9")
    mona.page.get_by_role("button", name="Look at recorded mail").click()

    mona.page.get_by_text("Delivered, marked").wait_for()
    assert find_layer("example.com") is None
