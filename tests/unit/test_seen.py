"""Levels at exact equality, and which check covers what (BB-3, BB-4, BB-34, L-1 to L-3, T-1, T-2,
W-5); whose score counts (S-1, S-9), and what a virus scanner adds to it (V-4).
"""

# ruff: noqa: E501 - one row of a table is one line

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from smtpfilter.mail.findings import (
    Authentication,
    BadHeader,
    Findings,
    SpamReport,
    Unchecked,
    Virus,
)
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import BanRule, SenderMatch
from smtpfilter.policy.settings import NEVER
from smtpfilter.verdict.category import Category, foremost
from smtpfilter.verdict.decide import decide
from smtpfilter.verdict.seen import look
from smtpfilter.verdict.stops import HANDLING, blocking_stop, find_stops
from smtpfilter.verdict.verdict import Case
from tests.unit.builders import CLEAN, EICAR, PROGRAM, case, scored, unchecked

LEVELS = {"spam_tag_level": 2.0, "spam_tag2_level": 5.0, "spam_tag3_level": 7.0, "spam_kill_level": 9.0}  # fmt: skip
WHITE, BLACK = SenderMatch(white=True), SenderMatch(black=True)
BOTH = SenderMatch(white=True, black=True)
FORGED = Authentication(dmarc="fail", dmarc_policy="reject", from_domain="bank.example")


def reached(made: Case, findings: Findings) -> str:
    """Return the levels that are reached, in words."""
    seen = look(made, findings)
    return " ".join(name for name in ("tag", "tag2", "tag3", "kill") if getattr(seen, name))


@pytest.mark.parametrize(
    ("score", "rest", "levels"),
    [
        (1.999, {}, ""),
        (2.0, {}, "tag"),
        (4.999, {}, "tag"),
        (5.0, {}, "tag tag2"),
        (6.999, {}, "tag tag2"),
        (7.0, {}, "tag tag2 tag3"),
        (8.999, {}, "tag tag2 tag3"),
        (9.0, {}, "tag tag2 tag3 kill"),
        (9.0, {"spam_kill_level": NEVER}, "tag tag2 tag3"),
        (7.0, {"spam_tag2_level": 99.0}, "tag tag2 tag3"),  # tag3 is tag2, too
        (9.0, {"spam_tag_level": NEVER}, "tag2 tag3 kill"),
        # Points of the list count like the engine's, to the third decimal.
        (4.9, {"sender": SenderMatch(points=0.1)}, "tag tag2"),
        (4.9, {"sender": SenderMatch(points=0.099)}, "tag"),
        # W-5: white is ten points below the tag level and reaches no other; black reaches all.
        (11.999, {"sender": WHITE}, ""),
        (12.0, {"sender": WHITE}, "tag"),
        (-50.0, {"sender": BLACK}, "tag tag2 tag3 kill"),
        (99.0, {"sender": BOTH}, "tag"),
        (1.0, {"sender": BOTH}, ""),
        (1.0, {"sender": BLACK, "spam_kill_level": NEVER}, "tag tag2 tag3 kill"),
        # L-1: who is not checked reaches nothing.
        (99.0, {"bypass_spam_checks": True}, ""),
        (99.0, {"bypass_spam_checks": True, "sender": BLACK}, ""),
    ],
)  # fmt: skip
def test_levels_are_reached_at_equality(score: float, rest: dict[str, Any], levels: str) -> None:
    """BB-3, BB-35, T-2."""
    assert reached(case(**LEVELS | rest), scored(score)) == levels


def test_a_level_that_is_not_set_tags_always_and_does_nothing_else() -> None:
    """BB-4, T-2: amavisd's undefined levels, as an import may bring them."""
    made = case(**LEVELS)
    none = replace(made.policy.settings, **dict.fromkeys(LEVELS))

    made = replace(made, policy=replace(made.policy, settings=none))
    assert reached(made, scored(-5)) == "tag"
    assert reached(made, scored(99)) == "tag"


