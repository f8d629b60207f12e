"""DKIM signatures survive what Postern does to a delivered copy (T-5 to T-10; BB-1, BB-58)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dkim
import pytest

from smtpfilter.mail.edits import edited_header
from smtpfilter.mail.findings import Authentication, Findings, Rule, SpamReport, Unchecked
from smtpfilter.mail.message import parse
from smtpfilter.mail.trace import received
from smtpfilter.verdict.decide import decide
from tests.signed import key_record, signed
from tests.unit.builders import BAD_HEADER, EICAR, HOST, NOW, case, envelope

FROM_AND_SUBJECT = (
    b"From: Ann <ann@remote.example>\r\nSubject:  =?utf-8?q?gr=C3=BCn?=\r\n\tand  folded \r\n"
)
REST = (
    b"X-Spam-Flag: NO\r\nx-spam-status: No,\r\n score=-9\r\n"
    b"To: bob@example.com\r\nDate: Sun, 1 Mar 2026 12:00:00 +0000\r\n"
    b"X-Amavis-Alert: forged\r\nX-Quarantine-ID: <forged>\r\nX-Postern-Unscanned: forged\r\n"
    b"Authentication-Results: filter.example.com; dkim=pass\r\n"
    b"Message-ID: <1@remote.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
)
BODY = b"\r\nHello \t there\r\n.\r\n..dots\r\n  \r\n" + b"x" * 2000 + b"\r\n\r\n\r\n"
MAIL = FROM_AND_SUBJECT + REST + BODY

# Every field of ours is in this copy.
FINDINGS = Findings(
    parts=(),
    viruses=EICAR.viruses,
    spam=SpamReport(7.0, (Rule("HTML", 7.0, "HTML"),)),
    bad_headers=BAD_HEADER.bad_headers,
    unchecked=(Unchecked("limits", "x"),),
)
LOVER: dict[str, Any] = {
    "virus_lover": True,
    "unchecked_lover": True,
    "spam_lover": True,
    "allowed_added_header_fields": "all, X-Spam-Report",
}

RELAXED, SIMPLE = (b"relaxed", b"relaxed"), (b"simple", b"simple")
WAYS = pytest.mark.parametrize("canonicalize", [RELAXED, SIMPLE], ids=["relaxed", "simple"])
NAMES = (b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type")
OVERSIGNED = (*NAMES, b"from", b"subject")
FIELDS = pytest.mark.parametrize("names", [NAMES, OVERSIGNED], ids=["signed", "oversigned"])


def sign(mail: bytes, names: Sequence[bytes], canonicalize: tuple[bytes, bytes]) -> bytes:
    return signed(
        mail, "remote.example", bits=1024, canonicalize=canonicalize, include_headers=list(names)
    )


def delivered(octets: bytes, **settings: Any) -> bytes:
    """Return the copy as it leaves, of a message in which everything was found."""
    given_case = replace(case(**LOVER, **settings), authentication=Authentication())
    message = parse(octets)
    edits = decide(given_case, FINDINGS).edits
    assert len(edits.prepend) == 12
    trace = received(envelope(helo="mx.example.com"), (given_case.recipient,), HOST, NOW)
    return edited_header(message, edits, trace) + octets[message.body_start :]


def verifies(octets: bytes) -> bool:
    return bool(dkim.verify(octets, dnsfunc=lambda *_, **__: key_record(1024).encode()))


@WAYS
@FIELDS
def test_a_signature_survives_where_nothing_signed_is_changed(
    names: Sequence[bytes], canonicalize: tuple[bytes, bytes]
) -> None:
    """T-5, T-7, T-9, T-11: all fields of ours are added, all forged ones removed; an untagged
    subject stays octet for octet.
    """
    copy = delivered(sign(MAIL, names, canonicalize))

    assert b"forged" not in copy
    assert FROM_AND_SUBJECT in copy
    assert copy.endswith(BODY)
    assert verifies(copy)


@WAYS
@FIELDS
def test_a_tag_in_the_subject_breaks_it(
    names: Sequence[bytes], canonicalize: tuple[bytes, bytes]
) -> None:
    """T-8: known, and the price of a tag that somebody asked for."""
    copy = delivered(sign(MAIL, names, canonicalize), virus_subject_tag="[virus] ")

    assert not verifies(copy)


@WAYS
def test_a_tag_does_not_break_what_leaves_the_subject_unsigned(
    canonicalize: tuple[bytes, bytes],
) -> None:
    """T-8."""
    names = [name for name in NAMES if name != b"subject"]

    assert verifies(delivered(sign(MAIL, names, canonicalize), virus_subject_tag="[virus] "))


@WAYS
def test_a_subject_that_has_the_tag_keeps_its_signature(canonicalize: tuple[bytes, bytes]) -> None:
    """T-8, BB-7: a second scan changes nothing."""
    mail = MAIL.replace(b"Subject:  =?utf-8?q?", b"Subject:  =?utf-8?q?[virus]_")

    assert verifies(delivered(sign(mail, OVERSIGNED, canonicalize), virus_subject_tag="[virus] "))


@pytest.mark.parametrize(("tag", "survives"), [("", True), ("[virus] ", False)])
def test_a_subject_is_added_for_a_tag_only(tag: str, survives: bool) -> None:
    """T-8: an oversigned field that is missing may not come into being."""
    mail = b"From: ann@remote.example\r\n" + REST + BODY
    octets = sign(mail, OVERSIGNED, RELAXED)

    assert verifies(delivered(octets, virus_subject_tag=tag)) is survives


@pytest.mark.parametrize(("removed", "survives"), [(True, False), (False, True)])
def test_whose_spam_fields_are_signed_can_keep_them(removed: bool, survives: bool) -> None:
    """T-7."""
    octets = sign(MAIL, (*NAMES, b"x-spam-status"), RELAXED)

    assert verifies(delivered(octets, remove_existing_spam_headers=removed)) is survives
