"""From outcomes to replies: the F-1 table and who is told by a notice (F-1, F-2, F-6, N-1, O-5;
BB-19 to BB-22).
"""

# ruff: noqa: E501 - one row of a table is one line

from dataclasses import replace
from itertools import combinations

import pytest

from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.reply import Reply
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.decide import decide
from smtpfilter.verdict.outcome import Outcome, Settlement
from smtpfilter.verdict.reply import needs_notice, settle_lmtp, settle_smtp
from smtpfilter.verdict.verdict import Verdict
from tests.unit.builders import CLEAN, MAIL_ID, case, envelope, recipient

RELAY = "smtp:[127.0.0.1]:10026"
QUEUED = Reply(250, "2.0.0", "Ok: queued as 4abc")
# letter -> (outcome, reply, blocked by a category of ours)
ENDS = {
    "p": (Outcome.DELIVERED, QUEUED, None),
    "d": (Outcome.DISCARDED, Reply(250, "2.7.0", "Ok, discarded"), Category.SPAM),
    "h": (Outcome.HELD, Reply(250, "2.7.0", "Ok, discarded"), Category.SPAM),
    "b": (Outcome.BOUNCED, Reply(250, "2.5.0", f"Ok, id={MAIL_ID}, BOUNCE"), Category.SPAM),
    "r": (Outcome.REJECTED, Reply(554, "5.7.0", "Reject"), Category.SPAM),
    "n": (Outcome.REJECTED, Reply(550, "5.1.1", "No such user"), None),
    "t": (Outcome.DEFERRED, Reply(450, "4.2.0", "Mailbox busy"), None),
}


def ended(letters: str) -> tuple[Envelope, list[Verdict], dict[bytes, Settlement]]:
    addresses = [f"{letter}{n}@example.com" for n, letter in enumerate(letters)]
    verdicts, settled = [], {}
    for letter, address in zip(letters, addresses, strict=True):
        outcome, reply, blocked_by = ENDS[letter]
        verdicts.append(replace(decide(case(address), CLEAN), blocked_by=blocked_by))
        settled[address.encode()] = Settlement(outcome, reply, RELAY)
    return envelope(*addresses), verdicts, settled


def smtp(letters: str) -> str:
    return str(settle_smtp(*ended(letters)))


def told(letters: str, **envelope_rest: object) -> list[str]:
    sent, verdicts, settled = ended(letters)
    sent = replace(sent, **envelope_rest)  # type: ignore[arg-type]
    return [str(r.address)[0] for r in needs_notice(sent, verdicts, settled)]


PASSED = f"250 2.0.0 from MTA({RELAY}): 250 2.0.0 Ok: queued as 4abc"


@pytest.mark.parametrize(
    ("letters", "reply"),
    [
        ("p", PASSED),
        ("pp", PASSED),
        ("d", "250 2.7.0 Ok, discarded"),
        ("h", "250 2.7.0 Ok, discarded"),
        ("hd", "250 2.7.0 Ok, discarded"),
        ("b", f"250 2.5.0 Ok, id={MAIL_ID}, BOUNCE"),
        ("r", "554 5.7.0 Reject"),
        ("rr", "554 5.7.0 Reject"),
        ("n", f"550 5.1.1 id={MAIL_ID} - Rejected by next-hop MTA on relaying, from MTA({RELAY}): 550 5.1.1 No such user"),
        ("rn", "554 5.7.0 Reject"),
        ("pd", f"{PASSED}, but 1 DISCARD"),
        ("hpp", f"{PASSED}, but 1 DISCARD"),
        ("pb", f"{PASSED}, but 1 BOUNCE"),
        ("pr", f"{PASSED}, but 1 REJECT"),
        ("pn", f"{PASSED}, but 1 REJECT"),
        ("pdbr", f"{PASSED}, but 1 BOUNCE, and 1 REJECT, and 1 DISCARD"),
        ("db", f"250 2.5.0 Ok, id={MAIL_ID}, 1 BOUNCE, and 1 DISCARD"),
        ("dr", f"250 2.5.0 Ok, id={MAIL_ID}, 1 REJECT, and 1 DISCARD"),
        ("hhn", f"250 2.5.0 Ok, id={MAIL_ID}, 1 REJECT, and 2 DISCARD"),
        ("br", f"250 2.5.0 Ok, id={MAIL_ID}, 1 BOUNCE, and 1 REJECT"),
        ("t", "450 4.2.0 Mailbox busy"),
    ],
)  # fmt: skip
def test_one_reply_for_all_on_smtp_input(letters: str, reply: str) -> None:
    """F-1, BB-19; X-9 is not copied: who is discarded never shows up in a 5xx."""
    assert smtp(letters) == reply


@pytest.mark.parametrize(
    "letters", ["".join(chosen) for size in range(6) for chosen in combinations("pdhbrn", size)]
)
def test_any_4xx_is_the_answer_for_the_whole(letters: str) -> None:
    """O-5, BB-20."""
    assert smtp(f"{letters}t") == "450 4.2.0 Mailbox busy"
    assert told(f"{letters}t") == []


def test_each_recipient_has_its_own_reply_on_lmtp_input() -> None:
    """F-2, BB-27; a recipient named twice hears the same twice."""
    sent, _, settled = ended("prt")
    doubled = replace(sent, recipients=(*sent.recipients, sent.recipients[1]), protocol="LMTP")

    assert [str(reply) for reply in settle_lmtp(doubled, settled)] == [
        "250 2.0.0 Ok: queued as 4abc",
        "554 5.7.0 Reject",
        "450 4.2.0 Mailbox busy",
        "554 5.7.0 Reject",
    ]


@pytest.mark.parametrize(
    ("letters", "who"),
    [
        ("p", []), ("pd", []), ("r", []), ("rr", []), ("n", []), ("rn", []), ("h", []),
        ("pr", ["r"]), ("pn", ["n"]), ("hr", ["r"]), ("dn", ["n"]), ("prnd", ["r", "n"]),
    ],
)  # fmt: skip
def test_refusals_are_told_by_a_notice_only_where_no_reply_can_tell_them(
    letters: str, who: list[str]
) -> None:
    """BB-21, BB-22, F-6."""
    assert told(letters) == who


def test_nobody_is_told_on_lmtp_input_or_at_the_null_sender() -> None:
    assert told("prn", protocol="LMTP") == []
    assert told("prn", mail_from=recipient("").address) == []


@pytest.mark.parametrize(
    ("notify", "wanted"),
    [((), True), (("FAILURE",), True), (("SUCCESS", "FAILURE"), True), (("NEVER",), False), (("DELAY",), False)],
)  # fmt: skip
def test_who_asked_for_no_failure_notice_gets_none(notify: tuple[str, ...], wanted: bool) -> None:
    """N-1, BB-61."""
    sent, verdicts, settled = ended("pn")
    verdicts[1] = replace(verdicts[1], recipient=replace(verdicts[1].recipient, notify=notify))

    assert bool(needs_notice(sent, verdicts, settled)) is wanted


def test_no_notice_that_would_be_backscatter() -> None:
    sent, verdicts, settled = ended("pr")
    verdicts[1] = replace(verdicts[1], suppressed="bulk mail")

    assert needs_notice(sent, verdicts, settled) == ()
