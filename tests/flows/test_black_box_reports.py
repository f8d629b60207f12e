"""Reports to the sender over real sockets, read as RFC 3464 says (N-1, N-3, E-7, T-2, T-3; BB-29,
BB-30).
"""

from email.message import EmailMessage

import pytest

from tests.flows.black_box import BOB, CAROL, SENDER, Box
from tests.flows.mails import mail


@pytest.fixture
def bounces(box: Box) -> Box:
    """Spam at exactly 10 points, which is bounced."""
    box.set("example.com", "spam_destiny=bounce")
    box.engines.says(score=10.0)
    return box


def status(report: EmailMessage) -> list[EmailMessage]:
    """Return the groups of the machine-readable part: about the message, then each recipient."""
    _, machine, _ = report.iter_parts()
    groups: list[EmailMessage] = machine.get_payload()
    return groups


def test_a_report_has_the_words_of_the_envelope(bounces: Box) -> None:
    """BB-30: ENVID and ORCPT decoded, one group for each who wants to know, RET=FULL or not."""
    replies = bounces.dialogue(
        f"MAIL FROM:<{SENDER}> RET=FULL ENVID=QQ+2B314",
        f"RCPT TO:<{BOB}> NOTIFY=FAILURE,DELAY ORCPT=rfc822;Bob+2Bnews@example.net",
        f"RCPT TO:<{CAROL}>",
        "RCPT TO:<dave@example.com> NOTIFY=NEVER",
        "RCPT TO:<eve@example.com> NOTIFY=SUCCESS,DELAY",
        content=mail("A secret word."),
    )
    assert replies[-1].endswith("2 BOUNCE, and 2 DISCARD(bounce.suppressed)")
    (report,) = bounces.reports()
    assert report["Auto-Submitted"] == "auto-replied"
    assert report["In-Reply-To"] == "<letter@example.org>"
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    about, bob, carol = status(report)
    assert about["Original-Envelope-Id"] == "QQ+314"
    assert about["Reporting-MTA"] == "dns; filter.example.com"
    assert bob["Original-Recipient"] == "rfc822;Bob+news@example.net"
    assert bob["Final-Recipient"] == f"rfc822;{BOB}"
    assert (carol["Original-Recipient"], carol["Final-Recipient"]) == (None, f"rfc822;{CAROL}")
    assert [group["Action"] for group in (bob, carol)] == ["failed", "failed"]
    assert [group["Status"] for group in (bob, carol)] == ["5.7.0", "5.7.0"]
    assert "A secret word." not in report.as_string()


def test_what_is_passed_on_keeps_the_words_of_the_envelope(box: Box) -> None:
    """BB-30, E-7: octet for octet, so that the next hop can report."""
    parameters = "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+2Bnews@example.net"
    box.dialogue(
        f"MAIL FROM:<{SENDER}> RET=HDRS ENVID=QQ+2B314",
        f"RCPT TO:<{BOB}> {parameters}",
        content=mail(),
    )
    (delivery,) = box.hop.delivered
    assert delivery.mail.endswith("RET=HDRS ENVID=QQ+2B314")
    assert delivery.rcpts == [f"<{BOB}> {parameters}"]


@pytest.mark.parametrize(
    ("sender", "original", "final", "kind"),
    [
        (
            "jürgen@example.org",
            "Original-Recipient: utf-8;änne@example.net",
            "Final-Recipient: utf-8;änne@example.com",
            "message/global-delivery-status",
        ),
        (
            SENDER,
            r"Original-Recipient: utf-8;\x{E4}nne@example.net",
            r"Final-Recipient: utf-8;\x{E4}nne@example.com",
            "message/delivery-status",
        ),
    ],
)
def test_a_report_names_addresses_in_utf8(
    bounces: Box, sender: str, original: str, final: str, kind: str
) -> None:
    """BB-30, RFC 6533: to a sender with an ASCII address it is all ASCII."""
    bounces.dialogue(
        f"MAIL FROM:<{sender}> SMTPUTF8",
        "RCPT TO:<änne@example.com> ORCPT=utf-8;änne@example.net",
        content=mail(),
    )
    (delivery,) = bounces.hop.delivered
    content = (delivery.content or b"").decode()
    assert content.isascii() is sender.isascii() is not delivery.mail.endswith(" SMTPUTF8")
    assert f"To: <{sender}>\r\n" in content
    assert f"Content-Type: {kind}\r\n" in content
    assert f"\r\n{original}\r\n{final}\r\n" in content


@pytest.mark.parametrize(("score", "told", "kept"), [(9.999, 1, True), (10.0, 0, False)])
def test_cut_offs_are_reached_at_equality(
    bounces: Box, score: float, told: int, kept: bool
) -> None:
    """BB-29, T-2: then no report goes out, and no copy is kept."""
    bounces.set(BOB, "spam_dsn_cutoff_level=10", "spam_quarantine_cutoff_level=10")
    bounces.engines.says(score=score)
    reply = bounces.send(mail(), BOB)
    assert ("bounce.suppressed" in reply) is (not told)
    assert len(bounces.reports()) == told
    assert (bounces.row(BOB)["state"] == "held") is kept
