"""What counts as identical content: only trace and address fields may differ."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.octets import SpooledMail
from smtpfilter.ports.engines import Specimen, VirusScan
from smtpfilter.scan.memory import MOST_KEPT, Memory, content_key
from tests.scan.specimens import specimen


def key(octets: bytes, *asked: str) -> bytes:
    return content_key(Specimen(SpooledMail(octets, "", Path("/x"), Path("/"))), asked)


HEAD = b"Received: by a\r\n\tfor <b>\r\nTo: c\r\nSubject: d\r\nContent-Type: text/plain\r\n"
BODY = b"\r\nTo: body\r\n"


@pytest.mark.parametrize(
    "changed",
    [
        HEAD.replace(b"by a", b"by another"),
        HEAD.replace(b"To: c", b"to: \t somebody else,\r\n\t and more"),
        HEAD.replace(b"To: c\r\n", b""),
        b"Delivered-To: x\r\nReturn-Path: <y>\r\n" + HEAD,
        HEAD + b"Message-ID: <1@x>\r\nDate: today\r\nDKIM-Signature: v=1\r\n",
    ],
)
def test_trace_and_address_fields_make_no_difference(changed: bytes) -> None:
    assert key(changed + BODY) == key(HEAD + BODY)


@pytest.mark.parametrize(
    "changed",
    [
        HEAD + BODY + b"x",
        HEAD.replace(b"plain", b"html") + BODY,
        HEAD.replace(b"Subject: d", b"Subject: e") + BODY,
        HEAD + b"X-Other: x\r\n" + BODY,
        HEAD + BODY.replace(b"To: body", b"To: nobody"),
        HEAD.replace(b"To: c", b"To: c\rContent-Type: multipart/mixed") + BODY,
        HEAD.replace(b"To: c", b"To: c\0Content-Type: multipart/mixed") + BODY,
        HEAD.replace(b"To: c", b"To: \xff") + BODY,
        HEAD.replace(b"To: c", b"To: " + b"c" * 5000) + BODY,
        HEAD.replace(b"To: c", b"Tox: c") + BODY,
        HEAD.replace(b"To: c", b"To: c\r\n \r\n a line of a body to some") + BODY,
    ],
)
def test_anything_else_does(changed: bytes) -> None:
    """Also an octet in such a field that a reader may take for the end of a line."""
    assert key(changed) != key(HEAD + BODY)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_different_bodies_are_never_taken_for_each_other(one: bytes, two: bytes) -> None:
    assert (key(HEAD + b"\r\n" + one) == key(HEAD + b"\r\n" + two)) == (one == two)


def test_large_content_counts_to_its_last_octet() -> None:
    assert key(HEAD + BODY + b"x" * 200_000 + b"a") != key(HEAD + BODY + b"x" * 200_000 + b"b")


def test_what_was_unpacked_counts(tmp_path: Path) -> None:
    """Unpacking may have ended early for one of two copies."""
    bare = content_key(specimen(tmp_path, HEAD), ())
    unpacked = content_key(specimen(tmp_path, HEAD, b"part"), ())
    longer = content_key(specimen(tmp_path, HEAD, b"longer part"), ())
    other = content_key(specimen(tmp_path, HEAD, b"trap"), ())
    assert len({bare, unpacked, longer, other}) == 4


def test_who_is_asked_counts() -> None:
    assert len({key(HEAD), key(HEAD, "primary a"), key(HEAD, "backup a")}) == 3


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first() -> None:
    memory = Memory(lambda: 0.0)
    for number in range(MOST_KEPT + 2):
        memory.keep(b"%d" % number, VirusScan())
    assert memory.recall(b"0", 60) is memory.recall(b"1", 60) is None
    assert memory.recall(b"2", 60) == memory.recall(b"%d" % (MOST_KEPT + 1), 60) == VirusScan()
