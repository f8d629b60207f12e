"""The words in which decisions are told: numbers, names, levels, settings."""

# ruff: noqa: E501 - one row of a table is one line

from dataclasses import replace
from typing import Any

import pytest

from smtpfilter.mail.findings import Findings, Unchecked, Virus
from smtpfilter.policy.layers import SenderMatch
from smtpfilter.policy.settings import NEVER
from smtpfilter.verdict.answers import answer
from smtpfilter.verdict.decide import decide
from smtpfilter.verdict.reasons import named, origin, points, setting
from smtpfilter.verdict.seen import look
from smtpfilter.verdict.stops import blocking_stop, find_stops
from tests.unit.builders import ANN, CLEAN, EICAR, MAIL_ID, PROGRAM, case, policy, scored, unchecked

BLACK = SenderMatch(black=True, why=("He is blocked.", "Why."))
LEVELS = {"spam_tag2_level": 5.0, "spam_tag3_level": 7.0, "spam_kill_level": 9.0}


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0.0, "0"), (-0.0, "0"), (-0.0001, "0"), (5.0, "5"), (10.0, "10"), (100.5, "100.5"),
        (1.2345, "1.234"), (-2.5, "-2.5"), (NEVER, "never"),
    ],
)  # fmt: skip
def test_points_are_shown_without_needless_digits(number: float, shown: str) -> None:
    assert points(number) == shown


def test_the_first_five_names_are_named_and_the_rest_is_counted() -> None:
    """P6: each once, visible, at most 300 characters."""
    assert named("abcde") == "a, b, c, d, e"
    assert named("abcabcde") == "a, b, c, d, e"
    assert named("abcdefgh") == "a, b, c, d, e and 3 more"
    assert named(["x\x00" + "y" * 400]) == "x\ufffd" + "y" * 298


def test_a_setting_is_told_with_its_origin() -> None:
    made = policy(virus_lover=True, spam_lover=False, spam_kill_level=NEVER, message_size_limit=5)
    assert setting(made, "virus_lover") == f"virus_lover is yes (set by {ANN})"
    assert setting(made, "spam_lover") == f"spam_lover is no (set by {ANN})"
    assert setting(made, "spam_kill_level") == f"spam_kill_level is never (set by {ANN})"
    assert setting(made, "message_size_limit") == f"message_size_limit is 5 (set by {ANN})"
    assert setting(made, "banned_files_lover") == "banned_files_lover is no (the default)"
    assert origin(replace(made, origins={}), "virus_lover") == "the default"


@pytest.mark.parametrize(
    ("score", "rest", "sentence"),
    [
        (5.0, {}, f"Score 5 is at or above the tag2 level 5 (set by {ANN})."),
        (7.25, {}, f"Score 7.25 is at or above the tag3 level 7 (set by {ANN})."),
        (9.0, {}, f"Score 9 is at or above the kill level 9 (set by {ANN})."),
        (4.999, {}, f"Score 4.999 is below the tag2 level 5 (set by {ANN}), and nothing else was found."),
        (0.0, {"sender": BLACK}, "He is blocked."),
        (0.0, {"sender": SenderMatch(black=True)}, "The sender is blocked."),
        (9.0, {"sender": SenderMatch(white=True, why=("He is fine.", "Why."))}, "He is fine."),
    ],
)  # fmt: skip
def test_a_score_is_told_with_the_level_that_it_reaches(
    score: float, rest: dict[str, Any], sentence: str
) -> None:
    """T-2: the highest one alone."""
    reasons = decide(case(**LEVELS, **rest), scored(score)).reasons
    assert reasons[0] == sentence
    assert sum("level" in reason for reason in reasons) == ("level" in sentence)


def test_a_level_of_nothing_is_a_level_of_zero() -> None:
    """T-1: as amavisd's undefined levels."""
    made = case(spam_tag2_level=0.0)
    assert (
        decide(made, scored(0.0)).reasons[0].startswith("Score 0 is at or above the tag2 level 0")
    )
    assert decide(made, scored(-1.0)).reasons[0].startswith("Score -1 is below the tag2 level 0 ")


def test_why_nothing_else_stops_the_mail_is_told_once_something_does() -> None:
    """C-4: a category below the deciding one that met nothing has nothing to say."""
    several = replace(EICAR, parts=PROGRAM.parts)
    reasons = decide(case(banned_destiny="pass"), several).reasons
    assert reasons[0] == "Infected with Eicar-Signature (clamd)."
    assert (
        "Mail with banned files may pass: banned_destiny is pass (set by ann@example.com)."
        in reasons
    )
    looked = decide(case(unchecked_destiny="pass"), unchecked("encrypted")).reasons
    assert looked == ("Could not be looked into, encrypted: a.zip.",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a.zip.", "Could not be looked into, over limits: a.zip."),
        ("a.zip . .", "Could not be looked into, over limits: a.zip."),
        (".a X", "Could not be looked into, over limits: .a X."),
    ],
)
def test_a_text_of_an_engine_ends_as_a_sentence(text: str, sentence: str) -> None:
    assert decide(case(), unchecked("limits", text)).reasons[0] == sentence


def said(findings: Findings, **rest: Any) -> str:
    """Return the reply that goes with the decision."""
    made = case(**rest)
    seen = look(made, findings)
    return str(answer(made, seen, blocking_stop(find_stops(made, seen))))


def test_the_reply_says_what_was_found() -> None:
    """F-1."""
    both = (Unchecked("encrypted", "a"), Unchecked("limits", "b"), Unchecked("encrypted", "c"))
    looked = said(replace(CLEAN, unchecked=both), unchecked_destiny="reject")
    assert looked == f"554 5.7.0 Reject, id={MAIL_ID} - UNCHECKED: encrypted, over limits"
    assert said(CLEAN) == f"250 2.0.0 Ok, id={MAIL_ID}"
    two = replace(EICAR, viruses=(Virus("A", "x"), Virus("B", "y"), Virus("A", "z")))
    assert said(two, virus_destiny="reject") == f"554 5.7.0 Reject, id={MAIL_ID} - INFECTED: A, B"


def test_a_sign_of_spam_is_told_with_its_points() -> None:
    """V-4: the highest counts; what is worth nothing is told, too."""
    low, high = Virus("Phish.A", "clamd", points=0.0), Virus("Phish.B", "clamd", points=2.5)
    told = decide(case(), replace(scored(1.0), viruses=(low, high, low))).reasons
    names = "Phish.A (clamd), Phish.B (clamd)"
    assert f"A virus scanner reports what is only a sign of spam, 2.5 points: {names}." in told
    told = decide(case(), replace(scored(1.0), viruses=(low,))).reasons
    assert any(sentence.endswith(" spam, 0 points: Phish.A (clamd).") for sentence in told)
    assert "a sign of spam" not in " ".join(decide(case(), scored(1.0)).reasons)
