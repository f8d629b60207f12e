"""A story in a real browser: look at held mail, release it, read the next hop's answer."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from quarantine.nexthop import notify_relay
from tests.doubles.next_hop import NextHop
from tests.evidence.builders import held
from tests.web.browser import visitor
from tests.web.conftest import Cast, record

OCTETS = b"Subject: hello\r\nTo: olga@example.com\r\n\r\nAs received: \xe4\r\n.dot\r\n"


@pytest.fixture
def next_hop(monkeypatch: pytest.MonkeyPatch) -> Iterator[NextHop]:
    """A next hop for released mail; the process remembers its own, so it has to look again."""
    with NextHop() as hop:
        monkeypatch.setenv("FILTER_NOTIFY", hop.endpoint)
        notify_relay.cache_clear()
        yield hop
    notify_relay.cache_clear()


def test_an_administrator_releases_held_mail_and_sees_the_answer(
    chromium: Browser, live_server: LiveServer, live_cast: Cast, next_hop: NextHop
) -> None:
    record(held("olga@example.com"), octets=OCTETS, subject="An offer")
    next_hop.script.dot = "250 2.0.0 Ok: queued as 4F3K"
    ada = visitor(chromium, live_server)
    ada.log_in(live_cast.administrator)
    page = ada.page

    page.get_by_role("link", name="Quarantine").first.click()
    page.get_by_role("link", name="An offer").click()
    expect(page.get_by_text("Score 1005.3 reaches the kill level 6.3")).to_be_visible()
    page.get_by_text("Release…").click()
    page.get_by_role("button", name="Release", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("250 2.0.0 Ok: queued as 4F3K")

    expect(page.locator("#recipients")).to_contain_text("Released")
    expect(page.locator("#recipients")).to_contain_text("queued as 4F3K")
    assert [transaction.content for transaction in next_hop.deliveries_to("olga@example.com")] == [
        OCTETS
    ]
    assert ada.alarms == []


def test_a_refusal_of_the_next_hop_is_told_as_one(
    chromium: Browser, live_server: LiveServer, live_cast: Cast, next_hop: NextHop
) -> None:
    """R-24, complaint 3: never "released" before the next hop's 250."""
    row = record(held("olga@example.com"))
    next_hop.script.recipient = "550 5.1.1 No such user"
    ada = visitor(chromium, live_server)
    ada.log_in(live_cast.administrator)

    ada.go(f"/mails/{row.mail.mail_id}/")
    ada.page.get_by_text("Release…").click()
    ada.page.get_by_role("button", name="Release", exact=True).click()
    expect(ada.page.get_by_role("status")).to_contain_text("550 5.1.1 No such user")

    expect(ada.page.locator("#recipients")).to_contain_text("Release failed")


def test_an_owner_sees_the_own_mail_only_and_works_without_javascript(
    chromium: Browser, live_server: LiveServer, live_cast: Cast, next_hop: NextHop
) -> None:
    record(held("olga@example.com"), subject="For Olga")
    foreign = record(held("otto@other.example"), subject="For Otto")
    olga = visitor(chromium, live_server, java_script_enabled=False)
    olga.log_in(live_cast.owner)
    page = olga.page

    expect(page.get_by_role("link", name="For Olga")).to_be_visible()
    expect(page.get_by_text("For Otto")).to_have_count(0)
    olga.go(f"/mails/{foreign.mail.mail_id}/")
    expect(page.get_by_role("heading")).to_have_text("There is nothing here")

    olga.go("/quarantine/?text=olga")
    page.get_by_label("Subject").fill("For")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="For Olga").click()
    page.get_by_role("link", name="Text", exact=True).click()
    expect(page.get_by_text("body")).to_be_visible()
    page.get_by_text("Release…").click()
    page.get_by_role("button", name="Release", exact=True).click()
    expect(page.locator("#recipients")).to_contain_text("Released")


def test_login_and_release_need_no_mouse(
    chromium: Browser, live_server: LiveServer, live_cast: Cast, next_hop: NextHop
) -> None:
    row = record(held("olga@example.com"))
    someone = visitor(chromium, live_server)
    page = someone.page
    someone.go("/login/")
    _tab_to(page, "login")
    page.keyboard.type(live_cast.administrator.email)
    _tab_to(page, "password")
    page.keyboard.type("a gate in the back wall")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/")

    someone.go(f"/mails/{row.mail.mail_id}/")
    page.keyboard.press("Tab")
    assert _focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    _tab_to(page, "Release…")
    page.keyboard.press("Enter")
    _tab_to(page, "Release")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("250 2")


def _focused(page: Page) -> str:
    """Return the name or the text of the element that has the focus."""
    return str(page.evaluate("(e => e.name || e.innerText.trim())(document.activeElement)"))


def _tab_to(page: Page, name: str) -> None:
    for _ in range(40):
        if _focused(page) == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {name!r}")


def test_the_first_password_must_be_changed_before_anything_else(
    chromium: Browser, live_server: LiveServer, live_cast: Cast
) -> None:
    live_cast.administrator.must_change_password = True
    live_cast.administrator.save()
    ada = visitor(chromium, live_server)
    page = ada.page
    ada.go("/login/")
    page.get_by_label("Email").fill(live_cast.administrator.email)
    page.get_by_label("Password").fill("a gate in the back wall")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading")).to_have_text("Choose a password")
    ada.go("/quarantine/")
    expect(page.get_by_role("heading")).to_have_text("Choose a password")
    page.get_by_label("Current Password").fill("a gate in the back wall")
    page.get_by_label("New Password", exact=True).fill("another gate, another wall")
    page.get_by_label("New Password (again)").fill("another gate, another wall")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_the_theme_that_was_chosen_stays(
    chromium: Browser, live_server: LiveServer, live_cast: Cast
) -> None:
    ada = visitor(chromium, live_server, color_scheme="light")
    ada.log_in(live_cast.administrator)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = ada.page.evaluate(ground)

    ada.page.get_by_role("button", name="Dark").click()
    ada.go("/domains/")

    assert ada.page.evaluate(ground) != light
    assert ada.page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"
