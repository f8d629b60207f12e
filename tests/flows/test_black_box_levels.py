"""Scores against levels, to the point, over real sockets (T-1, T-2, L-1, L-2, C-4; BB-3, BB-4,
BB-10, BB-11, BB-35).
"""

import pytest

from tests.flows.black_box import BOB, CAROL, DAVE, Box
from tests.flows.mails import EICAR, mail

LEVELS = ("spam_tag_level=2.0", "spam_tag2_level=4.5", "spam_tag3_level=6.25")
TAGS = ("spam_subject_tag=[1] ", "spam_subject_tag2=[2] ", "spam_subject_tag3=[3] ")


@pytest.mark.parametrize(
    ("score", "flag", "subject", "outcome"),
    [
        (1.999, None, "A letter", "delivered"),
        (2.0, "NO", "[1] A letter", "delivered"),
        (4.499, "NO", "[1] A letter", "delivered"),
        (4.5, "YES", "[2] A letter", "delivered"),
        (6.249, "YES", "[2] A letter", "delivered"),
        (6.25, "YES", "[3] A letter", "delivered"),
        (7.999, "YES", "[3] A letter", "delivered"),
        (8.0, None, None, "held"),
    ],
)
def test_a_level_is_reached_at_equality_and_not_a_thousandth_below(
    box: Box, score: float, flag: str | None, subject: str | None, outcome: str
) -> None:
    """BB-3, T-2."""
    box.set("example.com", *LEVELS, *TAGS, "spam_kill_level=8.0")
    box.engines.says(score=score)
    box.send(mail(), BOB)
    assert (box.row(BOB)["outcome"], box.entry()["score"]) == (outcome, score)
    if subject is not None:
        assert box.copy(BOB).first("X-Spam-Flag") == flag
        assert box.copy(BOB).subject == subject


@pytest.mark.parametrize(("level", "tagged"), [("-999", True), ("never", False), ("0", False)])
def test_the_tag_level_says_who_gets_the_fields(box: Box, level: str, tagged: bool) -> None:
    """BB-4: amavisd takes "undefined" for always, here -999 says so, and never is never."""
    box.set("example.com", f"spam_tag_level={level}")
    box.engines.says(score=-5)
    box.send(mail(), BOB)
    assert (box.copy(BOB).first("X-Spam-Score") == "-5") is tagged
    assert (box.copy(BOB).first("X-Spam-Status") is not None) is tagged


def test_a_scanner_that_nobody_wants_is_not_asked(box: Box) -> None:
    """BB-10, L-1."""
    box.set("example.com", "bypass_virus_checks=yes", "bypass_spam_checks=yes")
    assert box.send(mail(EICAR), BOB, CAROL, DAVE).startswith("250 2.0.0 ")
    assert box.engines.scans == {"clamd": 0, "spamd": 0}
    assert box.copy(BOB).first("X-Virus-Scanned") is None
    assert box.copy(BOB).first("X-Spam-Status") is None


def test_one_who_wants_it_is_enough_and_the_findings_are_his_alone(box: Box) -> None:
    """BB-10, L-1, L-4."""
    box.set("example.com", "bypass_virus_checks=yes")
    box.set(CAROL, "bypass_virus_checks=no")
    reply = box.send(mail(EICAR), BOB, CAROL)
    assert reply.endswith(", but 1 DISCARD")
    assert box.engines.scans["clamd"] == 1
    assert (box.got(BOB), box.got(CAROL)) == (True, False)
    assert box.copy(BOB).first("X-Amavis-Alert") is None


def test_who_wants_viruses_does_not_want_spam(box: Box) -> None:
    """BB-11, C-4, C-6: infected mail is not scored, so the spam is what its sender is said to be;
    the main category stays the virus.
    """
    box.set(BOB, "virus_lover=yes", "virus_quarantine_to=")
    box.manage("senders", "add", BOB, "sender@example.org", "block")
    assert box.send(mail(EICAR), BOB).startswith("250 2.7.0 Ok, discarded")
    row = box.row(BOB)
    assert (row["category"], row["outcome"]) == ("spam", "held")
    assert box.entry()["viruses"] == ["Eicar-Test-Signature"]
    assert any("wanted" in reason for reason in row["reasons"])
    box.manage("senders", "remove", BOB, "sender@example.org")
    assert box.send(mail(EICAR), BOB).startswith("250 2.0.0 ")
    assert "INFECTED" in (box.copy(BOB).first("X-Amavis-Alert") or "")


def test_points_of_a_sender_list_count_like_the_engines(box: Box) -> None:
    """BB-35, T-1, W-4: 1.4 and 5 make 6.4."""
    box.set(BOB, "spam_tag2_level=6.31", "spam_kill_level=never")
    box.manage("senders", "add", BOB, "sender@example.org", "5")
    box.engines.says(score=1.4)
    box.send(mail(), BOB, CAROL)
    assert box.copy(BOB).first("X-Spam-Flag") == "YES"
    status = " ".join((box.copy(BOB).first("X-Spam-Status") or "").split())
    assert status.startswith("Yes, score=6.4 ")
    assert "tests=[AM.WBL=5, EXACT=1.4]" in status
    assert box.copy(CAROL).first("X-Spam-Score") == "1.4"
