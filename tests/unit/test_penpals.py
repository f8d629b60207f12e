"""Pen pals: who may profit, what an answer is worth, and how it shows (PP-1, BB-62)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from smtpfilter.errors import JournalUnavailable
from smtpfilter.mail.findings import Authentication, Findings
from smtpfilter.mail.message import parse
from smtpfilter.policy.layers import SenderMatch
from smtpfilter.policy.site import PenPalTerms, Site
from smtpfilter.verdict.decide import decide
from smtpfilter.verdict.penpals import may_profit, oldest, with_pen_pal
from tests.unit.builders import (
    ANN,
    BOB,
    CAROL,
    EICAR,
    NOW,
    OSCAR,
    OURS,
    SENDER,
    book,
    case,
    scored,
)
from tests.unit.house import LETTER, House

TERMS = PenPalTerms(bonus=2.0)
DAY = timedelta(days=1)


@pytest.fixture
def house() -> House:
    return House()


def who(*cases: Any, findings: Findings, **terms: Any) -> list[str]:
    """Return for whom own mail is looked for."""
    found = may_profit(replace(TERMS, **terms), cases, findings)
    return [one.recipient.address.text for one in found]


@pytest.mark.parametrize(
    ("age", "points"),
    [
        (timedelta(0), -2.0),
        (7 * DAY, -1.0),
        (14 * DAY, -0.5),
        (3.5 * DAY, -1.414),
        (-DAY, -2.0),  # a clock that was set back
    ],
)
def test_an_answer_is_worth_half_as_much_after_each_half_life(
    age: timedelta, points: float
) -> None:
    """PP-1, BB-62."""
    friend = with_pen_pal(case(), NOW - age, TERMS).pen_pal
    assert friend is not None
    assert (friend.age, friend.points) == (max(age, timedelta(0)), points)


def test_who_never_wrote_earns_nothing() -> None:
    """PP-1."""
    assert with_pen_pal(case(), None, TERMS).pen_pal is None


def test_own_mail_counts_for_eight_half_lives() -> None:
    """PP-1: after them the bonus is less than half a hundredth of itself."""
    assert oldest(replace(TERMS, halflife_days=3), NOW) == NOW - 24 * DAY


@pytest.mark.parametrize(
    ("score", "terms", "looked"),
    [
        (1.0, {}, True),
        (0.999, {}, False),
        (-3.0, {"threshold_low": -3.0}, True),
        (5.0, {"bonus": 0.0}, False),
        (10.0, {"threshold_high": 8.0}, True),
        (10.001, {"threshold_high": 8.0}, False),
    ],
)
def test_nobody_looks_where_the_bonus_changes_nothing(
    score: float, terms: dict[str, Any], looked: bool
) -> None:
    """PP-1: from the low threshold on, and no further than the bonus below the high one."""
    assert bool(who(case(), findings=scored(score), **terms)) is looked


def test_the_highest_score_has_to_be_high_and_the_lowest_low_enough() -> None:
    """PP-1: of several recipients, whose points of their own differ."""
    listed = case(BOB, sender=SenderMatch(points=9.0))
    assert who(case(), listed, findings=scored(0.5)) == [ANN, BOB]
    assert who(case(), listed, findings=scored(4.0), threshold_high=2.0) == [ANN, BOB]
    assert who(case(), listed, findings=scored(4.001), threshold_high=2.0) == []


def test_only_local_recipients_who_want_a_score_may_profit() -> None:
    """PP-1: nobody outside, nobody who writes to himself."""
    findings = scored(5.0)
    bypassing = case(CAROL, bypass_spam_checks=True)
    assert who(case(), case(OSCAR), bypassing, findings=findings) == [ANN]
    ours = {"origin": OURS, "mail_from": "ANN@Example.com"}
    assert who(case(**ours), case(BOB, **ours), findings=findings) == [BOB]
    assert who(bypassing, findings=findings) == []
    assert who(findings=findings) == []


def test_an_infected_mail_has_no_pen_pal() -> None:
    """PP-1."""
    assert who(case(), findings=replace(EICAR, spam=scored(5.0).spam)) == []


def test_a_sender_from_outside_with_a_local_address_has_no_pen_pal() -> None:
    """PP-1: the address is probably not his; from an own network it is."""
    assert who(case(mail_from=BOB, sender_local=True), findings=scored(5.0)) == []
    assert who(case(mail_from=BOB, sender_local=True, origin=OURS), findings=scored(5.0)) == [ANN]


@pytest.mark.parametrize(("dmarc", "looked"), [("fail", False), ("pass", True), ("none", True)])
def test_a_forged_sender_has_no_pen_pal(dmarc: str, looked: bool) -> None:
    """PP-1: who knows with whom somebody writes must not profit by it."""
    made = replace(case(), authentication=Authentication(dmarc=dmarc))
    assert bool(who(made, findings=scored(5.0))) is looked


def test_a_bounce_is_looked_at_whatever_its_score() -> None:
    """PP-1: it may answer by the id that it returns; the high threshold holds for it, too."""
    bounce = case(mail_from="", bulk=True)
    assert who(bounce, findings=scored(0.1)) == [ANN]
    assert who(bounce, findings=scored(9.0), threshold_high=6.9) == []


def test_what_was_not_scored_needs_no_bonus() -> None:
    """PP-1, T-1: an unknown score stays unknown."""
    assert who(case(mail_from=""), findings=replace(scored(5.0), spam=None)) == []


def test_an_answer_can_save_a_mail_and_says_so() -> None:
    """PP-1, T-5, T-6: the test AM.PENPAL, the field, and a sentence."""
    made = case(spam_kill_level=7.0, spam_tag2_level=5.0, spam_tag_level=-999.0)
    findings = scored(7.5, ("BAYES_99", 7.5))
    answering = with_pen_pal(made, NOW - 7 * DAY - timedelta(hours=2, seconds=65), TERMS)

    assert decide(made, findings).blocked_by is not None
    verdict = decide(answering, findings)
    assert verdict.blocked_by is None
    assert verdict.score == 6.508
    fields = dict(verdict.edits.prepend)
    assert fields["X-Amavis-PenPals"] == "age 7 2:01:05"
    assert "tests=[AM.PENPAL=-0.992, BAYES_99=7.5]" in fields["X-Spam-Status"]
    assert (
        "The recipient wrote to the sender 7.1 days ago: -0.992 points (pen pals)."
        in verdict.reasons
    )


def test_somebody_elsewhere_does_not_learn_who_writes_to_whom() -> None:
    """T-5, K-11."""
    made = with_pen_pal(case(OSCAR), NOW, TERMS)
    assert "X-Amavis-PenPals" not in dict(decide(made, scored(1.0)).edits.prepend)


@pytest.mark.parametrize(
    ("header", "ids"),
    [
        (b"In-Reply-To: <a@x>\r\n", ("<a@x>",)),
        (b"References: <a@x>\r\n <b@x> (why) <c@x>\r\n", ("<c@x>", "<b@x>", "<a@x>")),
        (b"In-Reply-To: <c@x>\r\nReferences: <a@x> <c@x>\r\n", ("<c@x>", "<a@x>")),
        (b"in-reply-to: Letter <a b@x>, <d@x>\r\nIN-REPLY-TO: <e@x>\r\n", ("<e@x>", "<d@x>")),
        (b"References: <a\xff@x> <\x01@x>\r\n", ("<\ufffd@x>", "<a\xff@x>")),
        (b"References: <" + b"a" * 997 + b"> <>\r\n", ()),
        (b"Subject: <a@x>\r\n", ()),
    ],
)  # fmt: skip
def test_what_a_mail_answers_stands_in_two_fields(header: bytes, ids: tuple[str, ...]) -> None:
    """PP-1, RFC 5322 3.6.4: the newest first."""
    assert parse(header + b"\r\n").answered_ids == ids


def test_of_many_references_the_newest_count() -> None:
    """P6: at most fifty are asked for."""
    header = b"References: " + b" ".join(b"<%d@x>" % n for n in range(200)) + b"\r\n\r\n"
    found = parse(header).answered_ids
    assert (found[0], found[-1], len(found)) == ("<199@x>", "<150@x>", 50)


def test_the_journal_is_asked_once_and_only_where_it_matters(house: House) -> None:
    """PP-1: all local recipients in one question, with what the mail answers."""
    house.source.book = book(site=Site(pen_pals=TERMS))
    house.letters.written = {ANN.encode(): NOW - 7 * DAY}
    house.examiner.findings = scored(5.0)
    house.process(ANN, BOB, OSCAR, content=b"In-Reply-To: <a@x>\r\n" + LETTER)

    (asked,) = house.letters.asked
    assert asked == (SENDER, [ANN, BOB], ("<a@x>",), "+", NOW - 56 * DAY)
    scores = [row.verdict.score for row in house.journal.entries[0].recipients]
    assert scores == [4.0, 5.0, 5.0]

    house.examiner.findings = scored(0.9)
    house.process(ANN)
    assert len(house.letters.asked) == 1


def test_mail_waits_where_nobody_knows_whether_it_is_an_answer(house: House) -> None:
    """P3, PP-1: a bonus may decide; without the journal nothing is accepted anyway."""
    house.source.book = book(site=Site(pen_pals=TERMS))
    house.letters.error = JournalUnavailable("gone")
    house.examiner.findings = scored(5.0)
    with pytest.raises(JournalUnavailable):
        house.process(ANN)
    assert house.hop.sent == []
