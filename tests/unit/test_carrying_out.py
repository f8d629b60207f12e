"""From judgement to reply with a scripted next hop: mixtures, notices, retries (F-1 to F-7, N-1,
N-4, O-3, O-5, O-8; BB-19, 20, 21, 26, 27, 38, 61).
"""

from dataclasses import replace
from email import message_from_bytes
from itertools import combinations
from typing import Any

import pytest

from smtpfilter.errors import PolicyUnavailable
from smtpfilter.mail.findings import Authentication
from smtpfilter.mail.reply import Reply
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import Network
from smtpfilter.verdict.outcome import Outcome
from tests.unit.builders import ANN, BOB, CAROL, EICAR, SENDER, book, layer, scored
from tests.unit.house import LETTER, House, ScriptedAuthenticator

BUSY = Reply(450, "4.2.1", "Mailbox busy")
UNKNOWN = Reply(550, "5.1.1", "No such user")
DESTINIES = {"d": Destiny.DISCARD, "b": Destiny.BOUNCE, "r": Destiny.REJECT, "t": Destiny.TEMPFAIL}
EVERYWHERE = (Network("0.0.0.0/0"),)
NOTICE_REFUSED = Reply(451, "4.3.0", "Not now")


def named(letters: str) -> list[str]:
    return [f"{letter}@example.com" for letter in letters]


@pytest.fixture
def house() -> House:
    """Spam for p, d, b, r and t, whose names say what they do with it; each has its own tag."""
    house = House()
    house.examiner.findings = scored(10)
    house.source.book = book(
        layer("p@example.com", spam_lover=True),
        *(layer(f"{name}@example.com", spam_destiny=to) for name, to in DESTINIES.items()),
    )
    return house


def notices(house: House) -> list[list[str]]:
    """Return of each notice the recipients whom it tells of, by their first letters."""
    return [_told(submission.content.header) for submission in house.notify.sent]


def _told(notice: bytes) -> list[str]:
    _, status, _ = message_from_bytes(notice).get_payload()
    _, *groups = status.get_payload()
    return [group["Final-Recipient"].partition(";")[2][0] for group in groups]


def passed_on(address: str) -> bytes:
    """Return the letter as our own Postfix hands it over, from a client at `address`."""
    return (
        f"Received: from pc (pc [{address}])\r\n\tby mx.example.com (Postfix) with ESMTP id"
        " 4bKx2L3Qz1z8\r\n\tfor <x@y.example>; Sun, 1 Mar 2026 12:00:00 +0000 (UTC)\r\n"
    ).encode() + LETTER


SUBSETS = ["".join(chosen) for size in range(1, 5) for chosen in combinations("pdbr", size)]


@pytest.mark.parametrize("letters", SUBSETS)
def test_every_mixture_is_answered_once_and_told_once(house: House, letters: str) -> None:
    """F-1, BB-19, X-9: a 5xx only where all are refused; else those refused or bounced share one
    notice, and a retry repeats all of it but the mail and the notice (BB-26).
    """
    told = [letter for letter in letters if letter in ("br" if letters != "r" else "b")]
    (first,) = house.process(*named(letters))
    (again,) = house.process(*named(letters))

    assert first[0] == ("5" if letters == "r" else "2")
    assert again == first
    assert house.hop.reached == [["p@example.com"]] * letters.count("p")
    assert notices(house) == ([told] if told else [])
    ends = {"p": "delivered", "d": "held", "b": "bounced", "r": "rejected"}
    assert house.outcomes == {f"{letter}@example.com": ends[letter] for letter in letters}


@pytest.mark.parametrize("letters", ["", *SUBSETS])
def test_one_tempfail_defers_the_message_for_all(house: House, letters: str) -> None:
    """F-1, F-7: nothing is sent, nobody is told, nothing is kept."""
    (reply,) = house.process(*named(f"{letters}t"))

    assert reply.startswith("450 4.7.0 ")
    assert not house.hop.sent
    assert not house.notify.sent
    assert house.outcomes == {}
    assert not house.journal.entries[0].keep
    assert house.journal.entries[0].notices == ()


def test_each_has_a_reply_of_his_own_on_lmtp_input(house: House) -> None:
    """F-2, O-7, BB-27: only the bounce needs a notice."""
    replies = house.process(*named("pdbrt"), lmtp=True)

    passed, discarded, bounced, rejected, deferred = replies
    assert passed == "250 2.0.0 Ok: queued as Q1"
    assert discarded.startswith("250 2.7.0 Ok, discarded, ")
    assert bounced.startswith("250 2.5.0 Ok <b@example.com>, DSN was sent (554 5.7.0 Bounce, ")
    assert rejected.startswith("554 5.7.0 Reject, ")
    assert deferred.startswith("450 4.7.0 ")
    assert notices(house) == [["b"]]


