"""White lists, black lists and points (W-1 to W-9, BB-33, BB-35)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.findings import Authentication
from smtpfilter.policy.layers import PolicyBook, SenderMatch, SenderRule
from smtpfilter.policy.senders import belongs, match_senders
from tests.unit.builders import ANN, BOB, NOW, address, book

SENDER, AUTHOR = "list@sender.example", "ann.author@author.example"


def rule(key: str, sender: str, action: Any, points: float = 0.0, **rest: Any) -> SenderRule:
    return SenderRule(key, sender, action, points, **rest)


def match(
    *rules: SenderRule,
    recipient: str = ANN,
    senders: tuple[str, ...] = (SENDER, AUTHOR),
    proven: tuple[str, ...] | None = None,
) -> SenderMatch:
    """Return what the lists say where DKIM and SPF prove these domains; None: they were not
    asked.
    """
    stored: PolicyBook = book(senders=rules)
    authentication = None if proven is None else Authentication(proven=proven)
    identities = [address(text) for text in senders]
    return match_senders(stored, address(recipient), identities, NOW, authentication)


def colour(found: SenderMatch) -> str:
    return "white" if found.white else "black" if found.black else "none"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param([(ANN, SENDER, "allow")], "white", id="envelope sender"),
        pytest.param([(ANN, AUTHOR, "block")], "black", id="W-1 author"),
        pytest.param([(ANN, "sender.example", "block")], "black", id="sender's domain"),
        pytest.param([(ANN, ".example", "block")], "black", id="sender's top domain"),
        pytest.param([(BOB, SENDER, "block")], "none", id="somebody else's list"),
        pytest.param([(ANN, "other@sender.example", "block")], "none", id="another sender"),
        pytest.param(
            [("@.", SENDER, "block"), (ANN, SENDER, "allow")], "white", id="W-2 own list first"
        ),
        pytest.param(
            [("@.", SENDER, "allow"), (ANN, AUTHOR, "block")],
            "black",
            id="W-7 the most specific layer over all identities",
        ),
        pytest.param(
            [(ANN, "sender.example", "block"), (ANN, SENDER, "allow")],
            "white",
            id="most specific sender within a layer",
        ),
        pytest.param(
            [(ANN, SENDER, "block"), (ANN, AUTHOR, "allow")], "white", id="W-3 white wins ties"
        ),
        pytest.param(
            [("@.", "@.", "block"), ("@.", SENDER, "allow")], "white", id="everybody but one"
        ),
        pytest.param(
            [(ANN, AUTHOR, "allow"), (ANN, "sender.example", "block")],
            "white",
            id="W-7 the most specific entry over all identities",
        ),
        pytest.param(
            [(ANN, AUTHOR, "block"), (ANN, "sender.example", "allow")],
            "black",
            id="W-7 be it a black one",
        ),
        pytest.param([(ANN, "list@", "block")], "none", id="K-2 bare user of a foreign domain"),
    ],
)
def test_hard_entries(rules: list[tuple[str, str, str]], expected: str) -> None:
    assert colour(match(*(rule(*entry) for entry in rules))) == expected


def test_order_of_the_identities_does_not_matter() -> None:
    """W-7."""
    rules = [
        rule("example.com", SENDER, "block"),
        rule("@.", AUTHOR, "allow"),
        rule("@.", SENDER, "score", 2),
    ]

    assert match(*rules, senders=(SENDER, AUTHOR)) == match(*rules, senders=(AUTHOR, SENDER))


@given(st.permutations([SENDER, AUTHOR, "ann@third.example"]), st.data())
def test_the_same_entries_and_identities_in_any_order_decide_the_same(
    senders: list[str], data: st.DataObject
) -> None:
    """W-7."""
    entry = st.builds(
        SenderRule,
        key=st.sampled_from([ANN, "example.com", "@."]),
        sender=st.sampled_from([*senders, "author.example", ".example", "@."]),
        action=st.sampled_from(["allow", "block", "score"]),
        points=st.sampled_from([1.0, -2.5]),
        source=st.sampled_from(["", "ldap"]),
    )
    rules = data.draw(st.lists(entry, max_size=6, unique_by=lambda r: (r.key, r.sender, r.source)))

    assert match(*rules, senders=tuple(senders)) == match(
        *data.draw(st.permutations(rules)), senders=(SENDER, AUTHOR, "ann@third.example")
    )


def test_at_one_key_entries_made_by_hand_go_first_then_sources_by_name_then_white() -> None:
    """K-8, W-3."""
    blocked = rule(ANN, SENDER, "block", source="ldap")

    assert match(blocked, rule(ANN, SENDER, "allow", source="zfile")).black
    assert match(blocked, rule(ANN, SENDER, "allow", source="")).white
    assert match(blocked, rule(ANN, SENDER, "allow", source="ldap")).white
    assert match(blocked, rule(ANN, "sender.example", "allow")).black, "more specific sender"


def test_an_identity_searches_on_after_points_and_stops_at_a_hard_entry() -> None:
    """W-2."""
    found = match(
        rule(ANN, SENDER, "score", 1),
        rule("example.com", SENDER, "allow"),
        rule("@.", SENDER, "score", 4),
        rule("@.", AUTHOR, "score", 8),
        senders=(SENDER, AUTHOR),
    )

    assert (found.white, found.points) == (True, 9.0)


def test_the_numbers_of_the_entries_that_counted_are_told() -> None:
    """W-8: hits are counted by them."""
    found = match(
        rule(ANN, SENDER, "allow", number=7),
        rule("@.", SENDER, "block", number=8),
        rule("@.", AUTHOR, "score", 1, number=9),
        rule("@.", ".example", "score", 1),
        rule("@.", "author.example", "allow", authenticated=True, number=10),
    )

    assert found.rules == (7, 9)


def test_soft_points_are_added_to_the_score() -> None:
    """BB-35: +5 and a score of 1.4 reach 6.31."""
    points = match(rule("@.", SENDER, "score", 5.0)).points

    assert round(1.4 + points, 3) >= 6.31


@pytest.mark.parametrize(
    ("domain", "proven", "belonging"),
    [
        ("author.example", ("author.example",), True),
        ("mail.author.example", ("author.example",), True),
        ("author.example", ("mail.author.example",), False),
        ("notauthor.example", ("author.example",), False),
        ("author.example", ("other.example", "author.example"), True),
        ("author.example", (), False),
        ("", ("author.example",), False),
    ],
)
def test_which_addresses_a_proven_domain_speaks_for(
    domain: str, proven: tuple[str, ...], belonging: bool
) -> None:
    """W-8."""
    assert belongs(domain, proven) is belonging


ASKS = rule("@.", "author.example", "allow", authenticated=True)
NOT_ASKED = (
    "The entry author.example of @. does not count: DKIM and SPF were not asked who sent this mail."
)
NOT_PROVEN = (
    "The entry author.example of @. does not count:"
    f" neither DKIM nor SPF proves that {AUTHOR} sent this mail."
)
SEVERAL = "The entry author.example of @. does not count: the mail names 2 authors."


@pytest.mark.parametrize(
    ("senders", "proven", "white", "why"),
    [
        ((SENDER, AUTHOR), ("author.example",), True, None),
        ((AUTHOR,), ("author.example",), True, None),
        ((SENDER, AUTHOR), None, False, (NOT_ASKED,)),
        ((SENDER, AUTHOR), ("sender.example",), False, (NOT_PROVEN,)),
        ((AUTHOR.upper(), AUTHOR), (), False, (NOT_PROVEN,)),
        ((SENDER, AUTHOR, "x@author.example"), ("author.example",), False, (SEVERAL,)),
        ((SENDER, AUTHOR, AUTHOR.upper()), ("author.example",), True, None),
        ((SENDER, "x@third.example"), (), False, ()),
    ],
)
def test_an_entry_that_asks_for_proof_counts_for_a_proven_single_author(
    senders: tuple[str, ...],
    proven: tuple[str, ...] | None,
    white: bool,
    why: tuple[str, ...] | None,
) -> None:
    """W-8: amavisd lets a signature of one of several authors do."""
    found = match(ASKS, senders=senders, proven=proven)

    assert found.white is white
    if why is not None:
        assert found.why == why


def test_the_null_sender_is_never_proven() -> None:
    """W-8."""
    rules = (rule("@.", "", "allow", authenticated=True),)

    assert not match(*rules, senders=("",), proven=("author.example",)).white


def test_where_proof_is_lacking_the_next_entry_counts() -> None:
    """W-8: less specific ones of the layer, then those of the next layers."""
    found = match(ASKS, rule("@.", ".example", "score", 2), rule("@.", "@.", "score", 100))

    assert (found.white, found.points) == (False, 2.0)
    assert found.why[-1] == NOT_ASKED

    found = match(replace(ASKS, key=ANN), rule("@.", AUTHOR, "block"), senders=(AUTHOR,), proven=())
    assert found.black


def test_trust_in_a_sender_who_may_be_another_is_told() -> None:
    """Z-8."""
    plain = rule("@.", AUTHOR, "allow")

    assert match(plain, proven=()).why == (
        f"The sender {AUTHOR} is always allowed (entry {AUTHOR} of @.),"
        " though neither DKIM nor SPF proves that it was he.",
    )
    assert match(plain, proven=("author.example",)).why == (
        f"The sender {AUTHOR} is always allowed (entry {AUTHOR} of @.).",
    )
    assert match(plain, proven=None).why == match(plain, proven=("author.example",)).why


def test_points_add_up_over_layers_each_rule_once() -> None:
    """W-2, W-4, Z-24: envelope sender and author are the same domain, the rule counts once."""
    found = match(
        rule(ANN, "sender.example", "score", 3.5),
        rule("@.", "sender.example", "score", -1.25),
        senders=(SENDER, "other@sender.example"),
    )

    assert found.points == 2.25
    assert not (found.white or found.black)


def test_in_one_layer_only_the_most_specific_sender_key_of_an_identity_counts() -> None:
    found = match(rule(ANN, SENDER, "score", 1), rule(ANN, "sender.example", "score", 10))

    assert found.points == 1


def test_expired_entries_do_not_count() -> None:
    expired = rule(ANN, SENDER, "block", expires_at=NOW)
    valid = rule("@.", SENDER, "score", 1.0, expires_at=NOW + timedelta(seconds=1))

    found = match(expired, valid)

    assert not found.black
    assert found.points == 1.0


def test_the_null_sender_has_its_own_key() -> None:
    assert match(rule("@.", "", "block"), senders=("",)).black
    assert not match(rule("@.", "", "block"), senders=(SENDER,)).black


def test_the_null_sender_is_called_by_its_brackets() -> None:
    assert match(rule("@.", "", "block"), senders=("",)).why == (
        "The sender <> is blocked (entry <> of @.).",
    )


def test_points_have_three_decimals() -> None:
    """T-1."""
    assert match(rule("@.", SENDER, "score", 0.1234), rule("@.", AUTHOR, "score", 0.2)).points == (
        0.323
    )


def test_the_strongest_points_are_told_first() -> None:
    found = match(
        rule("@.", SENDER, "score", 1), rule(ANN, AUTHOR, "score", 2), rule(ANN, SENDER, "score", 3)
    )

    assert [sentence.partition(" gets ")[2][:2] for sentence in found.why] == ["+2", "+3", "+1"]


def test_bare_users_of_local_domains_are_senders_too() -> None:
    assert match(rule("@.", "boss@", "allow"), senders=("boss@example.com",)).white


def test_the_reasons_name_sender_entry_and_layer_the_deciding_first() -> None:
    found = match(rule("@.", "author.example", "score", 2.0), rule("example.com", SENDER, "allow"))

    assert found.why == (
        f"The sender {SENDER} is always allowed (entry {SENDER} of example.com).",
        f"The sender {AUTHOR} gets +2 points (entry author.example of @.).",
    )