def test_without_a_score_levels_compare_with_nothing() -> None:
    """T-1: unknown is treated as 0 by the tag level alone."""
    unscored = replace(CLEAN, spam=None)

    assert reached(case(**LEVELS), unscored) == ""
    assert reached(case(**LEVELS | {"spam_tag_level": 0.0, "spam_kill_level": -1.0}), unscored) == "tag"  # fmt: skip
    assert look(case(**LEVELS), unscored).score is None


ALL_BAD = Findings(
    parts=PROGRAM.parts,
    viruses=EICAR.viruses,
    spam=scored(99).spam,
    bad_headers=(BadHeader(1, "odd"),),
    unchecked=unchecked("encrypted").unchecked,
)
CHECKS = {
    Category.VIRUS: "bypass_virus_checks",
    Category.BANNED: "bypass_banned_checks",
    Category.SPAM: "bypass_spam_checks",
    Category.BAD_HEADER: "bypass_header_checks",
    Category.UNCHECKED: "bypass_virus_checks",
}
REJECTED = {handling.destiny: Destiny.REJECT for handling in HANDLING.values()}


def judged(**settings: Any) -> Case:
    return replace(case(**REJECTED | settings), ban_rules=(BanRule(r"\.exe$"),))


@pytest.mark.parametrize("category", CHECKS)
def test_a_bypass_covers_its_own_check(category: Category) -> None:
    """L-1, L-3: the finding is not attached, its destiny not asked."""
    found = look(judged(**{CHECKS[category]: True}), ALL_BAD).categories
    also = {
        Category.VIRUS: {Category.VIRUS, Category.UNCHECKED},
        Category.UNCHECKED: {Category.VIRUS, Category.UNCHECKED},
        Category.SPAM: {Category.SPAM, Category.SPAMMY},
    }.get(category, {category})

    assert set(look(judged(), ALL_BAD).categories) - set(found) == also


@pytest.mark.parametrize("category", CHECKS)
def test_a_lover_gets_what_he_loves_and_nothing_else(category: Category) -> None:
    """L-2, L-3: the category stays attached, the stop of this category is lifted."""
    lover = HANDLING[category].lover
    seen = look(judged(**{lover: True}), ALL_BAD)
    stops = find_stops(judged(**{lover: True}), seen)

    assert category in seen.categories
    assert {stop.category for stop in stops if stop.loved} == {category}
    everything = {handling.lover: True for handling in HANDLING.values() if handling.lover}
    assert decide(judged(**everything), ALL_BAD).destiny is Destiny.PASS
    assert decide(judged(**everything | {lover: False}), ALL_BAD).blocked_by is category


def test_nobody_loves_or_bypasses_what_is_too_big() -> None:
    """L-3: only the limit or the destiny lets it pass."""
    everything = {handling.lover: True for handling in HANDLING.values() if handling.lover}
    bypasses = dict.fromkeys(CHECKS.values(), True)
    big = {"size_bytes": 70000, "message_size_limit": 1}

    assert decide(judged(**everything, **bypasses, **big), CLEAN).blocked_by is Category.OVERSIZED
    assert decide(judged(**big | {"message_size_limit": 70000}), CLEAN).destiny is Destiny.PASS


ORDER = [Category.VIRUS, Category.BANNED, Category.UNCHECKED, Category.SPAM, Category.BAD_HEADER]


@pytest.mark.parametrize(("passing", "blocking"), [(ORDER[:n], ORDER[n]) for n in range(len(ORDER))])  # fmt: skip
def test_the_highest_category_whose_destiny_stops_decides(
    passing: list[Category], blocking: Category
) -> None:
    """C-1, C-4: by destiny or by love, those above step aside one by one."""
    destinies = {HANDLING[category].destiny: Destiny.PASS for category in passing}
    lovers = {HANDLING[category].lover: True for category in passing}

    assert decide(judged(**destinies), ALL_BAD).blocked_by is blocking
    assert decide(judged(**lovers), ALL_BAD).blocked_by is blocking
    assert decide(judged(), ALL_BAD).category is Category.VIRUS


