"""Makes screenshot.png, the picture in the README:  ./postern test tests/web/screenshot.py

With POSTERN_SHOTS=FOLDER it also takes pictures of all main screens, light, dark and narrow, for looking at them.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from tests.web.conftest import PASSWORD, Cast
from tests.web.story import tell

PAGES = {
    "overview": "/",
    "quarantine": "/quarantine/",
    "mails": "/mails/",
    "policies": "/policies/",
    "policy": "/policies/example.com/",
    "senders": "/senders/",
    "sender-list": "/senders/example.com/",
    "domains": "/domains/",
    "domain": "/domains/example.com/",
    "accounts": "/accounts/",
    "password": "/password/change/",
    "nothing": "/no-such-page/",
}
VIEWS = ("why", "text", "headers", "rules", "parts", "history")


def log_in(page: Page, live_server: LiveServer, email: str) -> None:
    page.goto(f"{live_server.url}/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{live_server.url}/")


def test_picture_for_the_readme(
    chromium: Browser, live_server: LiveServer, cast: Cast, checkout: Path
) -> None:
    tell()
    context = chromium.new_context(viewport={"width": 1280, "height": 860}, color_scheme="light")
    page = context.new_page()
    log_in(page, live_server, cast.administrator.email)
    page.screenshot(path=checkout / "screenshot.png")


@pytest.mark.skipif("POSTERN_SHOTS" not in os.environ, reason="POSTERN_SHOTS names no folder")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_pictures_of_all_screens(
    chromium: Browser, live_server: LiveServer, cast: Cast, scheme: str, width: int
) -> None:
    tell()
    folder = Path(os.environ["POSTERN_SHOTS"])
    context = chromium.new_context(viewport={"width": width, "height": 860}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{live_server.url}/login/")
    page.screenshot(path=folder / f"login-{scheme}-{width}.png")
    log_in(page, live_server, cast.administrator.email)
    page.goto(f"{live_server.url}/quarantine/")
    first = page.locator("a.list-main").nth(1).get_attribute("href")
    mails = {f"mail-{view}": f"{first}?view={view}" for view in VIEWS}
    for name, path in (PAGES | mails).items():
        page.goto(f"{live_server.url}{path}")
        page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", full_page=True)
