"""Complaints about header sections (H-1 to H-3, C-1, BB-17)."""

# ruff: noqa: E501 - one row of a table is one line

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.headers import MOST_COMPLAINTS, ONCE, check
from smtpfilter.mail.message import parse

GOOD = b"Date: Sun, 1 Mar 2026 12:00:00 +0000\r\nFrom: a@x.example\r\n"
LONG = b"a" * 2000


def complaints(octets: bytes, *, smtputf8: bool = False) -> list[tuple[int, str]]:
    found = check(parse(octets), smtputf8=smtputf8)
    return [(complaint.minor, complaint.text) for complaint in found]


def kinds(octets: bytes, *, smtputf8: bool = False) -> list[int]:
    return [minor for minor, _ in complaints(octets, smtputf8=smtputf8)]


@pytest.mark.parametrize(
    ("more", "minor", "text"),
    [
        (b"Content-Type: text\r\n", 1, "Malformed media type: Content-Type: text"),
        (
            b"Content-Type: multipart/mixed\r\n",
            1,
            "Multipart without boundary: Content-Type: multipart/mixed",
        ),
        (
            b"Content-Transfer-Encoding: base65\r\n",
            1,
            "Unknown transfer encoding: Content-Transfer-Encoding: base65",
        ),
        (b"X: gr\xc3\xbcn\r\n", 2, "Raw 8-bit character C3: X: gr\xfcn"),
        (b"X: gr\xfcn\r\n", 2, "Raw 8-bit character FC: X: gr\ufffdn"),
        (b"X: a\x00b\r\n", 3, "NUL: X: a\ufffdb"),
        (b"X: a\rb\r\n", 3, "Bare CR: X: a b"),
        (b"X: a\r\n \t\r\n b\r\n", 4, "Continuation line of blanks only: X: a   \t   b"),
        (b"X: " + LONG + b"\r\n", 5, "Line longer than 998 octets: X: " + "a" * 77),
        (b"X: " + b"a" * 996 + b"\r\n", 5, "Line longer than 998 octets: X: " + "a" * 77),
        (b"no field at all\r\n", 6, "Line is no header field: no field at all"),
        (b": no name\r\n", 6, "Line is no header field: : no name"),
        (b"X\xff: a\r\n", 6, "Line is no header field: X\ufffd: a"),
        (b"X : a\r\n", 6, "Blank before the colon: X : a"),
        (b"X\t: a\r\n", 6, "Blank before the colon: X\t: a"),
        (b"Subject: a\r\nsubject: b\r\n", 8, "Duplicate header field: Subject"),
        (b"From: b@x.example\r\n", 8, "Duplicate header field: From"),
        (b"DATE: today\r\n", 8, "Duplicate header field: Date"),
    ],
)
def test_each_fault_is_of_its_kind(more: bytes, minor: int, text: str) -> None:
    """H-1, C-1, BB-17: the golden table, and H-2: the texts that alert and reply show."""
    assert complaints(GOOD + more + b"\r\nbody") == [(minor, text)]


@pytest.mark.parametrize(
    "more",
    [
        b"",
        b"X: " + b"a" * 995 + b"\r\n",
        b"X: a\r\n" + b" b\r\n" * 500,
        b"X:\r\n a\r\n",
        b"X:\r\n",
        b"X: a\r\n X\r\n \x0b\r\n",
        b"X: at 12 : 30\r\n",
        b"X: \x01\x7f\x0b\r\n",
        b"Received: a\r\nReceived: b\r\n",
        b"Content-Type: text/plain; charset=utf-8\r\n",
        b"Content-Type: text/plain (a (nested) comment); charset=utf-8\r\n",
        b"Content-Type: multipart/mixed;\r\n boundary*0=a\r\n",
        b"Content-Transfer-Encoding: Base64\r\n",
        b"Content-Transfer-Encoding: 7bit (really)\r\n",
        b"Resent-From: a@x.example\r\nResent-From: b@x.example\r\n",
    ],
)
def test_well_formed_sections_have_no_complaints(more: bytes) -> None:
    """H-1."""
    assert kinds(GOOD + more + b"\r\nbody\x00\xff") == []


def test_a_section_that_is_cut_off_is_too_long() -> None:
    """H-1, kind 5."""
    octets = GOOD + b"X: a\r\n" * 200_000
    assert complaints(octets) == [(5, "Header section longer than 1 MiB")]


@pytest.mark.parametrize(("name", "rest"), [("Date", b"From: a@x"), ("From", b"Date: x")])
def test_required_fields_are_missed(name: str, rest: bytes) -> None:
    """H-1, kind 7."""
    assert complaints(rest + b"\r\n\r\n") == [(7, f"Missing required header field: {name}")]


def test_just_these_eighteen_fields_stand_once() -> None:
    """H-1, kind 8."""
    once = """Date From Sender Reply-To To Cc Bcc Subject Message-ID References In-Reply-To
        MIME-Version Content-Type Content-Transfer-Encoding Content-ID Content-Description
        Content-Disposition Auto-Submitted"""

    assert sorted(ONCE) == sorted(once.split())
    assert len(ONCE) == 18


@pytest.mark.parametrize("name", ONCE)
def test_a_second_one_of_them_is_a_fault(name: str) -> None:
    value = {"Content-Type": "text/plain", "Content-Transfer-Encoding": "7bit"}.get(name, "x")
    field = f"{name}: {value}\r\n{name.upper()}: {value}\r\n".encode()
    rest = b"".join(
        line for line in GOOD.splitlines(keepends=True) if not line.startswith(name.encode() + b":")
    )

    assert complaints(rest + field + b"\r\n") == [(8, f"Duplicate header field: {name}")]


def test_raw_8_bit_is_no_fault_in_smtputf8_mail() -> None:
    """H-1, RFC 6532; all else still is."""
    octets = GOOD + b"Subject: gr\xc3\xbcn\r\nX: \x00\xc3\xbc\r\n\r\n"

    assert kinds(octets, smtputf8=True) == [3]
    assert kinds(octets, smtputf8=False) == [2, 2, 3]


def test_one_field_may_have_several_faults_and_the_topmost_field_comes_first() -> None:
    """H-2: the first complaint is shown; faults of single fields stand before those of the whole."""
    octets = b"B : \xff\x00\r\n \r\nContent-Type: x\r\nFrom: a\r\nFrom: b\r\n\r\n"

    assert kinds(octets) == [2, 3, 4, 6, 1, 7, 8]


def test_at_most_a_hundred_complaints_are_kept_and_their_text_is_harmless() -> None:
    """H-1."""
    found = complaints(b"X: \x00\xff\x1b[2J\r\n" * 500 + b"\r\n")

    assert len(found) == MOST_COMPLAINTS
    assert not any(set(text) & set("\x00\x1b\r\n") for _, text in found)


@given(st.binary(max_size=200), st.booleans())
def test_whatever_the_octets_the_kinds_are_those_of_the_table(
    octets: bytes, smtputf8: bool
) -> None:
    found = complaints(octets, smtputf8=smtputf8)

    assert all(1 <= minor <= 8 for minor, _ in found)
    assert all(len(text) < 200 for _, text in found)
