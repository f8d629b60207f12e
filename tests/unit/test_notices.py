"""The failure notice, read back by a mail parser (RFC 3464, 3834, 6533; N-3, BB-30)."""

# ruff: noqa: E501 - one row of a table is one line

from dataclasses import replace
from email import message_from_bytes
from email.message import Message as StdlibMessage

import pytest

from smtpfilter.mail.message import parse
from smtpfilter.mail.reply import Reply
from smtpfilter.verdict.notices import failure_notice
from tests.unit.builders import ANN, BOB, HOST, MAIL_ID, NOW, address, envelope, recipient

ORIGINAL = parse(
    b"Message-ID: <orig@remote.example>\r\nSubject: hello\r\nX: folded\r\n\tline\r\n\r\nsecret body\r\n"
)
REFUSED = Reply(550, "5.1.1", "No such user")


def notice(original: bytes | None = None, **rest: object) -> bytes:
    sent = replace(envelope(ANN, BOB), **rest)  # type: ignore[arg-type]
    refusals = [(r, REFUSED) for r in sent.recipients]
    message = ORIGINAL if original is None else parse(original)
    return failure_notice(sent, message, refusals, NOW, HOST)


def parts(octets: bytes) -> list[StdlibMessage]:
    message = message_from_bytes(octets)
    assert not message.defects
    return message.get_payload()  # type: ignore[return-value]


def test_the_notice_says_who_writes_to_whom_about_what() -> None:
    message = message_from_bytes(notice())

    assert message["From"] == f'"Mail filter at {HOST}" <postmaster@{HOST}>'
    assert message["To"] == "<sender@remote.example>"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Message-ID"] == f"<DSN{MAIL_ID}@{HOST}>"
    assert message["In-Reply-To"] == "<orig@remote.example>"
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"


def test_it_has_text_status_and_header_section_but_never_the_body() -> None:
    """N-3: whatever RET says."""
    octets = notice(ret=b"FULL")
    text, status, headers = parts(octets)

    assert text.get_content_type() == "text/plain"
    assert status.get_content_type() == "message/delivery-status"
    assert headers.get_content_type() == "text/rfc822-headers"
    assert "550 5.1.1 No such user" in text.get_payload()
    assert headers.get_payload().startswith(
        "Message-ID: <orig@remote.example>\r\nSubject: hello\r\nX: folded\r\n\tline"
    )
    assert b"secret body" not in octets


def test_the_status_part_names_message_and_recipients() -> None:
    """RFC 3464 2.2, 2.3."""
    first = recipient(ANN, orcpt=b"rfc822;Ann+2Bnews@example.com")
    octets = notice(envid=b"QQ+2B314", recipients=(first, recipient(BOB)))
    _, status, _ = parts(octets)

    about, ann, bob = status.get_payload()
    assert about["Reporting-MTA"] == f"dns; {HOST}"
    assert about["Original-Envelope-Id"] == "QQ+314"
    assert about["Arrival-Date"] == "Sun, 01 Mar 2026 12:00:00 +0000"
    assert ann["Original-Recipient"] == "rfc822;Ann+news@example.com"
    assert ann["Final-Recipient"] == f"rfc822;{ANN}"
    assert ann["Action"] == "failed"
    assert ann["Status"] == "5.1.1"
    assert ann["Diagnostic-Code"] == "smtp; 550 5.1.1 No such user"
    assert bob["Final-Recipient"] == f"rfc822;{BOB}"
    assert bob["Original-Recipient"] is None


def test_a_utf8_sender_gets_a_global_notice() -> None:
    """RFC 6533."""
    octets = notice(
        mail_from=address("jürgen@exämple.org"), recipients=(recipient("änne@example.com"),)
    )
    text, status, headers = parts(octets)

    assert "To: <jürgen@exämple.org>\r\n".encode() in octets
    assert text["Content-Transfer-Encoding"] == "8bit"
    assert status.get_content_type() == "message/global-delivery-status"
    assert headers.get_content_type() == "message/global-headers"
    assert "Final-Recipient: utf-8;änne@example.com\r\n".encode() in octets


def test_an_ascii_sender_gets_an_ascii_notice_about_utf8_recipients() -> None:
    """RFC 6533 3: utf-8-addr-xtext."""
    octets = notice(recipients=(recipient("änne@example.com"),))

    assert octets.isascii()
    assert rb"Final-Recipient: utf-8;\x{E4}nne@example.com" in octets


@pytest.mark.parametrize(
    "original",
    [
        b"Subject: gr\xc3\xbcn\r\n\r\n",
        b"Subject: " + b"x" * 5000 + b"\r\n\r\n",
        b"A: 1\nB: 2\rC: 3\x00\n\n",
        b"",
        b"A: 1\r\n" * 50000 + b"\r\n",
        b"Message-ID: <a>\r\n\r\n--=_boundary",
    ],
    ids=["8-bit", "long line", "odd line ends", "empty", "300 KB", "no fields of note"],
)
def test_hostile_originals_make_a_clean_notice(original: bytes) -> None:
    octets = notice(original)

    assert len(parts(octets)) == 3
    assert octets.isascii()
    assert b"\0" not in octets
    assert octets.count(b"\n") == octets.count(b"\r\n") == octets.count(b"\r")
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))
    assert len(octets) < 100000


def test_header_fields_come_back_readable() -> None:
    _, _, headers = parts(notice(b"Subject: gr\xc3\xbcn\r\n\r\n"))

    assert headers.get_payload(decode=True).rstrip() == "Subject: grün".encode()
