"""What would have let the mail through: every remedy is tried out."""

# ruff: noqa: E501 - one row of a table is one line

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.findings import Authentication, Findings, SpamReport
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import BanRule, SenderMatch
from smtpfilter.policy.settings import NEVER
from smtpfilter.verdict.decide import decide, loop_verdict
from smtpfilter.verdict.remedies import Need, Remedy, find_remedies
from smtpfilter.verdict.seen import look
from smtpfilter.verdict.stops import find_stops
from smtpfilter.verdict.verdict import Case
from tests.unit.builders import (
    BAD_HEADER,
    CLEAN,
    EICAR,
    PROGRAM,
    case,
    scored,
    unchecked,
)

BLACK = SenderMatch(black=True, why=("B.",))
FORGED = Authentication(dmarc="fail", dmarc_policy="reject", from_domain="bank.example")
DOWN = replace(CLEAN, viruses=None, spam=None, scanner_failure="down", spam_failure="down")
PROGRAM_RULES = (BanRule(r"\.exe$", comment="programs"),)


def needs(made: Case, findings: Findings) -> tuple[Need, ...]:
    seen = look(made, findings)
    return find_remedies(made, seen, find_stops(made, seen))


def cured(made: Case, remedy: Remedy) -> Case:
    """Return the case after the remedy was taken."""
    if remedy.allow:
        assert remedy.allow == str(made.mail_from)
        made = replace(made, sender=SenderMatch(white=True, why=("W.",)))
    settings = replace(made.policy.settings, **dict(remedy.changes))
    return replace(made, policy=replace(made.policy, settings=settings))


def words(made: Case, findings: Findings) -> tuple[str, ...]:
    return decide(made, findings).let_through


@pytest.mark.parametrize(
    ("findings", "rest", "sentences"),
    [
        (CLEAN, {}, ()),
        (EICAR, {"virus_lover": True}, ()),
        (EICAR, {}, ("Infected mail would pass with virus_lover = yes or virus_destiny = pass.",)),
        (
            scored(12.4),
            {},
            (
                "Spam would pass with spam_lover = yes, spam_destiny = pass, spam_kill_level = 12.5 or"
                " an allow entry for sender@remote.example that needs no proof, since this mail proves nothing.",
            ),
        ),
        (
            scored(12.4),
            {"mail_from": ""},
            ("Spam would pass with spam_lover = yes, spam_destiny = pass or spam_kill_level = 12.5.",),
        ),
        (
            scored(10000.0),
            {"mail_from": ""},
            ("Spam would pass with spam_lover = yes, spam_destiny = pass or spam_kill_level = never.",),
        ),
        (
            scored(1),
            {"sender": BLACK},
            ("Spam would pass with spam_lover = yes, spam_destiny = pass or the block entry of its sender removed.",),
        ),
        (
            unchecked("encrypted"),
            {},
            ("Unchecked mail would pass with unchecked_lover = yes or unchecked_encrypted_destiny = pass.",),
        ),
        (
            BAD_HEADER,
            {"bad_header_destiny": Destiny.REJECT},
            (
                "Mail with a bad header section would pass with bad_header_lover = yes,"
                " bad_header_destiny = pass or bypass_header_checks = yes.",
            ),
        ),
        (
            CLEAN,
            {"size_bytes": 70000, "message_size_limit": 1},
            ("Oversized mail would pass with oversized_destiny = pass or message_size_limit = 70000.",),
        ),
        (
            DOWN,
            {},
            (
                "Each of the following is needed.",
                "Unchecked mail would pass with scanner_failure_destiny = pass.",
                "Unchecked mail would pass with spam_failure_destiny = pass.",
            ),
        ),
        (
            replace(CLEAN, authentication=FORGED),
            {"dmarc_reject_destiny": Destiny.REJECT, "sender": BLACK, "spam_destiny": Destiny.PASS},
            ("Spam would pass with spam_lover = yes or dmarc_reject_destiny = pass.",),
        ),
    ],
)  # fmt: skip
def test_remedies_in_words(
    findings: Findings, rest: dict[str, Any], sentences: tuple[str, ...]
) -> None:
    assert words(case(**rest), findings) == sentences


def test_banned_mail_names_the_rule_that_an_exception_must_precede() -> None:
    """B-3."""
    made = replace(case(), ban_rules=PROGRAM_RULES)

    assert words(made, PROGRAM) == (
        "Mail with banned files would pass with banned_files_lover = yes, banned_destiny = pass or"
        " an exception before the rule 'programs'.",
    )
    nameless = replace(case(), ban_rules=(BanRule(r"\.exe$"),))
    assert words(nameless, PROGRAM)[0].endswith(r"an exception before the rule '\\.exe$'.")