@pytest.mark.parametrize("lmtp", [False, True])
def test_a_bounce_without_a_notice_is_a_discard(house: House, lmtp: bool) -> None:
    """F-5: the null sender is told nothing."""
    (reply,) = house.process(*named("b"), mail_from="", lmtp=lmtp)

    assert ("DISCARD(bounce.suppressed)" in reply) is not lmtp
    assert ("DSN suppressed (null sender)" in reply) is lmtp
    assert not house.notify.sent
    assert house.outcomes == {"b@example.com": "held"}
    (row,) = house.journal.entries[0].recipients
    assert row.outcome is Outcome.HELD


def test_the_notice_comes_from_nobody_and_says_why(house: House) -> None:
    """N-3."""
    house.process(*named("b"))

    (submission,) = house.notify.sent
    assert str(submission.mail_from) == ""
    assert [str(recipient.address) for recipient in submission.recipients] == [SENDER]
    assert b"Diagnostic-Code: smtp; 554 5.7.0 Bounce, " in submission.content.header


@pytest.mark.parametrize("lmtp", [False, True])
def test_a_notice_that_is_not_taken_defers_those_of_whom_it_tells(house: House, lmtp: bool) -> None:
    """N-4: they stay open in the journal until it was taken; others are not sent twice."""
    house.notify.replies[SENDER] = NOTICE_REFUSED
    first = house.process(*named("pdb"), lmtp=lmtp)
    assert first[-1].startswith("451 4.3.0 ")
    assert len([reply for reply in first if reply.startswith("4")]) == 1
    assert [row.outcome for row in house.journal.entries[0].recipients] == [
        Outcome.PENDING,
        Outcome.HELD,
        Outcome.PENDING,
    ]
    assert house.outcomes == {"p@example.com": "delivered", "d@example.com": "held"}

    house.notify.replies.clear()
    again = house.process(*named("pdb"), lmtp=lmtp)
    assert all(reply.startswith("250 ") for reply in again)
    assert len(house.hop.sent) == 1
    assert notices(house) == [["b"], ["b"]]
    assert house.outcomes["b@example.com"] == "bounced"


def test_a_notice_that_is_refused_for_good_changes_nothing(house: House) -> None:
    """N-4: nobody can be told, and a retry would not help."""
    house.notify.replies[SENDER] = UNKNOWN

    (reply,) = house.process(*named("b"))
    assert reply.endswith(", BOUNCE")
    assert house.outcomes == {"b@example.com": "bounced"}


def test_a_notice_that_cannot_be_written_is_tried_again(house: House) -> None:
    """P3: Postgres has the words of notices."""
    house.templates.error = PolicyUnavailable("gone")

    (reply,) = house.process(*named("pb"))
    assert reply.startswith("451 ")
    assert house.outcomes == {"p@example.com": "delivered"}
    assert not house.notify.sent


def test_a_refusal_by_the_next_hop_is_told_where_others_were_reached(house: House) -> None:
    """O-5, BB-21."""
    house.examiner.findings = replace(scored(0), spam=None)
    house.hop.replies[BOB] = UNKNOWN

    (reply,) = house.process(ANN, BOB)
    assert reply.endswith(", but 1 REJECT")
    assert notices(house) == [["b"]]


def test_a_later_group_that_is_deferred_leaves_the_first_alone_after_the_retry(
    house: House,
) -> None:
    """BB-26, O-1, O-8, O-9: three groups; while the second is busy the third is not tried, the
    refusal waits, and there is no 2xx.
    """
    house.source.book = book(
        *(layer(to, spam_lover=True, spam_subject_tag2=to) for to in (ANN, BOB, CAROL)),
        layer("r@example.com", spam_destiny=Destiny.REJECT),
    )
    house.hop.replies[BOB] = BUSY
    (first,) = house.process(ANN, BOB, CAROL, "r@example.com")
    assert first == str(BUSY)
    assert house.hop.reached == [[ANN], [BOB]]
    assert not house.notify.sent
    assert house.outcomes == {ANN: "delivered"}

    house.hop.replies.clear()
    (again,) = house.process(ANN, BOB, CAROL, "r@example.com")
    assert again.endswith(", but 1 REJECT")
    assert house.hop.reached == [[ANN], [BOB], [BOB], [CAROL]]
    assert notices(house) == [["r"]]


