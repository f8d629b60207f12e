"""What notices may say of a message: complete, visible, bounded (2(t))."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from smtpfilter.mail.envelope import Client
from smtpfilter.mail.findings import BadHeader, Findings, Rule, SpamReport, Unchecked, Virus
from smtpfilter.mail.message import parse
from smtpfilter.mail.reply import Reply
from smtpfilter.verdict.decide import decide
from smtpfilter.verdict.facts import (
    FACTS,
    MOST_SHOWN,
    message_facts,
    recipient_fact,
    shown_score,
    shown_time,
    told_facts,
)
from smtpfilter.verdict.outcome import Outcome, Settlement
from smtpfilter.verdict.told import Told
from tests.unit.builders import ANN, BOB, HOST, MAIL_ID, PROGRAM, case, envelope

LETTER = (
    b"From: =?utf-8?q?J=C3=BCrgen?= <j@remote.example>\r\nTo: ann@example.com\r\n"
    b"Subject: =?utf-8?q?two=0Alines?=\r\nDate: Sun, 1 Mar 2026\r\nX-Mailer: Mail 1.0\r\n"
    b"Message-ID: <1@remote.example>\r\nX-Folded: a\r\n\tb\r\n\r\nbody\r\n"
)
FOUND = Findings(
    viruses=(Virus("Eicar", "clamd"), Virus("Eicar", "sophie")),
    spam=SpamReport(5.25, (Rule("A", 5.0), Rule("B", 0.25))),
    bad_headers=(BadHeader(7, "no Date"),),
    unchecked=(Unchecked("encrypted", "a.zip"),),
)


def facts(octets: bytes = LETTER, findings: Findings = FOUND, **client: str) -> dict[str, object]:
    sent = replace(envelope(ANN), client=Client(**client))
    return message_facts(sent, parse(octets), findings, size_bytes=99, hostname=HOST)


def test_a_message_is_described() -> None:
    found = facts(address="192.0.2.1", name="mx.remote.example", helo="mx")
    assert found.keys() == FACTS.keys()
    expected = {
        "hostname": HOST,
        "mail_id": str(MAIL_ID),
        "received_at": "2026-03-01 12:00:00 UTC",
        "sender": "sender@remote.example",
        "header_from": "Jürgen <j@remote.example>",
        "header_to": "ann@example.com",
        "header_date": "Sun, 1 Mar 2026",
        "subject": "two lines",
        "message_id": "<1@remote.example>",
        "user_agent": "Mail 1.0",
        "size_bytes": 99,
        "client": "mx.remote.example [192.0.2.1]",
        "helo": "mx",
        "protocol": "ESMTP",
        "viruses": ["Eicar"],
        "scanners": ["clamd", "sophie"],
        "bad_headers": ["no Date"],
        "unchecked": ["a.zip"],
        "score": "5.25",
        "rules": [{"name": "A", "points": "5.0"}, {"name": "B", "points": "0.25"}],
    }
    assert {name: found[name] for name in expected} == expected
    assert found["header"][-2:] == ["X-Folded: a", "\tb"]  # type: ignore[index]


def test_what_is_unknown_is_empty() -> None:
    found = facts(b"\r\n", Findings())
    empty = {name for name, value in found.items() if value == FACTS[name]}
    assert FACTS.keys() - empty == {
        "hostname", "mail_id", "received_at", "sender", "size_bytes", "protocol",
    }  # fmt: skip


def test_a_null_sender_and_control_characters_are_shown() -> None:
    """P6."""
    sent = envelope(ANN, mail_from="")
    found = message_facts(
        sent, parse(b"Subject: a\x00b\x1b\r\n\r\n"), FOUND, size_bytes=1, hostname=HOST
    )
    assert found["sender"] == ""
    assert found["subject"] == "a\ufffdb\ufffd"
    assert found["header"] == ["Subject: a\ufffdb\ufffd"]


@pytest.mark.parametrize(
    "octets",
    [b"X: " + b"x" * 20_000 + b"\r\n\r\n", b"A: 1\r\n" + b"B: 2\r\n" * 600 + b"\r\n"],
    ids=["long", "many"],
)
def test_the_header_section_ends_somewhere(octets: bytes) -> None:
    header = facts(octets)["header"]
    assert isinstance(header, list)
    assert header[-1] == "[...]"
    assert len(header) <= 501


def told(text: str = ANN, **settings: str) -> Told:
    verdict = decide(case(text, **settings), PROGRAM)
    return Told(verdict, Settlement(Outcome.BOUNCED, Reply(250, "2.5.0", "Ok")))


def test_those_of_whom_the_sender_is_told_are_described() -> None:
    """N-3; nothing of a recipient's settings goes to the sender."""
    found = told_facts((told(),), MAIL_ID, FOUND)
    (one,) = found["recipients"]
    assert (one["address"], one["action"], one["outcome"]) == (ANN, "failed", "bounced")
    assert one["reply"].startswith("554 5.7.")
    assert one["banned"] == found["banned"] != []
    assert one["reasons"] == []
    assert found["more_recipients"] == 0


