"""The decision as a table of (findings, policy) -> verdict, each row with the rules that it shows."""

# ruff: noqa: E501 - one row of a table is one line

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.edits import Edits
from smtpfilter.mail.findings import Authentication, BadHeader, Findings, Unchecked
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import BanRule, SenderMatch
from smtpfilter.policy.settings import NEVER
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.decide import could_pass, decide, is_looping, is_too_big, loop_verdict
from smtpfilter.verdict.seen import look
from tests.unit.builders import (
    ANN,
    BAD_HEADER,
    CLEAN,
    EICAR,
    MAIL_ID,
    OSCAR,
    OURS,
    PROGRAM,
    case,
    scored,
    unchecked,
)

WHITE, BLACK = SenderMatch(white=True, why=("W.",)), SenderMatch(black=True, why=("B.",))
EICAR_AND_SPAM = replace(scored(10), viruses=EICAR.viruses)
NO_SCANNER = replace(CLEAN, viruses=None, scanner_failure="clamd: timed out")
NO_SPAMD = replace(CLEAN, spam=None, spam_failure="spamd: connection refused")

NO_SCAN = replace(CLEAN, spam=None)
STRICT = {
    "dmarc_reject_destiny": Destiny.REJECT,
    "dmarc_quarantine_destiny": Destiny.DISCARD,
    "spoofed_destiny": Destiny.REJECT,
}

PASS, DISCARD, REJECT, TEMPFAIL = Destiny.PASS, Destiny.DISCARD, Destiny.REJECT, Destiny.TEMPFAIL


def dmarc(policy: str, findings: Findings = CLEAN) -> Findings:
    found = Authentication(dmarc="fail", dmarc_policy=policy, from_domain="bank.example")
    return replace(findings, authentication=found)


def row(name: str, findings: Findings, outcome: str, **rest: Any) -> Any:
    """One row: `outcome` is "category destiny", with "+copy" where a copy is kept; `rest` goes into
    the case.
    """
    return pytest.param(findings, outcome, rest, id=name)


