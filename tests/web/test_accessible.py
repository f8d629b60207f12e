"""WCAG 2.2 AA as far as axe can tell, on all main screens, light and dark; and nothing wider than a
telephone.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tests.web.browser import visitor
from tests.web.conftest import Cast
from tests.web.story import tell, tell_engines

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
}
PATHS = (
    "/", "/quarantine/", "/mails/", "/policies/", "/policies/example.com/", "/senders/",
    "/senders/example.com/", "/domains/", "/domains/example.com/", "/accounts/",
    "/policies/@./", "/policies/olga@example.com/", "/revisions/",
    "/policies/overrides/?key=@.&of=spam_kill_level", "/policies/banrules/",
    "/policies/banrules/debian/", "/networks/", "/profiles/outbound/",
    "/notices/", "/notices/virus/en/", "/engines/", "/engines/virusnames/?name=Phishing.x",
    "/engines/preferences/", "/engines/preferences/ann/", "/engines/learning/", "/status/",
    "/status/queue/", "/settings/", "/golive/", "/explain/", "/password/change/",
    "/security/", "/security/sessions/", "/security/confirm/", "/api/", "/account/tokens/",
)  # fmt: skip
VIEWS = ("why", "text", "rules", "parts")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_main_screens_have_no_violations(
    chromium: Browser, live_server: LiveServer, live_cast: Cast, scheme: str
) -> None:
    tell()
    tell_engines()
    ada = visitor(chromium, live_server, color_scheme=scheme)
    ada.go("/login/")
    found = _violations(ada.page)
    ada.log_in(live_cast.administrator)
    ada.go("/quarantine/?category=spam")
    mail = ada.page.locator("#rows a.list-main").first.get_attribute("href")

    for path in (*PATHS, *(f"{mail}?view={view}" for view in VIEWS)):
        ada.go(path)
        found += [f"{path}: {violation}" for violation in _violations(ada.page)]

    assert found == []
    assert ada.alarms == []


def _violations(page: object) -> list[str]:
    results = Axe().run(page, options=RULES)
    return [
        f"{violation['id']} {node['target']} {node.get('failureSummary', '')}"
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]


def test_no_screen_is_wider_than_a_telephone(
    chromium: Browser, live_server: LiveServer, live_cast: Cast
) -> None:
    """I4: 320 px wide, the page itself never scrolls sideways."""
    tell()
    tell_engines()
    ada = visitor(chromium, live_server, viewport={"width": 320, "height": 640})
    ada.log_in(live_cast.administrator)
    ada.go("/quarantine/")
    mail = ada.page.locator("#rows a.list-main").first.get_attribute("href")

    wide = []
    for path in (*PATHS, *(f"{mail}?view={view}" for view in VIEWS)):
        ada.go(path)
        if ada.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path)

    assert wide == []