def test_a_thousand_recipients_are_not_all_listed() -> None:
    found = told_facts(tuple(told() for _ in range(MOST_SHOWN + 7)), MAIL_ID, FOUND)
    assert len(found["recipients"]) == MOST_SHOWN
    assert found["more_recipients"] == 7


def test_a_recipient_is_described_in_lines() -> None:
    one = recipient_fact(
        address="a\nb", category="virus", outcome="held", reply="250\r\nOk", reasons=("x\ny",) * 2
    )
    assert (one["address"], one["reply"], one["reasons"]) == ("a b", "250 Ok", ["x y"])


@pytest.mark.parametrize(
    ("score", "shown"),
    [(None, ""), (0.0, "0.0"), (5.0, "5.0"), (6.3, "6.3"), (-1.125, "-1.125"), (1000.0, "1000.0")],
)
def test_scores_have_one_to_three_decimals(score: float | None, shown: str) -> None:
    assert shown_score(score) == shown


def test_times_are_shown_in_utc() -> None:
    assert shown_time(datetime(2026, 3, 1, tzinfo=UTC)) == "2026-03-01 00:00:00 UTC"


OWN = {"sa_userconf": "sql:", "sa_username": "x"}


@pytest.mark.parametrize(
    ("recipients", "score"),
    [
        ((told(),), "5.25"),
        ((told(**OWN),), "9.0"),
        ((told(), told(BOB)), "5.25"),
        ((told(), told(BOB, **OWN)), ""),
        ((told(**OWN | {"sa_username": "y"}),), ""),
    ],
)
def test_the_score_in_a_notice_is_that_of_those_whom_it_is_about(
    recipients: tuple[Told, ...], score: str
) -> None:
    """S-1: nobody reads what somebody else's preferences made of the mail."""
    findings = replace(FOUND, spam_for={"x": SpamReport(9.0, preferences="x")})

    facts = told_facts(recipients, MAIL_ID, findings)
    assert facts["score"] == score
    assert bool(facts["rules"]) == (score == "5.25")


def test_a_sign_of_spam_is_no_virus_in_a_notice() -> None:
    """V-4."""
    assert facts(findings=Findings(viruses=(Virus("Phish", "clamd", 0.1),)))["viruses"] == []


def test_of_two_names_of_a_program_the_first_counts() -> None:
    assert facts(b"User-Agent: A\r\nX-Mailer: B\r\n\r\n")["user_agent"] == "A"


def test_a_recipient_has_all_his_facts() -> None:
    """2(t)."""
    one = recipient_fact(address="a", category="spam", outcome="held", reply="r", score=6.25)
    assert one == {
        "address": "a", "category": "spam", "outcome": "held", "action": "", "reply": "r",
        "reasons": [], "score": "6.25", "banned": [],
    }  # fmt: skip
    (told_one,) = told_facts((told(),), MAIL_ID, FOUND)["recipients"]
    assert told_one["category"] == "banned"
    assert str(MAIL_ID) in told_one["reply"]


def test_values_and_lists_are_bounded() -> None:
    """P6."""
    many = tuple(Unchecked("encrypted", f"{n}") for n in range(150))
    found = facts(b"Subject: " + b"x" * 3000 + b"\r\n\r\n", replace(FOUND, unchecked=many))
    assert len(str(found["subject"])) == 1000
    assert found["unchecked"] == [f"{n}" for n in range(100)]


@pytest.mark.parametrize(
    ("fields", "lines", "ends"),
    [
        ([b"A: 1\r\n"] * 500, 500, False),
        ([b"A: 1\r\n"] * 501, 501, True),
        ([b"A: " + b"x" * 7995 + b"\r\n"] * 2, 2, False),
        ([b"A: " + b"x" * 7995 + b"\r\n", b"A: " + b"x" * 7996 + b"\r\n"], 2, True),
        ([b"A: b \r\n"], 1, False),
    ],
)
def test_the_header_section_is_shown_in_whole_fields(
    fields: list[bytes], lines: int, ends: bool
) -> None:
    """At most 500 lines and 16000 octets; a line of 4000 characters."""
    header = facts(b"".join(fields) + b"\r\n")["header"]
    assert isinstance(header, list)
    assert (len(header), header[-1] == "[...]") == (lines, ends)
    assert header[0] == fields[0].decode().rstrip("\r\n")[:4000]


def test_times_of_elsewhere_are_shown_in_utc() -> None:
    east = datetime(2026, 3, 1, 5, tzinfo=timezone(timedelta(hours=5)))
    assert shown_time(east) == "2026-03-01 00:00:00 UTC"
