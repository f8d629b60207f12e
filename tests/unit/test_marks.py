"""What delivered copies are marked with (T-5 to T-8, Z-1, Z-11; BB-1 to BB-6)."""

# ruff: noqa: E501 - one row of a table is one line

from dataclasses import replace
from typing import Any

import pytest

from smtpfilter.mail.edits import edited_header
from smtpfilter.mail.findings import Findings, Virus
from smtpfilter.mail.message import parse
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import SenderMatch
from smtpfilter.policy.settings import NEVER
from smtpfilter.verdict.decide import decide
from tests.unit.builders import (
    BAD_HEADER,
    CLEAN,
    EICAR,
    HOST,
    MAIL_ID,
    OSCAR,
    PROGRAM,
    case,
    scored,
    unchecked,
)

SCANNED = ("X-Virus-Scanned", f"Postern at {HOST}")
NO_SCANNER = replace(CLEAN, viruses=None, scanner_failure="clamd: /run/clamd.sock refused")
WHITE, BLACK = SenderMatch(white=True), SenderMatch(black=True)


def fields(findings: Findings, **rest: Any) -> dict[str, str]:
    return dict(decide(case(**rest), findings).edits.prepend)


def tag(findings: Findings, **rest: Any) -> str:
    return decide(case(**rest), findings).edits.subject_tag


def test_a_clean_mail_to_a_local_recipient() -> None:
    """BB-1, T-5: the order of the fields."""
    edits = decide(case(), scored(1.25, ("BAYES_50", 0.8), ("HTML", 0.45))).edits

    assert edits.prepend == (
        SCANNED,
        ("X-Spam-Flag", "NO"),
        ("X-Spam-Score", "1.25"),
        ("X-Spam-Level", "*"),
        (
            "X-Spam-Status",
            "No, score=1.25 tagged_above=-999 required=6.3 tests=[BAYES_50=0.8, HTML=0.45] autolearn=no",
        ),
    )
    assert edits.subject_tag == ""


def test_outsiders_learn_only_that_it_was_scanned() -> None:
    """BB-2, K-11."""
    edits = decide(
        case(OSCAR, spam_subject_tag2="***SPAM*** ", spam_kill_level=NEVER), scored(10)
    ).edits

    assert edits.prepend == (SCANNED,)
    assert edits.subject_tag == ""


@pytest.mark.parametrize(
    ("score", "rest", "tagged"),
    [
        (2.0, {"spam_tag_level": 2.0}, True),
        (1.999, {"spam_tag_level": 2.0}, False),
        (-5.0, {}, True),
        (-5.0, {"spam_tag_level": NEVER}, False),
        (5.0, {"spam_tag_level": 2.0, "bypass_spam_checks": True}, False),
        (11.0, {"spam_tag_level": 2.0, "sender": WHITE}, False),
        (12.0, {"spam_tag_level": 2.0, "sender": WHITE}, True),
        (-5.0, {"spam_tag_level": 2.0, "sender": BLACK, "spam_lover": True}, True),
    ],
)
def test_spam_fields_are_added_from_the_tag_level_on(
    score: float, rest: dict[str, Any], tagged: bool
) -> None:
    """BB-3, T-2, W-5."""
    assert ("X-Spam-Status" in fields(scored(score), **rest)) is tagged


def test_spam_for_its_lover_is_flagged() -> None:
    found = fields(scored(70.5), spam_lover=True)

    assert found["X-Spam-Flag"] == "YES"
    assert found["X-Spam-Level"] == "*" * 64
    assert found["X-Spam-Status"].startswith("Yes, score=70.5 ")
    assert found["X-Quarantine-ID"] == f"<{MAIL_ID}>"


