"""A case carries what the stored policy says about one recipient and this sender."""

# ruff: noqa: E501 - one row of a table is one line

from typing import Any

import pytest

from smtpfilter.mail.findings import Authentication, Signature
from smtpfilter.policy.banning import BUILT_IN
from smtpfilter.policy.layers import Origin, Profile, SenderRule
from smtpfilter.policy.settings import PolicySettings
from smtpfilter.verdict.case import make_case
from smtpfilter.verdict.verdict import Case
from tests.unit.builders import (
    ANN,
    BOB,
    HOST,
    MAIL_ID,
    NOW,
    OSCAR,
    OURS,
    SENDER,
    address,
    book,
    layer,
    recipient,
)

LIST = "list@lists.example.org"


def make(*identities: str, senders: tuple[SenderRule, ...] = (), **rest: Any) -> Case:
    stored = book(
        layer("@.", banned_rulenames="article"), senders=senders, recipient_delimiter="-+"
    )
    return make_case(
        stored,
        recipient(ANN),
        mail_id=MAIL_ID,
        identities=[address(identity) for identity in identities],
        size_bytes=10,
        bulk=False,
        now=NOW,
        hostname=HOST,
        **rest,
    )


def signed(domain: str, result: str = "pass") -> Authentication:
    proven = (domain,) if result == "pass" else ()
    return Authentication(signatures=(Signature(domain, "s1", result),), proven=proven)


def test_a_case_is_made_of_the_book() -> None:
    made = make(OSCAR, senders=(SenderRule("example.com", "outside.example", "block"),))

    assert made.policy.origins["banned_rulenames"] == "@."
    assert made.policy.local
    assert made.sender.black
    assert made.ban_rules == BUILT_IN["article"]
    assert made.mail_from == address(OSCAR)
    assert made.recipient_delimiter == "-+"
    assert (made.mail_id, made.size_bytes, made.bulk, made.now) == (MAIL_ID, 10, False, NOW)


def test_a_case_carries_what_is_known_of_the_sender() -> None:
    """W-8, E-5: proof and profiles."""
    entry = SenderRule("example.com", SENDER, "allow", authenticated=True)
    stale = SenderRule("example.com", SENDER, "block", expires_at=NOW)
    found = signed("remote.example")
    made = make_case(
        book(
            senders=(entry, stale),
            profiles={"out": Profile("out", PolicySettings(banned_rulenames=""))},
        ),
        recipient(ANN),
        mail_id=MAIL_ID,
        identities=[address(SENDER)],
        size_bytes=10,
        bulk=True,
        now=NOW,
        hostname=HOST,
        origin=Origin(profiles=("out",)),
        authentication=found,
    )
    assert made.policy.origins["banned_rulenames"] == "profile out"
    assert made.ban_rules == ()
    assert (made.sender.white, made.sender.black) == (True, False)
    assert (made.authentication, made.bulk) == (found, True)


@pytest.mark.parametrize(
    ("authentication", "proven"),
    [
        (None, False),
        (Authentication(), False),
        (signed("remote.example"), True),
        (signed("remote.example", "fail"), False),
        (Authentication(spf="pass", spf_domain="remote.example", proven=("remote.example",)), True),
        (signed("other.example"), False),
    ],
)
def test_a_sender_is_proven_by_his_domain_alone(
    authentication: Authentication | None, proven: bool
) -> None:
    """T-3, N-1.9."""
    made = make(SENDER, authentication=authentication)

    assert made.proven is proven
    assert made.credible is proven


@pytest.mark.parametrize(
    ("identities", "rest", "spoofed"),
    [
        ((LIST, BOB), {"authentication": Authentication()}, True),
        ((LIST, OSCAR, BOB), {"authentication": Authentication()}, True),
        ((BOB, OSCAR), {"authentication": Authentication()}, False),
        ((BOB,), {"authentication": Authentication()}, False),
        ((LIST, "bob@sub.example.com"), {"authentication": Authentication()}, False),
        ((LIST, BOB), {}, False),
        ((LIST, BOB), {"authentication": Authentication(), "origin": OURS}, False),
        ((LIST, BOB), {"authentication": signed("example.com")}, False),
        ((LIST, BOB), {"authentication": signed("lists.example.org")}, True),
        ((LIST, BOB), {"authentication": signed("example.com", "fail")}, True),
        ((LIST, BOB), {"authentication": signed("example.com", "temperror")}, False),
        ((LIST, BOB), {"authentication": signed("mail.example.com", "temperror")}, False),
        ((LIST, BOB), {"authentication": signed("evil.example", "temperror")}, True),
        ((LIST, BOB), {"authentication": Authentication(spf="temperror", spf_domain="example.com")}, False),
        ((LIST, BOB), {"authentication": Authentication(spf="temperror", spf_domain="evil.example")}, True),
        ((LIST, BOB), {"authentication": Authentication(spf="fail", spf_domain="mail.example.com")}, True),
    ],
)  # fmt: skip
def test_who_claims_a_local_domain_from_outside_without_proof_is_spoofed(
    identities: tuple[str, ...], rest: dict[str, Any], spoofed: bool
) -> None:
    """A DNS that does not answer for the local domain accuses nobody; one that does not answer for
    a domain of the sender's own excuses nobody.
    """
    assert make(*identities, **rest).spoofed is spoofed


@pytest.mark.parametrize(("sender", "local"), [(BOB, True), (SENDER, False)])
def test_a_case_tells_whether_the_sender_has_a_local_domain(sender: str, local: bool) -> None:
    assert make(sender).sender_local is local