TABLE = [
    # The starting policy (design 4.13).
    row("clean mail passes", CLEAN, "clean pass"),
    row("infected mail is held", EICAR, "virus discard +copy"),
    row("banned mail is held", PROGRAM, "banned discard +copy"),
    row("spam is held", scored(6.3), "spam discard +copy"),
    row("H-4 bad header passes and keeps nothing", BAD_HEADER, "bad_header pass"),
    row("encrypted is held", unchecked("encrypted"), "unchecked discard +copy"),
    row("over limits is held", unchecked("limits"), "unchecked discard +copy"),
    row("ambiguous is held", unchecked("ambiguous"), "unchecked discard +copy"),
    row("undecodable is held", unchecked("undecodable"), "unchecked discard +copy"),
    row("failed is held", unchecked("failed"), "unchecked discard +copy"),
    row("Z-2 no scanner: later", NO_SCANNER, "unchecked tempfail"),
    row("Z-4 no score: later", NO_SPAMD, "unchecked tempfail"),
    row("oversized is refused", CLEAN, "oversized reject", size_bytes=100001, message_size_limit=100000),
    # T-2, BB-3: every comparison is >=.
    row("BB-3 below kill", scored(7.999), "spammy pass", spam_kill_level=8.0),
    row("BB-3 at kill", scored(8.0), "spam discard +copy", spam_kill_level=8.0),
    row("BB-3 below tag2", scored(6.299), "clean pass", spam_kill_level=8.0),
    row("BB-3 at tag2", scored(6.3), "spammy pass", spam_kill_level=8.0),
    row("T-2 at tag3 only", scored(6), "spammy pass", spam_tag3_level=6.0, spam_tag2_level=7.0),
    row("T-2 kill needs no tag2", scored(5), "spam discard +copy", spam_kill_level=5.0),
    row("a level of never", scored(9999), "clean pass", spam_kill_level=NEVER, spam_tag2_level=NEVER),
    # T-2, BB-37: size limits.
    row("size at the limit", CLEAN, "clean pass", size_bytes=100000, message_size_limit=100000),
    row("RFC minimum", CLEAN, "clean pass", size_bytes=65536, message_size_limit=10),
    row("over the RFC minimum", CLEAN, "oversized reject", size_bytes=65537, message_size_limit=10),
    row("limit 0 is none", CLEAN, "clean pass", size_bytes=1 << 40, message_size_limit=0),
    row("oversized may pass", CLEAN, "oversized pass", size_bytes=70000, message_size_limit=1, oversized_destiny=PASS),
    # L-1: bypass, "eyes covered".
    row("BB-9 virus bypass", EICAR, "clean pass", bypass_virus_checks=True),
    row("spam bypass", scored(1000), "clean pass", bypass_spam_checks=True),
    row("banned bypass", PROGRAM, "clean pass", bypass_banned_checks=True),
    row("header bypass", BAD_HEADER, "clean pass", bypass_header_checks=True, bad_header_destiny=REJECT),
    row("L-3 virus bypass covers encrypted", unchecked("encrypted"), "clean pass", bypass_virus_checks=True),
    row("L-3 virus bypass covers limits", unchecked("limits"), "clean pass", bypass_virus_checks=True),
    row("L-3 virus bypass covers broken", unchecked("undecodable"), "clean pass", bypass_virus_checks=True),
    row("BB-18 ambiguous cannot be bypassed", unchecked("ambiguous"), "unchecked discard +copy", bypass_virus_checks=True),
    row("virus bypass needs no scanner", NO_SCANNER, "clean pass", bypass_virus_checks=True),
    row("spam bypass needs no score", NO_SPAMD, "clean pass", bypass_spam_checks=True),
    row("bypass of one check leaves others", EICAR_AND_SPAM, "spam discard +copy", bypass_virus_checks=True),
    # L-2: lovers, "eyes open, hands off"; a copy is kept.
    row("BB-9 virus lover", EICAR, "virus pass +copy", virus_lover=True),
    row("spam lover", scored(10), "spam pass +copy", spam_lover=True),
    row("banned lover", PROGRAM, "banned pass +copy", banned_files_lover=True),
    row("unchecked lover", unchecked("encrypted"), "unchecked pass +copy", unchecked_lover=True),
    row("bad header lover", BAD_HEADER, "bad_header pass +copy", bad_header_lover=True, bad_header_destiny=REJECT),
    row("lover of mail that may pass", BAD_HEADER, "bad_header pass", bad_header_lover=True),
    row("lover without quarantine", EICAR, "virus pass", virus_lover=True, virus_quarantine_to=""),
    row("love does not heal a failure of ours", NO_SCANNER, "unchecked tempfail", unchecked_lover=True),
    row("BB-11 spam for a virus lover", EICAR_AND_SPAM, "spam discard +copy", virus_lover=True),
    # C-1 to C-4: order.
    row("C-1 virus before spam", EICAR_AND_SPAM, "virus discard +copy"),
    row("C-1 unchecked before spam", replace(scored(10), unchecked=(Unchecked("limits", "x"),)), "unchecked discard +copy"),
    row(
        "C-4 pass goes on to the next category",
        replace(scored(10), unchecked=(Unchecked("limits", "x"),)),
        "spam discard +copy",
        unchecked_limits_destiny=PASS,
    ),
    row(
        "C-4 the next lower category refuses",
        replace(BAD_HEADER, parts=PROGRAM.parts),
        "bad_header reject +copy",
        banned_destiny=PASS,
        bad_header_destiny=REJECT,
    ),
    row("C-4.3 no bounce to lists", BAD_HEADER, "bad_header pass", bad_header_destiny=Destiny.BOUNCE, bulk=True),
    row("C-4.3 bounce to others", BAD_HEADER, "bad_header bounce +copy", bad_header_destiny=Destiny.BOUNCE),
    # Destinies and copies.
    row("reject keeps a copy", EICAR, "virus reject +copy", virus_destiny=REJECT),
    row("tempfail keeps none", EICAR, "virus tempfail", virus_destiny=TEMPFAIL),
    row("pass keeps none", EICAR, "virus pass", virus_destiny=PASS),
    row("F-4 discard without quarantine", EICAR, "virus discard", virus_quarantine_to=""),
    row("T-2 at the quarantine cutoff", scored(20), "spam discard", spam_quarantine_cutoff_level=20.0),
    row("T-2 below the cutoff", scored(19.999), "spam discard +copy", spam_quarantine_cutoff_level=20.0),
    row("the cutoff is for spam only", EICAR_AND_SPAM, "virus discard +copy", spam_quarantine_cutoff_level=5.0),
    row("the cutoff is for loved spam too", scored(20), "spam pass", spam_lover=True, spam_quarantine_cutoff_level=9.0),
    # Unchecked kinds have their own destinies.
    row("a kind of its own", unchecked("encrypted"), "unchecked pass", unchecked_encrypted_destiny=PASS),
    row("the others follow", unchecked("limits"), "unchecked reject +copy", unchecked_destiny=REJECT),
    row(
        "the strictest kind decides",
        replace(CLEAN, unchecked=(Unchecked("encrypted", "a"), Unchecked("limits", "b"))),
        "unchecked reject +copy",
        unchecked_encrypted_destiny=PASS,
        unchecked_limits_destiny=REJECT,
    ),
    row("unscanned mail where a policy says so", NO_SCANNER, "unchecked pass", scanner_failure_destiny=PASS),
    row("unscored mail where a policy says so", NO_SPAMD, "unchecked pass", spam_failure_destiny=PASS),
    row(
        "held mail does not wait for a score",
        replace(unchecked("encrypted"), spam=None, spam_failure="down"),
        "unchecked discard +copy",
    ),
    row(
        "but for a virus scanner it waits",
        replace(unchecked("encrypted"), scanner_failure="down"),
        "unchecked tempfail",
    ),
    # W-5, W-6: sender lists.
    row("W-5 white is no spam", scored(1000), "clean pass", sender=WHITE),
    row("W-5 black is spam", scored(-5), "spam discard +copy", sender=BLACK),
    row("W-5 black without a score", replace(CLEAN, spam=None), "spam discard +copy", sender=BLACK),
    row("Z-20 black is kept beyond the cutoff", scored(1), "spam discard +copy", sender=BLACK, spam_quarantine_cutoff_level=10.0),
    row("white needs no score", NO_SPAMD, "clean pass", sender=WHITE),
    row("black for a spam lover", scored(1), "spam pass +copy", sender=BLACK, spam_lover=True),
    row("black but bypassed", scored(1), "clean pass", sender=BLACK, bypass_spam_checks=True),
    row("W-6 white virus", EICAR, "virus discard +copy", sender=WHITE),
    row("W-6 white banned", PROGRAM, "banned discard +copy", sender=WHITE),
    row("BB-35 soft points", scored(1.4), "spam discard +copy", sender=SenderMatch(points=5.0), spam_kill_level=6.31),
    row("BB-35 soft points below", scored(1.4), "clean pass", sender=SenderMatch(points=4.899)),
    row("T-1 points without a scan", replace(CLEAN, spam=None), "spam discard +copy", sender=SenderMatch(points=7.0)),
    # DMARC and spoofed senders: spam whatever the score, or points (issue 3, point 6).
    row("DMARC failure without a wish", dmarc("none"), "clean pass", **STRICT),
    row("DMARC passes", replace(CLEAN, authentication=Authentication(dmarc="pass")), "clean pass", **STRICT),
    row("DMARC has no answer", replace(CLEAN, authentication=Authentication(dmarc="temperror")), "clean pass", **STRICT),
    row("nobody asked", CLEAN, "clean pass", **STRICT),
    row("DMARC reject, by default", dmarc("reject"), "clean pass"),
    row("DMARC reject", dmarc("reject"), "spam reject +copy", **STRICT),
    row("DMARC quarantine", dmarc("quarantine"), "spam discard +copy", **STRICT),
    row("DMARC without quarantine", dmarc("quarantine"), "spam discard", **STRICT, spam_quarantine_to=""),
    row("DMARC of a sender of ours", dmarc("reject"), "clean pass", **STRICT, origin=OURS),
    row("DMARC of an allowed sender", dmarc("reject"), "clean pass", **STRICT, sender=WHITE),
    row("DMARC for a spam lover", dmarc("reject"), "spam pass +copy", **STRICT, spam_lover=True),
    row("DMARC with the spam bypass", dmarc("reject"), "clean pass", **STRICT, bypass_spam_checks=True),
    row("DMARC, and spam: the strictest", dmarc("reject", scored(10)), "spam reject +copy", **STRICT),
    row("DMARC points", dmarc("reject", scored(1.3)), "spam discard +copy", dmarc_reject_points=5.0),
    row("DMARC points below", dmarc("reject", scored(1.299)), "clean pass", dmarc_reject_points=5.0),
    row("DMARC points without a scan", dmarc("quarantine", NO_SCAN), "spam discard +copy", dmarc_quarantine_points=6.3),
    row("DMARC points of the other wish", dmarc("reject"), "clean pass", dmarc_quarantine_points=9.0),
    # Copies of what passes, and of everything.
    row("clean mail is kept", CLEAN, "clean pass +copy", clean_quarantine_to="quarantine"),
    row("Z-13 marked mail is kept as clean", scored(7), "spammy pass +copy", spam_kill_level=8.0, clean_quarantine_to="quarantine"),
    row("T-2 but not at the cutoff", scored(7), "spammy pass", spam_kill_level=8.0, clean_quarantine_to="quarantine", spam_quarantine_cutoff_level=7.0),
    row("Z-14 bad headers are not clean", BAD_HEADER, "bad_header pass", clean_quarantine_to="quarantine"),
    row("blocked mail is not clean", scored(10), "spam discard", clean_quarantine_to="quarantine", spam_quarantine_to=""),
    row("oversized mail that passes is clean", CLEAN, "oversized pass +copy", size_bytes=70000, message_size_limit=1, oversized_destiny=PASS, clean_quarantine_to="quarantine"),
    row("the archive has clean mail", CLEAN, "clean pass +copy", archive_quarantine_to="quarantine"),
    row("the archive has refused mail", scored(10), "spam reject +copy", archive_quarantine_to="quarantine", spam_destiny=REJECT, spam_quarantine_to=""),
    row("the archive knows no cutoff", scored(10), "spam discard +copy", archive_quarantine_to="quarantine", spam_quarantine_cutoff_level=1.0),
    row("F-7 the archive waits for what comes again", NO_SCANNER, "unchecked tempfail", archive_quarantine_to="quarantine"),
    # Unknown findings accuse nobody.
    row("nothing known", Findings(), "clean pass"),
]  # fmt: skip