@pytest.mark.parametrize(
    ("score", "sender", "shown", "stars", "word"),
    [
        (3.0, WHITE, "0", 0, " WHITELISTED tests="),
        (-3.0, WHITE, "-3", 0, " WHITELISTED tests="),
        (3.0, BLACK, "64", 64, " BLACKLISTED tests="),
        (100.0, BLACK, "100", 64, " BLACKLISTED tests="),
        (-0.5, SenderMatch(), "-0.5", 0, " tests="),
        (2.999, SenderMatch(), "2.999", 2, " tests="),
    ],
)
def test_listed_senders_are_shown_as_such(
    score: float, sender: SenderMatch, shown: str, stars: int, word: str
) -> None:
    """W-5, T-5, T-6."""
    found = fields(scored(score), sender=sender, spam_lover=True)

    assert found["X-Spam-Score"] == shown
    assert found["X-Spam-Level"] == "*" * stars
    assert word in found["X-Spam-Status"]


def test_points_of_the_sender_are_the_first_test() -> None:
    """BB-35, W-4."""
    found = fields(scored(1.4, ("HTML", 1.4)), sender=SenderMatch(points=3.5))

    assert "score=4.9 " in found["X-Spam-Status"]
    assert "tests=[AM.WBL=3.5, HTML=1.4]" in found["X-Spam-Status"]


def test_unscored_mail_says_so() -> None:
    """T-6: score is x, and levels that are never reached are left out."""
    found = fields(replace(EICAR), virus_lover=True, spam_tag2_level=NEVER)

    assert found["X-Spam-Status"] == "No, score=x tagged_above=-999 tests=[] autolearn=unavailable"
    assert "X-Spam-Score" not in found


@pytest.mark.parametrize(
    ("findings", "rest", "alert"),
    [
        (EICAR, {"virus_lover": True}, "INFECTED, message contains virus: Eicar-Signature"),
        (
            PROGRAM,
            {"banned_files_lover": True},
            "BANNED, message contains dangerous extension: application/pdf,.exe-ms,a.exe",
        ),
        (BAD_HEADER, {}, "BAD HEADER SECTION, Missing required header field: Date"),
        (
            EICAR,
            {"virus_lover": True, "text": OSCAR},
            "INFECTED, message contains virus: Eicar-Signature",
        ),
    ],
)
def test_dangerous_mail_carries_an_alert(
    findings: Findings, rest: dict[str, Any], alert: str
) -> None:
    """T-5, BB-9."""
    assert fields(findings, **rest)["X-Amavis-Alert"] == alert


def test_one_alert_for_each_kind() -> None:
    findings = replace(EICAR, parts=PROGRAM.parts, bad_headers=BAD_HEADER.bad_headers)
    edits = decide(case(virus_lover=True, banned_files_lover=True), findings).edits

    assert [name for name, _ in edits.prepend].count("X-Amavis-Alert") == 3


def test_who_bypasses_the_virus_check_gets_no_word_about_it() -> None:
    """BB-9, L-1."""
    found = fields(EICAR, bypass_virus_checks=True)

    assert not {"X-Virus-Scanned", "X-Postern-Unscanned", "X-Amavis-Alert"} & set(found)


@pytest.mark.parametrize(
    ("findings", "rest", "why"),
    [
        (NO_SCANNER, {"scanner_failure_destiny": Destiny.PASS}, "virus scan failed"),
        (Findings(), {}, "no virus scan"),
        (unchecked("encrypted"), {"unchecked_lover": True}, "encrypted"),
        (unchecked("limits"), {"unchecked_destiny": Destiny.PASS}, "over limits"),
        (replace(CLEAN, spam=None, spam_failure="x"), {"spam_failure_destiny": Destiny.PASS}, "spam scan failed"),
    ],
)  # fmt: skip
def test_unscanned_mail_says_why_and_never_claims_a_scan(
    findings: Findings, rest: dict[str, Any], why: str
) -> None:
    """Z-1."""
    found = fields(findings, **rest)

    assert found["X-Postern-Unscanned"] == why
    assert ("X-Virus-Scanned" in found) == (findings.viruses is not None)


