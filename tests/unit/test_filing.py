"""Address extensions of delivered mail (C-6, K-11, BB-36)."""

# ruff: noqa: E501 - one row of a table is one line

from dataclasses import replace
from typing import Any

import pytest

from smtpfilter.mail.findings import Findings
from smtpfilter.policy.destiny import Destiny
from smtpfilter.verdict.decide import decide
from smtpfilter.verdict.plan import make_plan, original_recipient
from tests.unit.builders import (
    ANN,
    BAD_HEADER,
    CLEAN,
    EICAR,
    PROGRAM,
    address,
    case,
    recipient,
    scored,
    unchecked,
)

FILED = {
    "addr_extension_virus": "virus",
    "addr_extension_banned": "banned",
    "addr_extension_spam": "spam",
    "addr_extension_bad_header": "badh",
}
LOVERS = {"virus_lover": True, "spam_lover": True, "banned_files_lover": True}


@pytest.mark.parametrize(
    ("findings", "rest", "extension"),
    [
        (CLEAN, {}, None),
        (EICAR, LOVERS, "virus"),
        (PROGRAM, LOVERS, "banned"),
        (scored(10), LOVERS, "spam"),
        (scored(7), {"spam_kill_level": 9.0}, "spam"),
        (BAD_HEADER, {}, "badh"),
        (unchecked("limits"), {"unchecked_lover": True}, None),
        (replace(scored(10), unchecked=unchecked("limits").unchecked), LOVERS | {"unchecked_lover": True}, "spam"),
        (EICAR, {}, None),
        (EICAR, LOVERS | {"addr_extension_virus": ""}, None),
        (EICAR, LOVERS | {"addr_extension_virus": "+bad"}, "bad"),
        (EICAR, LOVERS | {"addr_extension_virus": "x@evil.example"}, None),
        (EICAR, LOVERS | {"addr_extension_virus": "a b"}, None),
        (scored(10), {"spam_destiny": Destiny.REJECT}, None),
    ],
)  # fmt: skip
def test_the_main_category_of_passing_mail_chooses_the_extension(
    findings: Findings, rest: dict[str, Any], extension: str | None
) -> None:
    filed = decide(case(**FILED | rest), findings).forward_as

    assert (filed and str(filed)) == (extension and f"ann+{extension}@example.com")


@pytest.mark.parametrize(
    ("address", "delimiter", "filed"),
    [
        ("ann@example.com", "+", "ann+spam@example.com"),
        ("Ann+News@Example.COM", "+", "Ann+spam@Example.COM"),
        ("ann-news@example.com", "-+", "ann-spam@example.com"),
        ("ann+news@example.com", "-+", "ann-spam@example.com"),
        ("ann+news@example.com", "-", "ann+news-spam@example.com"),
        ("+ann@example.com", "+", "+ann+spam@example.com"),
        ("@relay-1.example,@b.example:ann@example.com", "-", "@relay-1.example,@b.example:ann-spam@example.com"),
        ("änn+x@example.com", "+", "änn+spam@example.com"),
        ("ann@example.com", "", None),
        ("Postmaster@example.com", "+", None),
        ("mailer-daemon@example.com", "+", None),
        ("double-bounce@example.com", "+", None),
        ("owner-list@example.com", "-", None),
        ("list-request@example.com", "-", None),
        ("owner-list@example.com", "+", "owner-list+spam@example.com"),
        ('"ann b"@example.com', "+", None),
        ("oscar@outside.example", "+", None),
    ],
)  # fmt: skip
def test_an_extension_is_put_in_place_of_the_one_that_was_there(
    address: str, delimiter: str, filed: str | None
) -> None:
    made = replace(case(address, **FILED, spam_lover=True), recipient_delimiter=delimiter)

    found = decide(made, scored(10)).forward_as
    assert (found and str(found)) == filed


def test_octets_that_are_no_text_stay_as_they_are() -> None:
    odd = recipient(ANN)
    octets = b"\xff\xfeann@example.com"
    odd = replace(odd, address=replace(odd.address, octets=octets, local="\ufffd\ufffdann"))
    made = replace(case(**FILED, spam_lover=True), recipient=odd)

    filed = decide(made, scored(10)).forward_as
    assert filed is not None
    assert filed.octets == b"\xff\xfeann+spam@example.com"


def test_the_next_hop_hears_the_first_address_in_orcpt() -> None:
    """RFC 3461 5.2.1; an extension splits no delivery (O-3)."""
    same = {**FILED, "spam_lover": True}
    plan = make_plan(
        tuple(decide(case(who, **same), scored(10)) for who in (ANN, "bob@example.com"))
    )

    (delivery,) = plan.deliveries
    ann, bob = map(delivery.forwarded, delivery.recipients)
    assert (str(ann.address), ann.orcpt) == ("ann+spam@example.com", b"rfc822;ann@example.com")
    assert str(bob.address) == "bob+spam@example.com"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ann@example.com", b"rfc822;ann@example.com"),
        ("a+bX=c@example.com", b"rfc822;a+2BbX+3Dc@example.com"),
        ('"a b!~"@example.com', b'rfc822;"a+20b!~"@example.com'),
        ("änne+x@example.com", b"utf-8;\\x{E4}nne+2Bx@example.com"),
        ("\u20ac@example.com", b"utf-8;\\x{20AC}@example.com"),
    ],
)
def test_orcpt_is_written_as_xtext(text: str, value: bytes) -> None:
    """RFC 3461 4, RFC 6533 3."""
    assert original_recipient(address(text)) == value
