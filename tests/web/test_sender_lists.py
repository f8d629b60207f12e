"""Sender lists on the screen: proof, expiry, hits, and where an entry was read (W-2, W-8)."""

from datetime import UTC, datetime

import pytest

from appliance.policies.models import SenderRule
from appliance.policies.senders import add_sender
from appliance.status.edit import set_setting
from tests.web.conftest import Cast

URL = "/senders/olga@example.com/"


@pytest.mark.parametrize("proofs", [True, False])
def test_proof_is_asked_for_where_the_site_knows_of_any(cast: Cast, proofs: bool) -> None:
    """W-8: an allow entry that everybody could forge is a person's own choice."""
    set_setting(name="sender_authentication", value=proofs, actor="tests")

    page = cast.client("owner").get(URL)

    assert page.context["form"]["proven"].value() is proofs
    assert "Senders are easily forged" in page.content.decode()
    assert ("sender_authentication is off" in page.content.decode()) is not proofs


@pytest.mark.parametrize(
    ("typed", "action", "points", "authenticated"),
    [
        ({"action": "allow", "proven": "on"}, "allow", 0, True),
        ({"action": "allow"}, "allow", 0, False),
        ({"action": "block", "proven": "on"}, "block", 0, False),
        ({"action": "score", "points": "-3.5", "proven": "on"}, "score", -3.5, True),
        ({"action": "score", "points": "5"}, "score", 5, False),
    ],
)
def test_an_entry_is_stored_as_it_was_typed(
    cast: Cast, typed: dict[str, str], action: str, points: float, authenticated: bool
) -> None:
    """BB-33: white, black and points; a proof speaks for a sender, never against one."""
    response = cast.client("owner").post(
        URL, {"sender": "Bob@Example.org", "expires": "2031-01-01", **typed}
    )

    rule = SenderRule.objects.get()
    assert response.status_code == 302
    assert (rule.sender, rule.action, rule.points) == ("bob@example.org", action, points)
    assert rule.authenticated is authenticated
    assert rule.expires_at is not None
    assert rule.expires_at.date().isoformat() == "2031-01-01"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"sender": "a b", "action": "allow"}, "is no lookup key"),
        ({"sender": "bob@example.org", "action": "score"}, "Points need a number"),
        ({"sender": "bob@example.org", "action": "score", "points": "1001"}, "Points lie between"),
        ({"sender": "<>", "action": "allow", "proven": "on"}, "The null sender has no domain"),
    ],
)
def test_garbage_is_refused_with_a_sentence(
    cast: Cast, typed: dict[str, str], sentence: str
) -> None:
    """BB-33: amavisd takes garbage for points of 0."""
    response = cast.client("owner").post(URL, typed)

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not SenderRule.objects.exists()


def test_the_list_shows_how_often_an_entry_counted_and_what_a_source_brought(cast: Cast) -> None:
    add_sender(key="olga@example.com", sender="b@example.org", action="allow", actor="tests")
    at = datetime(2024, 3, 1, tzinfo=UTC)
    SenderRule.objects.create(
        key="olga@example.com", sender="c@example.org", action="block", source="ldap-main",
        hits=1234, last_hit_at=at,
    )  # fmt: skip

    page = cast.client("owner").get(URL).content.decode()

    assert "also if forged" in page
    assert ">1234</td>" in page
    assert "1 Mar 2024" in page
    assert "Read from ldap-main" in page
    assert page.count(">Remove<") == 1