TAGS = {
    "virus_subject_tag": "[virus] ",
    "unchecked_subject_tag": "[unchecked] ",
    "spam_subject_tag3": "[spam3] ",
    "spam_subject_tag2": "[spam2] ",
    "spam_subject_tag": "[spam] ",
}


@pytest.mark.parametrize(
    ("findings", "rest", "expected"),
    [
        (EICAR, {"virus_lover": True}, "[virus] "),
        (unchecked("limits"), {"unchecked_lover": True}, "[unchecked] "),
        (scored(10), {"spam_lover": True}, "[spam2] "),
        (scored(10), {"spam_lover": True, "spam_tag3_level": 10.0}, "[spam3] "),
        (scored(10), {"spam_lover": True, "spam_subject_tag2": ""}, "[spam] "),
        (scored(1), {}, "[spam] "),
        (scored(1), {"spam_tag_level": 2.0}, ""),
        (PROGRAM, {"banned_files_lover": True}, "[spam] "),
        (scored(10), {"bypass_spam_checks": True}, ""),
        (EICAR, {"virus_lover": True, "virus_subject_tag": " "}, "[spam] "),
    ],
)
def test_the_tag_of_the_highest_category_that_has_one(
    findings: Findings, rest: dict[str, Any], expected: str
) -> None:
    """T-8."""
    assert tag(findings, **(TAGS | rest)) == expected


def test_macros_in_a_tag_are_filled_in() -> None:
    """T-8."""
    text = "_YESNO_ _YESNOCAPS_ _SCORE_/_REQD_ _HOSTNAME_ _MAILID_ _LOGID_ _DATE_ _OTHER_"

    assert tag(scored(10), spam_lover=True, spam_subject_tag2=text) == (
        f"Yes YES 10/6.3 {HOST} {MAIL_ID} {MAIL_ID} Sun, 01 Mar 2026 12:00:00 +0000 _OTHER_"
    )


def test_forged_fields_from_outside_are_gone_and_ours_stand_once() -> None:
    """BB-5, BB-6, T-7, Z-11."""
    forged = [
        "X-Spam-Flag: NO", "X-Spam-Flag: NO", "X-Spam-Status: No", "X-Spam-Level: ", "X-Spam-Score: -9", "X-Spam-Report: x",
        "X-Spam-Tests: x", "X-Spam-Checker-Version: x", "X-Amavis-Alert: x", "X-Amavis-Hold: x", "X-Quarantine-ID: <x>",
        "X-Postern-Unscanned: x", f"X-Virus-Scanned: Postern at {HOST}", f"Authentication-Results: {HOST}; spf=pass",
    ]  # fmt: skip
    kept = [
        "X-Virus-Scanned: by another",
        "Authentication-Results: other.example; spf=pass",
        "Subject: x",
    ]
    octets = "\r\n".join([*forged, *kept, "", "body"]).encode()

    delivered = edited_header(
        parse(octets), decide(case(spam_lover=True), scored(10, ("A", 10.0))).edits
    )

    lines = delivered.decode().split("\r\n")
    assert lines[-5:-2] == kept
    assert [line for line in lines if line.startswith("X-Spam-Flag")] == ["X-Spam-Flag: YES"]
    assert not {"X-Amavis-Alert: x", "X-Quarantine-ID: <x>", "X-Amavis-Hold: x"} & set(lines)
    assert len(lines) == len(set(lines)) + 1  # the empty line and the end


def test_hostile_names_do_not_break_out_of_a_field() -> None:
    """S2."""
    evil = Virus("a\r\nX-Evil: 1\x00ü" + "x" * 3000, "clamd")
    edits = decide(case(virus_lover=True), replace(EICAR, viruses=(evil,))).edits

    header = edited_header(parse(b"\r\n"), edits)

    assert b"\nX-Evil" not in header
    assert b"\x00" not in header
    assert header.isascii()
    assert all(len(line) < 998 for line in header.split(b"\r\n"))
