"""Answers to own mail over real sockets: BOB writes to somebody, who answers (PP-1; BB-62)."""

from collections.abc import Iterator

import pytest
from django.db import connection

from tests.flows.black_box import BOB, CAROL, Box, site_setting
from tests.flows.mails import mail

FRIEND, STRANGER = "friend@remote.example", "stranger@remote.example"
OWN_NETWORK = "198.51.100.0/24"


@pytest.fixture(autouse=True)
def bonus(box: Box) -> Iterator[None]:
    """Own mail comes from a network of ours; an answer at once is worth one point."""
    box.manage("networks", "add", OWN_NETWORK)
    box.set("example.com", "spam_tag_level=-999", "spam_tag2_level=6.5", "spam_kill_level=6.5")
    with site_setting("penpals_bonus_score", 1.0):
        yield
    box.manage("networks", "remove", OWN_NETWORK)


def write(box: Box, recipient: str, days_ago: int, message_id: str = "<own@example.com>") -> None:
    """BOB writes, so many days ago."""
    box.engines.says()
    own = mail(From=BOB, Message_ID=message_id)
    assert box.send(own, recipient, sender=BOB, xforward="ADDR=198.51.100.7").startswith("250")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE quarantine_mail SET received_at = received_at - make_interval(days => %s)"
            " WHERE id = (SELECT max(id) FROM quarantine_mail)",
            [days_ago],
        )


@pytest.mark.parametrize(
    ("days", "sender", "test", "score", "age"),
    [
        (0, FRIEND, "AM.PENPAL=-1", "6", "age 0 0:00:"),
        (7, FRIEND, "AM.PENPAL=-0.5", "6.5", "age 7 0:00:"),
        (14, FRIEND, "AM.PENPAL=-0.25", "6.75", "age 14 0:00:"),
        (0, STRANGER, None, "7", None),
        (57, FRIEND, None, "7", None),
    ],
)
def test_an_answer_earns_the_less_the_older_the_own_mail_is(
    box: Box, days: int, sender: str, test: str | None, score: str, age: str | None
) -> None:
    """BB-62, PP-1: after 0, 7, 14 days the bonus, a half, a quarter; a stranger earns nothing."""
    box.set(BOB, "spam_kill_level=never")
    write(box, FRIEND, days)
    box.engines.says(score=7.0)
    box.send(mail(X_Amavis_PenPals="age 0 0:00:00"), BOB, sender=sender)
    copy = box.copy(BOB)
    status = copy.first("X-Spam-Status") or ""
    assert copy.first("X-Spam-Score") == score
    assert ("AM.PENPAL" in status, (test or "") in status) == (test is not None, True)
    assert (copy.first("X-Amavis-PenPals") or "").startswith(age or "")
    assert (copy.first("X-Amavis-PenPals") is None) is (age is None)


def test_an_answer_is_delivered_where_the_same_mail_of_a_stranger_is_held(box: Box) -> None:
    """BB-62: only for him who wrote, and the journal says why."""
    write(box, FRIEND, 1)
    box.engines.says(score=7.0)
    assert box.send(mail(), BOB, CAROL, sender=FRIEND).endswith(", but 1 DISCARD")
    assert (box.row(BOB)["outcome"], box.row(CAROL)["outcome"]) == ("delivered", "held")
    assert any("wrote to the sender" in reason for reason in box.row(BOB)["reasons"])
    box.send(mail(), BOB, sender=STRANGER)
    assert box.row(BOB)["outcome"] == "held"


def test_somebody_else_may_answer_by_the_message_id(box: Box) -> None:
    """PP-1: References or In-Reply-To name mail that BOB sent, whoever answers."""
    write(box, FRIEND, 0, "<question@example.com>")
    box.engines.says(score=7.0)
    for header, outcome in (
        ({"References": "<a@x> <question@example.com>"}, "delivered"),
        ({"In_Reply_To": "<question@example.com>"}, "delivered"),
        ({"In_Reply_To": "<other@example.com>"}, "held"),
    ):
        box.send(mail(**header), BOB, CAROL, sender=STRANGER)
        assert (box.row(BOB)["outcome"], box.row(CAROL)["outcome"]) == (outcome, "held")


def test_own_mail_that_was_not_taken_is_no_letter(box: Box) -> None:
    """PP-1: the next hop refused it."""
    box.hop.script.rcpt[FRIEND] = "550 5.1.1 No such user"
    with pytest.raises(AssertionError):
        write(box, FRIEND, 0)
    box.engines.says(score=7.0)
    box.send(mail(), BOB, sender=FRIEND)
    assert box.row(BOB)["outcome"] == "held"


def test_who_claims_to_be_one_of_us_earns_nothing(box: Box) -> None:
    """PP-1: CAROL, whom BOB did write to, does not write from outside."""
    write(box, CAROL, 0)
    box.engines.says(score=7.0)
    box.send(mail(), BOB, sender=CAROL)
    assert box.row(BOB)["outcome"] == "held"
    box.send(mail(), BOB, sender=CAROL, xforward="ADDR=198.51.100.8")
    assert box.row(BOB)["outcome"] == "delivered"
