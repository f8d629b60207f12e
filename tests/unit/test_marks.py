"""What delivered copies are marked with (T-5 to T-8, Z-1, Z-11; BB-1 to BB-6)."""

# ruff: noqa: E501 - one row of a table is one line

from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest
from authres import AuthenticationResultsHeader
from hypothesis import example, given
from hypothesis import strategies as st

from smtpfilter.mail.edits import edited_header
from smtpfilter.mail.findings import (
    Authentication,
    BadHeader,
    Findings,
    Rule,
    Signature,
    SpamReport,
    Unchecked,
    Virus,
)
from smtpfilter.mail.message import parse
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import SenderMatch
from smtpfilter.policy.settings import NEVER
from smtpfilter.verdict.decide import decide
from smtpfilter.verdict.verdict import Case
from tests.unit.builders import (
    ANN,
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
TAGS = {
    "virus_subject_tag": "[virus] ",
    "unchecked_subject_tag": "[unchecked] ",
    "spam_subject_tag3": "[spam3] ",
    "spam_subject_tag2": "[spam2] ",
    "spam_subject_tag": "[spam] ",
}
WHITE, BLACK = SenderMatch(white=True), SenderMatch(black=True)


def fields(findings: Findings, **rest: Any) -> dict[str, str]:
    return dict(decide(case(**rest), findings).edits.prepend)


def fields_of(given_case: Case, findings: Findings = CLEAN) -> dict[str, str]:
    return dict(decide(given_case, findings).edits.prepend)


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
    """BB-3, BB-4, T-2, W-5."""
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


def test_tests_of_ours_come_first_also_where_the_engine_scored_nothing() -> None:
    """T-6: AM.* pseudo tests."""
    spoofed = replace(CLEAN, spam=None)
    found = fields(spoofed, sender=SenderMatch(points=-2.5))

    assert found["X-Spam-Status"] == (
        "No, score=-2.5 tagged_above=-999 required=6.3 tests=[AM.WBL=-2.5] autolearn=unavailable"
    )


@pytest.mark.parametrize("word", ["ham", "spam", "no", "unavailable", "disabled", "failed", ""])
def test_what_was_learnt_is_told(word: str) -> None:
    """T-6."""
    status = fields(scored(1, autolearn=word))["X-Spam-Status"]

    assert status.endswith(f"] autolearn={word or 'unavailable'}")


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
            "BANNED, message contains program: application/pdf,.exe-ms,a.exe",
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
    """T-5, H-2, H-4: of complaints about the header section the first; no tag for them."""
    findings = replace(EICAR, parts=PROGRAM.parts, bad_headers=BAD_HEADER.bad_headers)
    edits = decide(case(virus_lover=True, banned_files_lover=True), findings).edits

    alerts = [value.split(",")[0] for name, value in edits.prepend if name == "X-Amavis-Alert"]
    assert alerts == ["INFECTED", "BANNED", "BAD HEADER SECTION"]


def test_a_bad_header_section_is_alerted_and_nothing_else() -> None:
    """H-2, H-4: delivered with the first complaint and no tag; H-5, Z-14: no copy is kept."""
    two = replace(BAD_HEADER, bad_headers=(*BAD_HEADER.bad_headers, BadHeader(8, "Duplicate")))
    verdict = decide(case(bad_header_destiny=Destiny.PASS, **TAGS | {"spam_subject_tag": ""}), two)

    assert dict(verdict.edits.prepend)["X-Amavis-Alert"] == (
        "BAD HEADER SECTION, Missing required header field: Date"
    )
    assert verdict.edits.subject_tag == ""
    assert not verdict.keep


AUTHENTICATION = Authentication(
    spf="pass",
    spf_domain="remote.example",
    signatures=(Signature("remote.example", "s1", "pass"), Signature("x.example", "s", "fail", "bad hash")),
    from_domain="remote.example",
    dmarc="pass",
)  # fmt: skip
RESULTS = (
    "filter.example.com; spf=pass smtp.mailfrom=remote.example;"
    " dkim=pass header.d=remote.example header.s=s1;"
    ' dkim=fail reason="bad hash" header.d=x.example header.s=s;'
    " dmarc=pass header.from=remote.example"
)


def authenticated_case(text: str = ANN, **rest: Any) -> Case:
    return replace(case(text, **rest), authentication=AUTHENTICATION)


def test_all_fields_in_their_order() -> None:
    """T-5: the whole list; BB-9: the lover's copy names the copy that is held."""
    findings = replace(
        EICAR,
        parts=PROGRAM.parts,
        bad_headers=BAD_HEADER.bad_headers,
        unchecked=(Unchecked("limits", "more than 1500 files"),),
        spam=SpamReport(7.0, (Rule("HTML", 7.0, "HTML in it"),), "no"),
    )
    lover = {
        "virus_lover": True,
        "banned_files_lover": True,
        "spam_lover": True,
        "unchecked_lover": True,
    }
    allowed = {"allowed_added_header_fields": "all, X-Spam-Report"}

    edits = decide(authenticated_case(**lover, **allowed), findings).edits

    assert [name for name, _ in edits.prepend] == [
        "X-Amavis-Hold",
        "X-Quarantine-ID",
        "X-Virus-Scanned",
        "X-Postern-Unscanned",
        "X-Amavis-Alert",
        "X-Amavis-Alert",
        "X-Amavis-Alert",
        "X-Spam-Flag",
        "X-Spam-Score",
        "X-Spam-Level",
        "X-Spam-Status",
        "X-Spam-Report",
        "Authentication-Results",
    ]
    assert edits.traced
    found = dict(edits.prepend)
    assert found["X-Amavis-Hold"] == (
        "Could not be looked into, over limits: more than 1500 files."
    )
    assert found["X-Quarantine-ID"] == f"<{MAIL_ID}>"
    assert found["X-Spam-Report"] == "* 7 HTML HTML in it"


def test_outsiders_get_hold_scan_and_alerts_only() -> None:
    """T-5, K-11."""
    findings = replace(EICAR, unchecked=(Unchecked("limits", "x"),))
    edits = decide(
        authenticated_case(OSCAR, virus_lover=True, unchecked_lover=True), findings
    ).edits

    assert [name for name, _ in edits.prepend] == [
        "X-Amavis-Hold",
        "X-Virus-Scanned",
        "X-Postern-Unscanned",
        "X-Amavis-Alert",
    ]
    assert edits.traced


@pytest.mark.parametrize(
    ("allowed", "names", "traced", "tagged"),
    [
        (
            "all",
            {"X-Virus-Scanned", "X-Spam-Flag", "X-Spam-Score", "X-Spam-Level", "X-Spam-Status"},
            True,
            True,
        ),
        (
            "ALL,",
            {"X-Virus-Scanned", "X-Spam-Flag", "X-Spam-Score", "X-Spam-Level", "X-Spam-Status"},
            True,
            True,
        ),
        ("", set(), False, False),
        ("x-spam-flag,  X-SPAM-REPORT", {"X-Spam-Flag", "X-Spam-Report"}, False, False),
        ("Subject", set(), False, True),
        ("Received subject", set(), True, True),
    ],
)
def test_only_allowed_fields_are_added(
    allowed: str, names: set[str], traced: bool, tagged: bool
) -> None:
    """T-5: a name switches its field on, the subject's tag and the trace included."""
    settings = {"spam_subject_tag": "[spam] ", "allowed_added_header_fields": allowed}
    edits = decide(case(**settings), scored(1, ("A", 1.0))).edits

    assert {name for name, _ in edits.prepend} == names
    assert edits.traced is traced
    assert (edits.subject_tag != "") is tagged


def test_what_authentication_gave_is_written_down() -> None:
    """RFC 8601 2.2: it can be read again."""
    value = fields_of(authenticated_case())["Authentication-Results"]

    assert value == RESULTS
    read = AuthenticationResultsHeader.parse_value(value)
    assert read.authserv_id == HOST
    assert [(result.method, result.result) for result in read.results] == [
        ("spf", "pass"), ("dkim", "pass"), ("dkim", "fail"), ("dmarc", "pass")
    ]  # fmt: skip


def test_nothing_is_written_where_nothing_was_asked() -> None:
    assert "Authentication-Results" not in fields_of(case())


@pytest.mark.parametrize(
    ("authentication", "mail_from", "value"),
    [
        (Authentication(), "a@b.example", "spf=none; dkim=none; dmarc=none"),
        (
            Authentication(spf="fail", spf_domain="mx.example"),
            "",
            "spf=fail smtp.helo=mx.example; dkim=none; dmarc=none",
        ),
        (
            Authentication(from_domain="a.example", dmarc="fail", dmarc_policy="reject"),
            "a@b.example",
            "spf=none; dkim=none; dmarc=fail header.from=a.example policy.dmarc=reject",
        ),
        (
            Authentication(from_domain="a.example", dmarc="pass", dmarc_policy="reject"),
            "a@b.example",
            "spf=none; dkim=none; dmarc=pass header.from=a.example",
        ),
    ],
)
def test_each_method_is_told(authentication: Authentication, mail_from: str, value: str) -> None:
    """RFC 8601 2.7; of the null sender SPF is asked for HELO (RFC 7208 2.4)."""
    given_case = replace(case(mail_from=mail_from), authentication=authentication)

    assert fields_of(given_case)["Authentication-Results"] == f"{HOST}; {value}"


@given(st.text(max_size=50), st.text(max_size=200))
@example("a", 'x@y; "dmarc=pass\\')
def test_no_domain_or_reason_breaks_out_of_the_results(name: str, reason: str) -> None:
    """P6: what the sender wrote stays one value."""
    signature = Signature(name, name, "fail", reason)
    found = Authentication(spf_domain=name, from_domain=name, signatures=(signature,) * 30)

    value = fields_of(replace(case(), authentication=found))["Authentication-Results"]

    read = AuthenticationResultsHeader.parse_value(value)
    assert [result.method for result in read.results] == ["spf", *["dkim"] * 20, "dmarc"]
    assert all(result.result in ("none", "fail") for result in read.results)


@pytest.mark.parametrize("asked", [True, False])
def test_results_that_name_nobody_go_where_we_ask_ourselves(asked: bool) -> None:
    """T-7."""
    given_case = authenticated_case() if asked else case()

    assert decide(given_case, CLEAN).edits.remove_nameless is asked


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
    text = "_YESNO_ _YESNOCAPS_ _SCORE_/_REQD_ _HOSTNAME_ _MAILID_ _LOGID_ _DATE_ _U_ _OTHER_"

    assert tag(scored(10), spam_lover=True, spam_subject_tag2=text) == (
        f"Yes YES 10/6.3 {HOST} {MAIL_ID} {MAIL_ID}"
        " Sun, 01 Mar 2026 12:00:00 +0000 20260301T120000Z _OTHER_"
    )
    assert tag(scored(1), spam_subject_tag="_YESNO_ _YESNOCAPS_ _SCORE_") == "No NO 1"
    assert tag(EICAR, virus_lover=True, virus_subject_tag="_SCORE__REQD_") == "x6.3"


@pytest.mark.parametrize(
    ("prefix", "text", "expected"),
    [
        ("[OLE] ", "_SUBJPREFIX_[junk] ", "[OLE] [junk] "),
        ("", "_SUBJPREFIX_[junk] ", "[junk] "),
        ("", "_SUBJPREFIX_ ", ""),
        ("a\r\nX-Evil: 1\u202e", "_SUBJPREFIX_", "a  X-Evil: 1 "),
        ("x" * 300, "_SUBJPREFIX_", "x" * 200),
    ],
)
def test_the_rules_may_have_a_word_in_the_tag(prefix: str, text: str, expected: str) -> None:
    """T-8: _SUBJPREFIX_; a tag of blanks is none, whatever makes it so."""
    findings = replace(CLEAN, spam=SpamReport(10.0, subject_prefix=prefix))

    assert tag(findings, spam_lover=True, spam_subject_tag2=text) == expected


def test_a_prefix_needs_a_score() -> None:
    assert tag(EICAR, virus_lover=True, virus_subject_tag="_SUBJPREFIX_x") == "x"


OTHERS = [
    "X-Spam-Flag: NO", "X-Spam-Flag: NO", "X-Spam-Status: No", "X-Spam-Level: ", "X-Spam-Score: -9", "X-Spam-Report: x",
    "X-Spam-Tests: x", "X-Spam-Checker-Version: x",
]  # fmt: skip
FORGED = [
    "X-Amavis-Alert: x", "X-Amavis-Hold: x", "x-amavis-PenPals: x", "X-Quarantine-ID: <x>", "X-POSTERN-Unscanned: x",
    "X-Postern-Anything: x", f"X-Virus-Scanned: Postern at {HOST}", f"Authentication-Results: {HOST}; spf=pass",
    f'Authentication-Results: (c) "{HOST.upper()}" 1; spf=pass',
]  # fmt: skip
KEPT = ["X-Spam: 1", "X-Amavis: 1", "Authentication-Results: other.example; spf=pass", "Subject: x"]
SCANNED_BY_OTHERS = "X-Virus-Scanned: by another"


def left(findings: Findings, **settings: Any) -> list[str]:
    """Return the lines of a header section full of foreign and forged fields that are delivered."""
    octets = "\r\n".join([*OTHERS, *FORGED, SCANNED_BY_OTHERS, *KEPT, "", "body"]).encode()
    delivered = edited_header(parse(octets), decide(case(**settings), findings).edits)
    return delivered.decode().split("\r\n")


def test_forged_fields_from_outside_are_gone_and_ours_stand_once() -> None:
    """BB-5, BB-6, T-7, Z-11."""
    lines = left(scored(10, ("A", 10.0)), spam_lover=True)

    assert lines[-7:] == [SCANNED_BY_OTHERS, *KEPT, "", ""]
    assert [line for line in lines if line.startswith("X-Spam-Flag")] == ["X-Spam-Flag: YES"]
    assert not set(FORGED[:6]) & set(lines)
    assert len(lines) == len(set(lines)) + 1  # the empty line and the end


@pytest.mark.parametrize("who", [ANN, OSCAR])
def test_ours_are_removed_whatever_the_policy_says(who: str) -> None:
    """T-7, Z-11: fields of others are the policy's to keep, for local recipients or not."""
    nothing_added = {"text": who, "allowed_added_header_fields": ""}

    kept = left(CLEAN, remove_existing_spam_headers=False, **nothing_added)
    assert kept == [*OTHERS, SCANNED_BY_OTHERS, *KEPT, "", ""]

    removed = left(CLEAN, remove_existing_x_scanned_headers=True, **nothing_added)
    assert removed == [*KEPT, "", ""]


def test_hostile_names_do_not_break_out_of_a_field() -> None:
    """S2."""
    evil = Virus("a\r\nX-Evil: 1\x00ü" + "x" * 3000, "clamd")
    edits = decide(case(virus_lover=True), replace(EICAR, viruses=(evil,))).edits

    header = edited_header(parse(b"\r\n"), edits)

    assert b"\nX-Evil" not in header
    assert b"\x00" not in header
    assert header.isascii()
    assert all(len(line) < 998 for line in header.split(b"\r\n"))


def test_long_lists_of_rules_are_told_whole() -> None:
    """T-6: folded, so that no line is long; 16000 characters at most."""
    many = [(f"RULE_{n:04}", 0.01) for n in range(2000)]
    short = fields(scored(1.0, *many[:200]), allowed_added_header_fields="all X-Spam-Report")
    assert short["X-Spam-Status"].count("RULE_") == short["X-Spam-Report"].count("RULE_") == 200
    assert short["X-Spam-Report"].startswith("* 0.01 RULE_0000  * 0.01 RULE_0001 ")
    long = fields(scored(1.0, *many), allowed_added_header_fields="all X-Spam-Report")
    assert len(long["X-Spam-Status"]) == len(long["X-Spam-Report"]) == 16000


def test_many_signatures_are_told_whole() -> None:
    """RFC 8601: no result is cut in half by the length of a usual field."""
    one = Signature("d" * 60 + ".example", "s" * 60, "fail", "r" * 300 + "@")
    found = Authentication(signatures=(one,) * 20)
    value = fields_of(replace(case(), authentication=found))["Authentication-Results"]
    assert value.count("dkim=fail") == 20
    assert f"reason={'r' * 100} header.d" in value
    assert value.endswith("dmarc=none")


def test_a_name_in_results_has_the_characters_of_names() -> None:
    odd = Authentication(signatures=(Signature("a b;c" + "d" * 300, "s", "fail", "a@b"),))
    value = fields_of(replace(case(), authentication=odd))["Authentication-Results"]
    assert f"header.d=a_b_c{'d' * 248} " in value
    assert 'reason="a?b" ' in value


def test_no_virus_scan_is_the_first_word_about_what_was_not_scanned() -> None:
    """Z-1."""
    findings = replace(unchecked("encrypted"), viruses=None)
    shown = fields(findings, unchecked_destiny="pass")["X-Postern-Unscanned"]
    assert shown == "no virus scan, encrypted"


@pytest.mark.parametrize(
    ("sender", "score", "level"), [(BLACK, "64", "*" * 64), (WHITE, "0", ""), (None, None, None)]
)
def test_a_listed_sender_has_a_score_where_nothing_was_scored(
    sender: SenderMatch | None, score: str | None, level: str | None
) -> None:
    """T-5."""
    found = fields(replace(CLEAN, spam=None), sender=sender, spam_lover=True, spam_tag_level=-999.0)
    assert (found.get("X-Spam-Score"), found.get("X-Spam-Level")) == (score, level)


def test_a_level_of_nothing_is_told_as_zero_in_a_tag() -> None:
    made = case(spam_subject_tag="_REQD_ _U_")
    none = replace(made.policy.settings, spam_tag2_level=None)
    later = made.now.astimezone(timezone(timedelta(hours=5)))
    made = replace(made, policy=replace(made.policy, settings=none), now=later)
    assert decide(made, scored(1)).edits.subject_tag == "0 20260301T120000Z"


def test_without_allowed_names_nothing_is_added() -> None:
    """T-5."""
    made = case()
    none = replace(made.policy.settings, allowed_added_header_fields=None)
    edits = decide(replace(made, policy=replace(made.policy, settings=none)), CLEAN).edits
    assert (edits.prepend, edits.traced) == ((), False)


def test_a_score_of_nothing_is_shown_as_zero() -> None:
    """T-5."""
    found = fields(scored(0.0), spam_tag_level=-999.0)
    assert (found["X-Spam-Score"], found["X-Spam-Level"]) == ("0", "")