def test_slow_next_hops_leave_the_other_groups_to_the_retry(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """O-11: Postfix waits 1200 s for all groups together; where nothing is remembered the mail
    would come twice, so that all are tried.
    """
    house.examiner.findings = scored(6.5)
    monkeypatch.setattr("smtpfilter.deliver.LONGEST_DELIVERING_SECONDS", -1)
    tags = {
        to: {"spam_subject_tag2": f"[{to}] ", "spam_kill_level": 9.0} for to in (ANN, BOB, CAROL)
    }
    house.source.book = book(*(layer(to, **tags[to]) for to in tags))

    assert house.process(ANN, BOB, CAROL, ident=None)[0].startswith("250 ")
    assert len(house.hop.sent) == 3
    house.journal.settled.clear()

    first = house.process(ANN, BOB, CAROL, lmtp=True)
    assert [reply[:3] for reply in first] == ["250", "451", "451"]
    assert [house.process(ANN, BOB, CAROL)[0][:3] for _ in range(2)] == ["451", "250"]
    assert house.hop.reached[3:] == [[ANN], [BOB], [CAROL]]


def test_each_group_gets_a_copy_of_its_own(house: House) -> None:
    """BB-38, O-3, T-9: tags and Received fields are those of the copy."""
    house.source.book = book(
        *(layer(to, spam_lover=True, spam_subject_tag2=f"[{to}] ") for to in (ANN, BOB))
    )
    house.process(ANN, BOB)

    headers = [submission.content.header for submission in house.hop.sent]
    for header, mine, other in zip(headers, (ANN, BOB), (BOB, ANN), strict=True):
        assert f"Subject: [{mine}]".encode() in header
        assert f"for <{mine}>;".encode() in header
        assert other.encode() not in header


@pytest.mark.parametrize(
    ("notify", "dsn", "told"),
    [(("SUCCESS",), False, True), (("SUCCESS",), True, False), (("NEVER",), False, False)],
)
def test_success_is_told_where_the_next_hop_will_not(
    house: House, notify: tuple[str, ...], dsn: bool, told: bool
) -> None:
    """N-1.5, BB-61."""
    house.hop.dsn = dsn

    house.process(*named("p"), notify=notify)
    assert len(house.notify.sent) == told
    if told:
        assert b"Action: relayed" in house.notify.sent[0].content.header


def test_success_is_told_at_once_and_never_again(house: House) -> None:
    """While another recipient is busy the mail comes again, but not for those who have it; where
    the notice is not taken nothing is sent twice for its sake.
    """
    house.source.book = book(*(layer(to, spam_lover=True) for to in (ANN, BOB)))
    house.hop.replies[BOB] = BUSY
    house.process(ANN, BOB, notify=("SUCCESS",), lmtp=True)
    house.hop.replies.clear()
    house.process(ANN, BOB, notify=("SUCCESS",), lmtp=True)
    assert notices(house) == [["a"], ["b"]]

    house.notify.replies[SENDER] = NOTICE_REFUSED
    (reply,) = house.process(ANN, notify=("SUCCESS",), ident="4bKx2L3Qz1zz")
    assert reply.startswith("250 ")


def test_a_sender_of_ours_is_told_of_held_mail(house: House) -> None:
    """N-1.7: the copy is kept at once, the outcome waits for the notice."""
    house.examiner.findings = scored(10)
    house.source.book = book(networks=(Network("127.0.0.0/8"),))
    content = passed_on("127.0.0.9")
    house.notify.replies[SENDER] = NOTICE_REFUSED
    (reply,) = house.process(ANN, content=content, ident=None)
    assert reply.startswith("451 ")
    assert house.journal.entries[0].keep
    assert house.journal.entries[0].originating
    assert house.outcomes == {}

    house.notify.replies.clear()
    (reply,) = house.process(ANN, content=content, ident=None)
    assert reply.startswith("250 2.7.0 ")
    assert house.outcomes == {ANN: "held"}


def test_orders_for_others_are_recorded_each_once_with_the_facts(house: House) -> None:
    """N-5, N-6, 2(t)."""
    house.examiner.findings = EICAR
    told: dict[str, Any] = {"virus_admin": "root@example.com", "warnvirusrecip": True}
    house.source.book = book(layer("example.com", **told))
    house.process(ANN, BOB)

    (entry,) = house.journal.entries
    assert [(order.kind, order.to) for order in entry.notices] == [
        ("virus_admin", "root@example.com"),
        ("warnvirusrecip", ANN),
        ("warnvirusrecip", BOB),
    ]
    assert entry.facts["viruses"] == ["Eicar-Signature"]
    assert entry.facts["sender"] == SENDER

    house.source.book = book()
    house.process(ANN, ident=None)
    assert house.journal.entries[1].notices == ()
    assert house.journal.entries[1].facts == {}


@pytest.mark.parametrize(
    ("asks", "networks", "hops", "asked"),
    [
        (True, (), 0, 1),
        (False, (), 0, 0),
        (True, (Network("0.0.0.0/0"),), 0, 0),
        (True, (), 111, 0),
    ],
)
def test_when_the_sender_is_asked_for(
    house: House, asks: bool, networks: tuple[Network, ...], hops: int, asked: int
) -> None:
    """W-8: where the site wants it, not for senders of ours, not for mail in circles."""
    house.authenticator = ScriptedAuthenticator(Authentication(spf="pass"))
    house.source.book = book(networks=networks, sender_authentication=asks)
    house.process(ident=None, content=b"Received: x\r\n" * hops + passed_on("192.0.2.1"))

    assert house.authenticator.asked == asked
    found = house.journal.entries[0].findings.authentication
    assert found == (house.authenticator.found if asked else None)


def test_a_message_goes_on_to_those_who_are_near_enough(house: House) -> None:
    """O-12: 105 hops are too many for others, not for local recipients."""
    house.examiner.findings = replace(scored(0), spam=None)
    (reply,) = house.process(ANN, "x@outside.example", content=b"Received: x\r\n" * 105 + LETTER)

    assert reply.endswith(", but 1 REJECT")
    assert house.hop.reached == [[ANN]]
