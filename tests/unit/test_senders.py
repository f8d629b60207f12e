"""White lists, black lists and points (W-1 to W-7, BB-33)."""

from datetime import timedelta
from typing import Any

import pytest

from smtpfilter.policy.layers import PolicyBook, SenderMatch, SenderRule
from smtpfilter.policy.senders import match_senders
from tests.unit.builders import ANN, BOB, NOW, address, book

SENDER, AUTHOR = "list@sender.example", "ann.author@author.example"


def rule(key: str, sender: str, action: Any, points: float = 0.0, **rest: Any) -> SenderRule:
    return SenderRule(key, sender, action, points, **rest)


def match(
    *rules: SenderRule, recipient: str = ANN, senders: tuple[str, ...] = (SENDER, AUTHOR)
) -> SenderMatch:
    stored: PolicyBook = book(senders=rules)
    return match_senders(stored, address(recipient), [address(text) for text in senders], NOW)


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


def test_bare_users_of_local_domains_are_senders_too() -> None:
    assert match(rule("@.", "boss@", "allow"), senders=("boss@example.com",)).white


def test_the_reasons_name_sender_entry_and_layer_the_deciding_first() -> None:
    found = match(rule("@.", "author.example", "score", 2.0), rule("example.com", SENDER, "allow"))

    assert found.why == (
        f"The sender {SENDER} is always allowed (entry {SENDER} of example.com).",
        f"The sender {AUTHOR} gets +2 points (entry author.example of @.).",
    )
