"""Makes screenshot.png, the picture in the README:  ./postern test tests/web/screenshot.py

With POSTERN_SHOTS=FOLDER it also takes pictures of all main screens, light, dark and narrow, for
looking at them.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from appliance.status.golive import STEPS
from appliance.status.models import GoingLiveStep
from appliance.status.probe import Probe
from tests.web import many
from tests.web.browser import visitor
from tests.web.conftest import Cast
from tests.web.story import tell, tell_engines

PAGES = {
    "overview": "/",
    "quarantine": "/quarantine/",
    "mails": "/mails/",
    "policies": "/policies/",
    "policy": "/policies/example.com/",
    "policy-mailbox": "/policies/olga@example.com/",
    "overrides": "/policies/overrides/?key=@.&of=spam_kill_level",
    "revisions": "/revisions/",
    "ban-sets": "/policies/banrules/",
    "ban-set": "/policies/banrules/debian/",
    "networks": "/networks/",
    "profile": "/profiles/outbound/",
    "senders": "/senders/",
    "sender-list": "/senders/example.com/",
    "domains": "/domains/",
    "domain": "/domains/example.com/",
    "engines": "/engines/",
    "virus-names": "/engines/virusnames/?name=Sanesecurity.Phishing.7",
    "preferences": "/engines/preferences/",
    "preference-list": "/engines/preferences/ann/",
    "learning": "/engines/learning/",
    "status": "/status/",
    "queue": "/status/queue/",
    "settings": "/settings/",
    "going-live": "/golive/",
    "accounts": "/accounts/",
    "password": "/password/change/",
    "your-account": "/security/",
    "sessions": "/security/sessions/",
    "api": "/api/",
    "tokens": "/account/tokens/",
    "nothing": "/no-such-page/",
}
ENGINES = {
    "database": "Postgres 15.14, synchronous_commit on",
    "filter": "127.0.0.1:10025 answers 220",
    "virus scanner": "ClamAV 1.0.9, finds the EICAR test file",
    "spam scanner": "spamd finds the GTUBE test mail",
    "next hop": "127.0.0.1:10026 answers 220",
    "queue": "Redis answers",
}
VIEWS = ("why", "text", "headers", "rules", "parts", "history")


def test_picture_for_the_readme(
    chromium: Browser,
    live_server: LiveServer,
    live_cast: Cast,
    engines: dict[str, Probe],
    checkout: Path,
) -> None:
    tell()
    GoingLiveStep.objects.bulk_create(GoingLiveStep(step=step.name) for step in STEPS)
    many.write(count=400, ends=datetime.now(UTC) - timedelta(minutes=4), lasts=timedelta(days=1))
    engines.update({name: Probe(True, detail) for name, detail in ENGINES.items()})
    size = {"width": 1280, "height": 860}
    ada = visitor(chromium, live_server, viewport=size, color_scheme="light")
    ada.log_in(live_cast.administrator)
    ada.page.get_by_text("Mail is flowing").wait_for()
    ada.page.locator("canvas").first.wait_for()
    ada.page.screenshot(path=checkout / "screenshot.png")


@pytest.mark.skipif("POSTERN_SHOTS" not in os.environ, reason="POSTERN_SHOTS names no folder")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_pictures_of_all_screens(
    chromium: Browser, live_server: LiveServer, live_cast: Cast, scheme: str, width: int
) -> None:
    tell()
    tell_engines()
    folder = Path(os.environ["POSTERN_SHOTS"])
    size = {"width": width, "height": 860}
    ada = visitor(chromium, live_server, viewport=size, color_scheme=scheme)
    ada.go("/login/")
    ada.page.screenshot(path=folder / f"login-{scheme}-{width}.png")
    ada.log_in(live_cast.administrator)
    ada.go("/quarantine/")
    first = ada.page.locator("a.list-main").nth(1).get_attribute("href")
    for name, path in (PAGES | {f"mail-{view}": f"{first}?view={view}" for view in VIEWS}).items():
        ada.go(path)
        ada.page.wait_for_load_state("networkidle")
        ada.page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", full_page=True)
