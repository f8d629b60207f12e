"""Passkeys in a real browser, with Chromium's own virtual authenticator."""

from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from appliance.accounts.factors import has_factor
from tests.web.browser import PASSWORD, Visitor, visitor
from tests.web.conftest import Cast

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def with_device(ada: Visitor) -> Visitor:
    """Give the browser a device that makes passkeys and confirms all that it is asked."""
    protocol = ada.page.context.new_cdp_session(ada.page)
    protocol.send("WebAuthn.enable")
    protocol.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return ada


def test_a_passkey_is_added_then_asked_for_and_also_signs_in_alone(
    chromium: Browser, live_server: LiveServer, live_cast: Cast
) -> None:
    """W2, under the strict CSP."""
    ada = with_device(visitor(chromium, live_server))
    ada.log_in(live_cast.administrator)
    page = ada.page
    page.get_by_role("link", name="Your account").click()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Name").fill("Office")
    page.get_by_label("Signs in alone").check()
    page.get_by_role("button", name="Add this device").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("region", name="Passkeys").locator("bdi")).to_have_text("Office")
    assert has_factor(live_cast.administrator)

    _sign_out(ada)
    page.get_by_label("Email").fill(live_cast.administrator.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{ada.home}/")

    _sign_out(ada)
    page.get_by_role("button", name="With a passkey").click()
    page.wait_for_url(f"{ada.home}/")

    ada.go("/security/")
    page.get_by_role("link", name="Remove… Office").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Remove passkey").click()
    expect(page.get_by_text("The passkey is removed")).to_be_visible()
    assert not has_factor(live_cast.administrator)
    assert ada.alarms == []


def test_without_a_passkey_the_page_says_what_to_do(
    chromium: Browser, live_server: LiveServer, live_cast: Cast
) -> None:
    ada = visitor(chromium, live_server)
    protocol = ada.page.context.new_cdp_session(ada.page)
    protocol.send("WebAuthn.enable")
    protocol.send(
        "WebAuthn.addVirtualAuthenticator", {"options": DEVICE | {"isUserVerified": False}}
    )
    ada.go("/login/")

    ada.page.get_by_role("button", name="With a passkey").click()

    expect(ada.page.get_by_role("alert")).to_contain_text("The browser gave no passkey")


def _sign_out(ada: Visitor) -> None:
    ada.page.get_by_role("button", name="Sign out").click()
    ada.page.wait_for_url("**/login/**")