def test_a_proven_sender_is_allowed_by_an_entry_that_asks_for_proof() -> None:
    """W-8."""
    made = replace(case(), proven=True)

    assert words(made, scored(10))[0].endswith(
        "an allow entry for sender@remote.example that counts only where his domain is proven."
    )


def test_a_lock_names_the_layer_that_alone_can_change_it() -> None:
    made = case()
    locked = replace(made, policy=replace(made.policy, locks={"virus_destiny": "@."}))

    assert words(locked, EICAR) == (
        "Infected mail would pass with virus_lover = yes or virus_destiny = pass"
        " (locked: @. alone can say so).",
    )
    (need,) = needs(locked, EICAR)
    assert [way.locked_by for way in need.ways] == ["", "@."]


def test_nothing_lets_a_mail_loop_through() -> None:
    assert loop_verdict(case()).let_through == ()


FINDINGS = st.builds(
    Findings,
    parts=st.sampled_from([PROGRAM.parts, ()]),
    viruses=st.sampled_from([EICAR.viruses, (), None]),
    spam=st.sampled_from([None, *(scored(points).spam for points in (-5, 6.3, 6.299, 123.456, 20000))]),
    bad_headers=st.sampled_from([BAD_HEADER.bad_headers, (), None]),
    unchecked=st.lists(
        st.sampled_from([unchecked(kind).unchecked[0] for kind in ("encrypted", "limits", "failed")])
    ).map(tuple),
    scanner_failure=st.sampled_from([None, "down"]),
    spam_failure=st.sampled_from([None, "down"]),
    authentication=st.sampled_from([None, Authentication(), FORGED]),
)  # fmt: skip
FLAGS = ("virus_lover", "spam_lover", "banned_files_lover", "bad_header_lover", "unchecked_lover", "bypass_virus_checks", "bypass_spam_checks")  # fmt: skip
DESTINIES = ("virus", "banned", "spam", "bad_header", "unchecked", "oversized", "dmarc_reject", "spoofed", "scanner_failure", "spam_failure")  # fmt: skip
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(FLAGS, st.booleans()),
        **{f"{name}_destiny": st.sampled_from(Destiny) for name in DESTINIES},
        "spam_kill_level": st.sampled_from([5.0, 6.3, NEVER]),
        "message_size_limit": st.sampled_from([0, 100000]),
        "spoofed_points": st.sampled_from([0.0, 6.3]),
    },
)
SENDERS = st.sampled_from(
    [SenderMatch(), SenderMatch(points=2.0), BLACK, SenderMatch(white=True, why=("W.",))]
)


@given(FINDINGS, SETTINGS, SENDERS, st.booleans(), st.randoms(use_true_random=False))
def test_one_remedy_for_each_need_lets_the_mail_pass(
    findings: Findings, settings: dict[str, Any], sender: SenderMatch, spoofed: bool, chance: Any
) -> None:
    """Whichever ways are chosen: after them decide() says pass, and before them it did not."""
    made = replace(
        case(sender=sender, size_bytes=200000, **settings),
        ban_rules=PROGRAM_RULES,
        spoofed=spoofed,
    )
    found = needs(made, findings)

    verdict = decide(made, findings)
    assert (verdict.destiny is Destiny.PASS) == (not found)
    assert bool(verdict.let_through) == bool(found)
    for need in found:
        assert all(way.words for way in need.ways)
        choices = [way for way in need.ways if way.changes or way.allow]
        made = cured(made, chance.choice(choices))
    assert decide(made, findings).destiny is Destiny.PASS


def test_no_name_makes_a_sentence_endless() -> None:
    """P6: at most 300 characters of a rule or sender."""
    made = case(mail_from=f"{'x' * 400}@remote.example")
    assert f"an allow entry for {'x' * 300} that" in words(made, scored(10))[0]
    made = replace(case(), ban_rules=(BanRule(r"\.exe$", comment="y" * 400),))
    assert f"the rule '{'y' * 300}'" in words(made, PROGRAM)[0]


def test_an_allow_entry_names_the_sender_and_a_level_ends_at_ten_thousand() -> None:
    (need,) = needs(case(), scored(9999.95))
    assert [way.allow for way in need.ways] == ["", "", "", "sender@remote.example"]
    assert need.ways[2].changes == (("spam_kill_level", 10000.0),)
    (need,) = needs(case(spam_kill_level=-5.0, mail_from=""), replace(CLEAN, spam=SpamReport(0.0)))
    assert need.ways[2].changes == (("spam_kill_level", 0.1),)
