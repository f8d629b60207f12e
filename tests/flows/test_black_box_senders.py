"""Sender lists over real sockets (W-1 to W-6; BB-33, BB-34)."""

import pytest

from tests.flows.black_box import BOB, CAROL, OSCAR, Box
from tests.flows.mails import EICAR, mail

SENDER, AUTHOR = "sender@example.org", "ann@example.org"  # the From field of mail() has the author

HELD, DELIVERED = "250 2.7.0 ", "250 2.0.0 "


@pytest.mark.parametrize(
    ("rules", "score", "reply"),
    [
        # each action at each layer
        ([(BOB, SENDER, "allow")], 50, DELIVERED),
        ([("example.com", SENDER, "allow")], 50, DELIVERED),
        ([("@.", SENDER, "allow")], 50, DELIVERED),
        ([(BOB, SENDER, "block")], 0, HELD),
        ([("example.com", SENDER, "block")], 0, HELD),
        ([("@.", SENDER, "block")], 0, HELD),
        ([(BOB, SENDER, "3.5")], 2.799, DELIVERED),
        ([(BOB, SENDER, "3.5")], 2.8, HELD),
        ([("@.", SENDER, "-5")], 11.299, DELIVERED),
        ([("@.", SENDER, "-5")], 11.3, HELD),
        # points add up over the layers, up to a hard entry (W-2, W-4)
        ([(BOB, SENDER, "3.5"), ("example.com", SENDER, "-5")], 7.799, DELIVERED),
        ([(BOB, SENDER, "3.5"), ("example.com", SENDER, "-5")], 7.8, HELD),
        ([(BOB, SENDER, "1"), ("example.com", SENDER, "allow")], 50, DELIVERED),
        # the most specific hard entry counts; at one key allow goes before block
        ([(BOB, SENDER, "block"), ("@.", SENDER, "allow")], 0, HELD),
        ([(BOB, SENDER, "allow"), ("@.", SENDER, "block")], 50, DELIVERED),
        ([(BOB, SENDER, "allow"), (BOB, "example.org", "block")], 50, DELIVERED),
        ([(BOB, SENDER, "block"), (BOB, ".org", "allow")], 0, HELD),
        # an empty entry of amavisd, "ask no further", is one of 0 points here: others still count
        ([(BOB, SENDER, "0"), ("@.", SENDER, "block")], 0, HELD),
        # envelope sender and author are looked up each for itself (W-1, W-7)
        ([(BOB, AUTHOR, "block")], 0, HELD),
        ([(BOB, AUTHOR, "allow"), (BOB, SENDER, "block")], 50, DELIVERED),
        ([(BOB, AUTHOR, "2"), (BOB, SENDER, "3.5")], 0.8, HELD),
        ([(BOB, ".org", "3.5")], 2.8, HELD),
        ([(BOB, ".org", "3.5")], 2.799, DELIVERED),
        ([(BOB, "nobody@example.org", "block")], 0, DELIVERED),
    ],
)
def test_the_lists_of_one_recipient_combine_in_one_way(
    box: Box, rules: list[tuple[str, str, str]], score: float, reply: str
) -> None:
    """BB-33."""
    for rule in rules:
        box.manage("senders", "add", *rule)
    box.engines.says(score=score)
    assert box.send(mail(), BOB).startswith(reply)


@pytest.mark.parametrize("garbage", ["perhaps", "1e9", "nan", ""])
def test_what_is_no_action_is_refused(box: Box, garbage: str) -> None:
    """BB-33: amavisd reads it as allow."""
    with pytest.raises(SystemExit):
        box.manage("senders", "add", BOB, SENDER, garbage)
    assert box.manage("senders", "list") == []


def test_a_list_is_of_the_recipients_under_its_key_alone(box: Box) -> None:
    """BB-33, W-2."""
    box.manage("senders", "add", BOB, SENDER, "block")
    assert box.send(mail(), BOB, CAROL, OSCAR).endswith(", but 1 DISCARD")
    assert [box.got(address) for address in (BOB, CAROL, OSCAR)] == [False, True, True]


def test_lists_do_nothing_about_viruses_and_banned_files(box: Box) -> None:
    """BB-34, W-6."""
    box.manage("senders", "add", "example.com", SENDER, "allow")
    assert box.send(mail(EICAR), BOB).startswith(HELD)
    assert box.row(BOB)["category"] == "virus"
    banned = mail(Content_Type='application/octet-stream; name="setup.exe"')
    assert box.send(banned, BOB).startswith(HELD)
    assert box.row(BOB)["category"] == "banned"
    box.manage("senders", "add", "example.com", SENDER, "block")
    box.set(BOB, "spam_lover=yes")
    assert box.send(mail(EICAR), BOB).startswith(HELD)
    assert box.row(BOB)["category"] == "virus"


def test_a_blocked_sender_looks_bad_and_an_allowed_one_good(box: Box) -> None:
    """W-5: at least 64, at most 0."""
    box.manage("senders", "add", BOB, SENDER, "block")
    box.manage("senders", "add", CAROL, SENDER, "allow")
    box.set("example.com", "spam_lover=yes")
    box.engines.says(score=9)
    box.send(mail(), BOB, CAROL)
    assert box.copy(BOB).first("X-Spam-Score") == "64"
    assert "BLACKLISTED" in (box.copy(BOB).first("X-Spam-Status") or "")
    assert box.copy(CAROL).first("X-Spam-Score") == "0"
    assert box.copy(CAROL).first("X-Spam-Flag") == "NO"
    assert "WHITELISTED" in (box.copy(CAROL).first("X-Spam-Status") or "")