def test_inside_unchecked_the_strictest_destiny_decides_whatever_the_order() -> None:
    kinds = {"encrypted": Destiny.DISCARD, "limits": Destiny.BOUNCE, "undecodable": Destiny.REJECT, "ambiguous": Destiny.TEMPFAIL}  # fmt: skip
    settings = {f"unchecked_{kind}_destiny": destiny for kind, destiny in kinds.items()}
    for order in permutations(kinds):
        made = case(**settings)
        findings = replace(CLEAN, unchecked=tuple(Unchecked(kind, "x") for kind in order))  # type: ignore[arg-type]
        stop = blocking_stop(find_stops(made, look(made, findings)))
        assert stop is not None
        assert stop.field == "unchecked_ambiguous_destiny"


def test_lists_say_nothing_about_viruses_banned_files_or_size() -> None:
    """BB-34, W-6."""
    for sender in (WHITE, BLACK):
        made = replace(judged(size_bytes=70000, message_size_limit=1), sender=sender)
        found = look(made, ALL_BAD)
        assert found.viruses
        assert found.banned
        assert found.unchecked
        assert found.bad_headers
        assert found.oversized


def test_the_foremost_category_that_has_a_setting_chooses() -> None:
    """C-3, C-6."""
    found = (Category.VIRUS, Category.SPAM, Category.BAD_HEADER, Category.CLEAN)

    assert foremost(None, found, {Category.SPAM, Category.BAD_HEADER}) is Category.SPAM
    assert foremost(Category.SPAM, found, {Category.BAD_HEADER}) is None
    assert foremost(None, found, set()) is None


def test_a_policy_without_a_destiny_is_a_fault_and_never_a_pass() -> None:
    """P3: a kind of unchecked mail follows unchecked_destiny; nothing else has anything to follow."""
    made = case()
    none = {"unchecked_limits_destiny": None, "virus_destiny": None}
    made = replace(
        made, policy=replace(made.policy, settings=replace(made.policy.settings, **none))
    )

    assert decide(made, unchecked("limits")).destiny is Destiny.DISCARD
    with pytest.raises(ValueError, match="None"):
        decide(made, EICAR)


OWN = {"sa_userconf": "sql:", "sa_username": "ann"}
REPORTS = replace(
    CLEAN,
    spam=SpamReport(1.0),
    spam_for={"ann": SpamReport(9.5, preferences="ann"), "bob": SpamReport(3.0, preferences="bob")},
)


@pytest.mark.parametrize(
    ("settings", "score"),
    [
        ({}, 1.0),
        (OWN, 9.5),
        (OWN | {"sa_userconf": ""}, 1.0),
        (OWN | {"sa_username": "bob"}, 3.0),
        (OWN | {"sa_username": "carol"}, None),
        (OWN | {"sender": SenderMatch(points=1.5)}, 11.0),
    ],
)
def test_each_is_judged_by_his_own_report(settings: dict[str, Any], score: float | None) -> None:
    """S-1, S-9: with his own adjustments; where there is none, the score is unknown."""
    made = case(**LEVELS | settings)

    assert look(made, REPORTS).score == score
    assert ("kill" in reached(made, REPORTS)) == (score is not None and score >= 9)


def test_a_report_that_the_mail_is_known_by_is_nobody_elses() -> None:
    """S-1: where the site's own was not asked for."""
    findings = replace(CLEAN, spam=SpamReport(9.5, preferences="ann"))

    assert look(case(**OWN), findings).score == 9.5
    assert look(case(), findings).score is None


