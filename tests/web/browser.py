"""Chromium of the distribution for the tests that need a real browser, and what every such test
watches.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from appliance.accounts.models import User

CHROMIUM = Path(os.environ.get("POSTERN_CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]  # root and small containers need both
PASSWORD = "a gate in the back wall"

_WATCH = """
document.addEventListener('securitypolicyviolation',
    event => console.error('CSP: ' + event.violatedDirective + ' ' + event.blockedURI));
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the file; each test opens a context of its own.

    Not for the session: while Playwright is there its loop runs in this thread, and tests of other
    files want to run loops of their own.
    """
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: install Debian's chromium or set POSTERN_CHROMIUM")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # or Django refuses queries beside a loop
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """A person at a browser.  `alarms`: dialogs, script errors and breaches of the CSP; must stay
    empty.
    """

    page: Page
    home: str
    alarms: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.home + path)

    def log_in(self, person: User) -> None:
        self.go("/login/")
        self.page.get_by_label("Email").fill(person.email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.home}/")


def visitor(chromium: Browser, live_server: LiveServer, **options: Any) -> Visitor:
    """Open a browser of its own; `options` are Playwright's for a context."""
    context = chromium.new_context(**options)
    context.set_default_timeout(15_000)  # milliseconds: a machine that does other things is slow
    context.add_init_script(_WATCH)
    page = context.new_page()
    one = Visitor(page, live_server.url)

    def dialog(shown: Any) -> None:
        one.alarms.append(f"dialog: {shown.message}")
        shown.dismiss()

    page.on("dialog", dialog)
    page.on("pageerror", lambda error: one.alarms.append(f"error: {error}"))
    page.on(
        "console",
        lambda said: (
            one.alarms.append(said.text)
            if "CSP" in said.text or "Content Security" in said.text
            else None
        ),
    )
    return one