@pytest.mark.parametrize(("findings", "outcome", "rest"), TABLE)
def test_the_reference_table(findings: Findings, outcome: str, rest: dict[str, Any]) -> None:
    verdict = decide(case(**rest), findings)

    copy = " +copy" if verdict.keep else ""
    assert f"{verdict.category} {verdict.destiny}{copy}" == outcome
    assert (verdict.blocked_by is None) == (verdict.destiny is PASS)
    assert verdict.destiny is PASS or verdict.edits == Edits()


def test_a_virus_lover_s_spam_is_mainly_a_virus_and_blocked_as_spam() -> None:
    """BB-11, C-4."""
    verdict = decide(case(virus_lover=True), EICAR_AND_SPAM)

    assert verdict.categories == (Category.VIRUS, Category.SPAM, Category.SPAMMY, Category.CLEAN)
    assert verdict.blocked_by is Category.SPAM


def test_the_score_is_the_recipient_s_own() -> None:
    """T-1."""
    adjusted = SenderMatch(points=0.1)

    assert decide(case(sender=adjusted), scored(0.2)).score == 0.3
    assert decide(case(), scored(-1.5)).score == -1.5
    assert decide(case(), EICAR).score is None
    assert decide(case(bypass_spam_checks=True), scored(5)).score is None