@pytest.mark.parametrize(
    ("settings", "failed"),
    [
        ({}, False),
        (OWN, False),
        (OWN | {"sa_username": "carol"}, True),
        (OWN | {"sa_username": "carol", "bypass_spam_checks": True}, False),
        (OWN | {"sa_username": "carol", "sender": BLACK}, False),
    ],
)
def test_a_failed_scan_is_one_for_those_without_a_report(
    settings: dict[str, Any], failed: bool
) -> None:
    """S-1, S-5."""
    seen = look(case(**settings), replace(REPORTS, spam_failure="spamd: no answer"))

    assert [cause.field for cause in seen.unchecked] == ["spam_failure_destiny"] * failed


SIGN, LESS = Virus("Phish.A", "clamd", 2.5), Virus("Scam,[x]=", "clamd", 0.1)
NOTHING, WORM = Virus("Test.B", "clamd", 0.0), Virus("Klez", "sophie")


@pytest.mark.parametrize(
    ("found", "settings", "tests", "score"),
    [
        ((SIGN,), {}, (("AV:Phish.A", 2.5),), 3.5),
        ((LESS, SIGN), {}, (("AV:Phish.A", 2.5),), 3.5),  # the highest, once
        ((LESS,), {}, (("AV:Scam__x__", 0.1),), 1.1),
        ((NOTHING,), {}, (("AV:Test.B", 0.0),), 1.0),  # nothing, but not in silence
        ((SIGN, WORM), {}, (("AV:Phish.A", 2.5),), 3.5),
        ((SIGN, replace(WORM, scanner="clamd")), {}, (), 1.0),
        ((SIGN,), {"sender": SenderMatch(points=1)}, (("AV:Phish.A", 2.5), ("AM.WBL", 1)), 4.5),
        ((SIGN,), {"bypass_virus_checks": True}, (), 1.0),
        ((SIGN,), {"bypass_spam_checks": True}, (), None),
    ],
)
def test_a_name_that_is_no_virus_adds_its_points(
    found: tuple[Virus, ...], settings: dict[str, Any], tests: Any, score: float | None
) -> None:
    """V-4, T-1, T-6: before the engine's own tests."""
    seen = look(case(**settings), replace(CLEAN, viruses=found, spam=SpamReport(1.0)))

    assert seen.adjustments == tests
    assert seen.score == score
    infected = WORM.name in {virus.name for virus in found}
    assert (Category.VIRUS in seen.categories) is infected
    assert seen.scanned is not settings.get("bypass_virus_checks", False)


def test_points_of_a_virus_scanner_reach_levels_like_all_others() -> None:
    """V-4: without a spam engine they are the score."""
    signs = replace(CLEAN, viruses=(replace(SIGN, points=9.0),), spam=None)

    assert reached(case(**LEVELS), signs) == "tag tag2 tag3 kill"


def test_a_score_has_three_decimals_and_points_that_are_not_set_are_none() -> None:
    """T-1, T-6."""
    made = case(sender=SenderMatch(points=0.0004))
    assert look(made, scored(1.0)).score == 1.0
    assert look(made, scored(1.0004)).score == 1.001

    forged = replace(scored(1.0), authentication=FORGED)
    doubted = case(dmarc_reject_points=2.0)
    assert look(doubted, forged).score == 3.0
    none = replace(doubted.policy.settings, dmarc_reject_points=None)
    unset = replace(doubted, policy=replace(doubted.policy, settings=none))
    assert look(unset, forged).adjustments == ()


def test_what_was_not_scored_counts_as_nothing_for_the_tag_level() -> None:
    """T-1, T-2."""
    unscored = replace(CLEAN, spam=None)
    assert look(case(spam_tag_level=0.0), unscored).tag
    assert not look(case(spam_tag_level=0.5), unscored).tag


def test_a_silent_spam_engine_is_told_in_a_sentence() -> None:
    """S-5."""
    (cause,) = look(case(), replace(CLEAN, spam=None, spam_failure="spamd: timed out.")).unchecked
    assert cause.sentence == "The spam engine gave no answer: spamd: timed out."
