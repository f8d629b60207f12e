"""Hostile mail on every screen: nothing of it runs, nothing leaves the page (R-01, P6)."""

from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from smtpfilter.mail.envelope import Client
from smtpfilter.mail.findings import BadHeader, Findings, Part, Rule, SpamReport, Unchecked, Virus
from tests.evidence.builders import held
from tests.web.browser import visitor
from tests.web.conftest import Cast, record

XSS = (
    '"><script>alert(1)</script><img src=x onerror=alert(2)><svg/onload=alert(3)>'
    "</title></textarea></pre>' onfocus=alert(4) autofocus x='{{7*7}}{% debug %}\u202e"
)
RAW = (
    f"Subject: {XSS}\r\nX-Evil: {XSS}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{XSS}\r\n"
    f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    f"<html><script>alert(5)</script>{XSS}\r\n--b--\r\n"
).encode()
FINDINGS = Findings(
    parts=(Part("1", ((XSS,),), XSS, XSS, 1, sha256=XSS, short_types=(XSS,)),),
    viruses=(Virus(XSS, XSS),),
    spam=SpamReport(9.0, (Rule(XSS, 9.0, XSS),), autolearn=XSS),
    bad_headers=(BadHeader(1, XSS),),
    unchecked=(Unchecked("encrypted", XSS),),
)
# Data for charts is no script: JSON in which nothing of a mail can end the element.
INLINE_SCRIPT = 'script:not([src]):not([type="application/json"])'
ACTIVE = "[onerror], [onload], [onfocus], [style]:not(canvas)"  # Chart.js sizes its canvases
CLIENT = Client(address=XSS, name=XSS, helo=XSS, ident=XSS)


def test_no_payload_runs_on_any_screen(
    chromium: Browser, live_server: LiveServer, live_cast: Cast
) -> None:
    sender = '"<script>alert(6)</script>"@evil.example'
    recipient = held("olga@example.com", reasons=(XSS, XSS), banned=(XSS,))
    odd = held('"<img/src=x/onerror=alert(7)>"@example.com')
    row = record(
        recipient, odd, octets=RAW, findings=FINDINGS, subject=XSS, mail_from=sender, client=CLIENT
    )
    row.reply = XSS
    row.save()
    ada = visitor(chromium, live_server)
    requested: list[str] = []
    ada.page.on("request", lambda request: requested.append(request.url))
    ada.log_in(live_cast.administrator)
    mail = f"/mails/{row.mail.mail_id}/"
    views = [
        f"{mail}?view={view}" for view in ("why", "text", "headers", "rules", "parts", "history")
    ]

    for path in ("/", "/quarantine/", "/mails/", f"/quarantine/?text={XSS}", *views):
        ada.go(path)
        assert ada.page.locator(INLINE_SCRIPT).count() == 0, path
        assert ada.page.locator(ACTIVE).count() == 0, path
        assert "49{" not in ada.page.content(), path

    assert ada.alarms == []
    assert [url for url in requested if not url.startswith(live_server.url)] == []


def test_a_download_is_never_shown_by_the_browser(live_server: LiveServer, live_cast: Cast) -> None:
    """X3: attachment, octet-stream, nosniff, sandboxed; the name is ours, not the mail's."""
    row = record(octets=RAW)

    response = live_cast.client("owner").get(f"/mails/{row.mail.mail_id}/raw/")

    assert b"".join(response.streaming_content) == RAW
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == f'attachment; filename="{row.mail.mail_id}.eml"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]


def test_pages_carry_the_strict_headers(live_server: LiveServer, live_cast: Cast) -> None:
    response = live_cast.client("administrator").get("/quarantine/")

    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["X-Frame-Options"] == "DENY"