@pytest.mark.parametrize(
    ("findings", "rest", "reply"),
    [
        (EICAR, {}, "250 2.7.0 Ok, discarded, id={id} - INFECTED: Eicar-Signature"),
        (EICAR, {"virus_destiny": REJECT}, "554 5.7.0 Reject, id={id} - INFECTED: Eicar-Signature"),
        (EICAR, {"virus_destiny": Destiny.BOUNCE}, "554 5.7.0 Bounce, id={id} - INFECTED: Eicar-Signature"),
        (EICAR, {"virus_destiny": TEMPFAIL}, "450 4.7.0 Try again later, id={id} - INFECTED: Eicar-Signature"),
        (unchecked("limits"), {"unchecked_destiny": REJECT}, "554 5.7.0 Reject, id={id} - UNCHECKED: over limits"),
        (scored(10), {"spam_destiny": REJECT}, "554 5.7.0 Reject, id={id} - spam"),
        (
            BAD_HEADER,
            {"bad_header_destiny": REJECT},
            "554 5.6.0 Reject, id={id} - BAD HEADER SECTION: Missing required header field: Date",
        ),
        (
            replace(CLEAN, bad_headers=(BadHeader(2, "Raw 8-bit character FF"),)),
            {"bad_header_destiny": REJECT},
            "554 5.6.3 Reject, id={id} - BAD HEADER SECTION: Raw 8-bit character FF",
        ),
        (
            CLEAN,
            {"size_bytes": 70000, "message_size_limit": 1},
            "552 5.3.4 Reject, id={id} - Message size exceeds recipient's size limit",
        ),
        (
            NO_SCANNER,
            {},
            "451 4.3.0 Temporarily unable to check, try again later, id={id} - UNCHECKED: virus scan failed",
        ),
        (
            NO_SPAMD,
            {},
            "451 4.3.0 Temporarily unable to check, try again later, id={id} - UNCHECKED: spam scan failed",
        ),
    ],
)  # fmt: skip
def test_what_the_sender_is_told(findings: Findings, rest: dict[str, Any], reply: str) -> None:
    """F-1: codes and texts; what an engine said stays in the house."""
    made = case(**rest)

    assert str(decide(made, findings).reply) == reply.format(id=made.mail_id)


