"""The policy form in a browser: without script, by keyboard, on a telephone."""

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from appliance.policies.edit import find_layer, set_fields
from tests.web.browser import visitor
from tests.web.conftest import Cast

NARROW = {"width": 360, "height": 740}
LONGEST = 9000  # pixels of a page on a telephone


def test_a_policy_is_saved_and_taken_back_without_script_and_mouse(
    chromium: Browser, live_server: LiveServer, live_cast: Cast
) -> None:
    mona = visitor(chromium, live_server, java_script_enabled=False, viewport=NARROW)
    mona.log_in(live_cast.manager)
    mona.go("/policies/olga@example.com/")
    page = mona.page

    page.locator("#group-checks > summary").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Viruses", exact=True).focus()
    page.keyboard.type("Do not check")
    page.get_by_label("Why").press("Enter")
    page.get_by_role("alert").get_by_label("Why").fill("a trap for spam")
    page.get_by_label("Yes, do not look for viruses").press("Space")
    page.get_by_role("button", name="Save without").press("Enter")

    page.get_by_text("Saved. The next message").wait_for()
    layer = find_layer("olga@example.com")
    assert layer is not None
    assert layer.bypass_virus_checks is True
    page.locator("#history ~ * .list-main, .list .list-main").first.press("Enter")
    page.get_by_text("a trap for spam").wait_for()
    page.locator("summary", has_text="Take back").press("Enter")
    page.get_by_role("button", name="Take back").press("Enter")
    page.get_by_text("is taken back").wait_for()
    assert find_layer("olga@example.com") is None
    assert mona.alarms == []


@pytest.mark.parametrize("key", ["@.", "example.com", "olga@example.com"])
def test_a_policy_is_no_endless_page_on_a_telephone(
    chromium: Browser, live_server: LiveServer, live_cast: Cast, key: str
) -> None:
    set_fields(
        key="example.com",
        values={"spam_kill_level": "8", "spam_lover": "no", "spam_subject_tag2": "[spam] "},
        actor="tests",
    )
    ada = visitor(chromium, live_server, viewport=NARROW)
    ada.log_in(live_cast.administrator)
    ada.go(f"/policies/{key}/")

    size = ada.page.evaluate(
        "[document.body.scrollHeight, document.documentElement.scrollWidth, innerWidth]"
    )

    assert size[0] < LONGEST
    assert size[1] <= size[2]
