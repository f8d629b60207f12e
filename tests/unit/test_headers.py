"""Complaints about header sections (H-1 to H-3, C-1, BB-17)."""

import pytest

from smtpfilter.mail.headers import MOST_COMPLAINTS, check
from smtpfilter.mail.message import parse

GOOD = b"Date: Sun, 1 Mar 2026 12:00:00 +0000\r\nFrom: a@x.example\r\n"


def kinds(octets: bytes, *, smtputf8: bool = False) -> list[int]:
    return [complaint.minor for complaint in check(parse(octets), smtputf8=smtputf8)]


@pytest.mark.parametrize(
    ("more", "minor"),
    [
        (b"Content-Type: text\r\n", 1),
        (b"Content-Type: multipart/mixed\r\n", 1),
        (b"Content-Transfer-Encoding: base65\r\n", 1),
        (b"X: gr\xc3\xbcn\r\n", 2),
        (b"X: a\x00b\r\n", 3),
        (b"X: a\rb\r\n", 3),
        (b"X: a\r\n \t\r\n b\r\n", 4),
        (b"X: " + b"a" * 996 + b"\r\n", 5),
        (b"no field at all\r\n", 6),
        (b"X : a\r\n", 6),
        (b"Subject: a\r\nsubject: b\r\n", 8),
        (b"From: b@x.example\r\n", 8),
        (b"DATE: today\r\n", 8),
    ],
)
def test_each_fault_is_of_its_kind(more: bytes, minor: int) -> None:
    assert kinds(GOOD + more + b"\r\nbody") == [minor]


@pytest.mark.parametrize(
    "more",
    [
        b"",
        b"X: " + b"a" * 995 + b"\r\n",
        b"Received: a\r\nReceived: b\r\n",
        b"Content-Type: text/plain; charset=utf-8\r\n",
        b"Content-Type: multipart/mixed;\r\n boundary*0=a\r\n",
        b"Content-Transfer-Encoding: Base64\r\n",
        b"Resent-From: a@x.example\r\nResent-From: b@x.example\r\n",
    ],
)
def test_well_formed_sections_have_no_complaints(more: bytes) -> None:
    assert kinds(GOOD + more + b"\r\nbody\x00\xff") == []


@pytest.mark.parametrize(("name", "rest"), [("Date", b"From: a@x"), ("From", b"Date: x")])
def test_required_fields_are_missed(name: str, rest: bytes) -> None:
    (complaint,) = check(parse(rest + b"\r\n\r\n"), smtputf8=False)

    assert complaint.minor == 7
    assert complaint.text == f"Missing required header field: {name}"


def test_raw_8_bit_is_no_fault_in_smtputf8_mail() -> None:
    """RFC 6532."""
    assert kinds(GOOD + b"Subject: gr\xc3\xbcn\r\n\r\n", smtputf8=True) == []


def test_at_most_a_hundred_complaints_are_kept_and_their_text_is_harmless() -> None:
    complaints = check(parse(b"X: \x00\xff\x1b[2J\r\n" * 500 + b"\r\n"), smtputf8=False)

    assert len(complaints) == MOST_COMPLAINTS
    assert not any(set(complaint.text) & set("\x00\x1b\r\n") for complaint in complaints)