def test_a_refusal_names_the_rule_and_the_part() -> None:
    """F-1, B-6."""
    rules = (BanRule(r"\.exe$", comment="program"),)
    verdict = decide(replace(case(banned_destiny=REJECT), ban_rules=rules), PROGRAM)

    assert str(verdict.reply).endswith(" - BANNED: program: application/pdf,.exe-ms,a.exe")


def test_the_deciding_reason_comes_first_and_names_value_setting_and_origin() -> None:
    reasons = decide(case(spam_kill_level=8.0), scored(12.4)).reasons

    assert reasons[0] == "Score 12.4 is at or above the kill level 8 (set by ann@example.com)."
    assert reasons[1] == (
        "Spam is held: spam_destiny is discard (the default), spam_quarantine_to is quarantine (the default)."
    )


@pytest.mark.parametrize(
    ("findings", "rest", "sentence"),
    [
        (CLEAN, {}, "Score -1 is below the tag2 level 6.3 (the default), and nothing else was found."),
        (Findings(), {}, "Nothing was found."),
        (EICAR, {}, "Infected with Eicar-Signature (clamd)."),
        (
            EICAR,
            {"virus_lover": True},
            "Infected mail is wanted: virus_lover is yes (set by ann@example.com).",
        ),
        (EICAR, {"bypass_virus_checks": True}, "Not checked for viruses: bypass_virus_checks is yes (set by ann@example.com)."),
        (PROGRAM, {}, "Banned: multipart/mixed | application/pdf,.exe-ms,a.exe."),
        (BAD_HEADER, {}, "Bad header section: Missing required header field: Date."),
        (BAD_HEADER, {}, "Mail with a bad header section may pass: bad_header_destiny is pass (the default)."),
        (NO_SCANNER, {}, "No virus scanner gave an answer: clamd: timed out."),
        (NO_SCANNER, {}, "Unchecked mail is deferred: scanner_failure_destiny is tempfail (the default)."),
        (unchecked("encrypted"), {}, "Could not be looked into, encrypted: a.zip."),
        (scored(5), {"sender": BLACK}, "B."),
        (scored(5), {"sender": WHITE}, "W."),
        (
            EICAR,
            {"virus_quarantine_to": ""},
            "Infected mail is discarded: virus_destiny is discard (the default), "
            "virus_quarantine_to is empty (set by ann@example.com).",
        ),
        (
            CLEAN,
            {"size_bytes": 70000, "message_size_limit": 1},
            "The size of 70000 octets is over the limit: message_size_limit is 1 (set by ann@example.com).",
        ),
    ],
)  # fmt: skip
def test_reasons_are_sentences(findings: Findings, rest: dict[str, Any], sentence: str) -> None:
    assert sentence in decide(case(**rest), findings).reasons


@pytest.mark.parametrize(("who", "most"), [(ANN, 110), (OSCAR, 100)])
def test_a_mail_loop_is_refused(who: str, most: int) -> None:
    """O-12, BB-59: ten more hops for local recipients."""
    made = case(who)
    verdict = loop_verdict(made)

    assert not is_looping(made, most)
    assert is_looping(made, most + 1)
    assert (verdict.category, verdict.destiny, verdict.keep) == (Category.MTA, REJECT, False)
    assert str(verdict.reply).startswith("554 5.4.6 ")
    assert (verdict.blocked_by, verdict.categories) == (
        Category.MTA,
        (Category.MTA, Category.CLEAN),
    )
    assert (verdict.edits, verdict.suppressed) == (Edits(), "")
    assert loop_verdict(case(who, bulk=True)).suppressed == "bulk mail"
    assert verdict.reasons == (
        f"More than {most} Received fields: the mail goes round in circles.",
    )


def test_a_spoofed_sender_is_stopped_where_somebody_asked_who_he_is() -> None:
    spoofed = replace(case(**STRICT, spoofed_points=2.5), spoofed=True)
    asked = replace(CLEAN, authentication=Authentication())

    verdict = decide(spoofed, asked)
    assert (verdict.category, verdict.destiny, verdict.score) == (Category.SPAM, REJECT, 1.5)
    assert str(verdict.reply).endswith(" - spoofed sender")
    assert verdict.reasons[:2] == (
        "The author claims a local domain, but the mail came from outside without proof.",
        "Spam is rejected: spoofed_destiny is reject (set by ann@example.com).",
    )
    assert decide(spoofed, CLEAN).destiny is PASS
    assert decide(replace(spoofed, sender=WHITE), asked).destiny is PASS


def test_points_of_ours_are_listed_as_tests() -> None:
    """T-1, T-6."""
    made = replace(
        case(sender=SenderMatch(points=-1.5), dmarc_reject_points=2.0, spoofed_points=3.25),
        spoofed=True,
    )
    seen = look(made, dmarc("reject", scored(0.1)))

    assert seen.adjustments == (("AM.WBL", -1.5), ("AM.DMARC_REJECT", 2.0), ("AM.SPOOFED", 3.25))
    assert seen.score == 3.85
    (one,) = look(case(dmarc_quarantine_points=1.0), dmarc("quarantine")).adjustments
    assert one == ("AM.DMARC_QUARANTINE", 1.0)
    unasked = case(sender=SenderMatch(points=3.0), bypass_spam_checks=True)
    assert look(unasked, scored(5)).adjustments == ()


def test_what_is_forged_but_scores_low_meets_the_destiny_of_forgeries_alone() -> None:
    """The kill level was not reached, so that spam_destiny has no say."""
    forged = dmarc("reject", scored(1.0))
    made = case(dmarc_reject_destiny=Destiny.DISCARD, spam_destiny=REJECT)
    assert decide(made, forged).destiny is Destiny.DISCARD
    assert decide(made, dmarc("reject", scored(10.0))).destiny is REJECT


def test_what_decides_is_told_before_what_is_graver() -> None:
    """C-4: the lover of viruses does not get spam."""
    reasons = decide(case(virus_lover=True), EICAR_AND_SPAM).reasons
    assert reasons[0].startswith("Score 10 is at or above the kill level")
    assert reasons[2] == "Infected with Eicar-Signature (clamd)."


def test_a_dmarc_failure_is_a_reason_even_where_it_decides_nothing() -> None:
    sentence = "DMARC fails, and bank.example asks to reject such mail."

    assert sentence in decide(case(), dmarc("reject")).reasons
    assert decide(case(**STRICT), dmarc("reject")).reasons[0] == sentence
    refused = decide(case(**STRICT), dmarc("reject")).reply
    assert str(refused) == f"554 5.7.0 Reject, id={MAIL_ID} - DMARC failure"


def test_a_bounce_without_a_notice_is_said_to_be_a_discard() -> None:
    """F-5."""
    told = decide(case(spam_destiny=Destiny.BOUNCE), scored(10))
    untold = decide(case(spam_destiny=Destiny.BOUNCE, bulk=True), scored(10))

    assert "Spam is bounced: spam_destiny is bounce (set by ann@example.com)." in told.reasons
    assert untold.reasons[1].startswith("Spam is held: spam_destiny is bounce (")
    assert untold.suppressed == "bulk mail"


def test_the_next_hop_of_the_policy_is_for_mail_that_passes() -> None:
    """E-10, C-6."""
    made = case(forward_method="smtp:[10.0.0.1]:25")

    assert decide(made, CLEAN).forward_method == "smtp:[10.0.0.1]:25"
    assert decide(made, EICAR).forward_method == ""


def test_sender_rules_that_counted_are_named() -> None:
    assert decide(case(sender=SenderMatch(white=True, rules=(3, 7))), CLEAN).listed == (3, 7)


def test_what_could_still_pass_and_what_is_too_big() -> None:
    """L-5, Z-19."""
    assert could_pass(case(), CLEAN)
    assert could_pass(case(virus_lover=True), EICAR)
    assert not could_pass(case(), EICAR)
    big = case(size_bytes=70000, message_size_limit=1)
    assert is_too_big(big)
    assert not is_too_big(case(size_bytes=70000, message_size_limit=1, oversized_destiny=PASS))
    assert not is_too_big(case())


@given(
    st.sampled_from([CLEAN, EICAR, PROGRAM, BAD_HEADER, EICAR_AND_SPAM, NO_SCANNER, NO_SPAMD, unchecked("limits")]),
    st.dictionaries(
        st.sampled_from(["virus_lover", "spam_lover", "bypass_virus_checks", "bypass_spam_checks", "unchecked_lover"]),
        st.booleans(),
    ),
    st.dictionaries(
        st.sampled_from(["virus_destiny", "spam_destiny", "banned_destiny", "unchecked_destiny", "bad_header_destiny"]),
        st.sampled_from(Destiny),
    ),
)  # fmt: skip
def test_every_verdict_hangs_together(
    findings: Findings, flags: dict[str, bool], destinies: dict[str, Destiny]
) -> None:
    verdict = decide(case(**flags, **destinies), findings)

    assert verdict.categories[-1] is Category.CLEAN
    assert list(verdict.categories) == sorted(verdict.categories, reverse=True)
    assert verdict.reasons
    assert all(reason.endswith(".") for reason in verdict.reasons)
    expected = {PASS: "2", DISCARD: "2", Destiny.BOUNCE: "5", REJECT: "5", TEMPFAIL: "4"}
    assert str(verdict.reply)[0] == expected[verdict.destiny]
    assert not (verdict.keep and verdict.destiny is TEMPFAIL)
