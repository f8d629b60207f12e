"""From outcomes to replies: the F-1 table and who is told by a notice (F-1, F-2, F-5, F-6, N-1,
O-5; BB-19 to BB-22).
"""

# ruff: noqa: E501 - one row of a table is one line

from dataclasses import replace
from itertools import combinations, permutations

import pytest

from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.reply import Reply
from smtpfilter.policy.destiny import Destiny
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.decide import decide
from smtpfilter.verdict.outcome import Outcome, Settlement
from smtpfilter.verdict.reply import bounced, settle_lmtp, settle_smtp, told_of, waits_for_notice
from smtpfilter.verdict.verdict import Verdict
from tests.unit.builders import ANN, CLEAN, MAIL_ID, case, envelope, scored

RELAY = "smtp:[127.0.0.1]:10026"
QUEUED = Reply(250, "2.0.0", "Ok: queued as 4abc")
SUPPRESSED = "DISCARD(bounce.suppressed)"
# letter -> (outcome, reply, blocked by a category of ours); "s" is a bounce that is not told
ENDS = {
    "p": (Outcome.DELIVERED, QUEUED, None),
    "d": (Outcome.DISCARDED, Reply(250, "2.7.0", "Ok, discarded"), Category.SPAM),
    "h": (Outcome.HELD, Reply(250, "2.7.0", "Ok, discarded"), Category.SPAM),
    "b": (Outcome.BOUNCED, Reply(250, "2.5.0", f"Ok, id={MAIL_ID}, BOUNCE"), Category.SPAM),
    "s": (Outcome.HELD, Reply(250, "2.5.0", f"Ok, id={MAIL_ID}, {SUPPRESSED}"), Category.SPAM),
    "r": (Outcome.REJECTED, Reply(554, "5.7.0", "Reject"), Category.SPAM),
    "n": (Outcome.REJECTED, Reply(550, "5.1.1", "No such user"), None),
    "t": (Outcome.DEFERRED, Reply(450, "4.2.0", "Mailbox busy"), None),
}


def ended(letters: str) -> tuple[Envelope, list[Verdict], dict[bytes, Settlement]]:
    addresses = [f"{letter}{n}@example.com" for n, letter in enumerate(letters)]
    verdicts, settled = [], {}
    for letter, address in zip(letters, addresses, strict=True):
        outcome, reply, blocked_by = ENDS[letter]
        destiny = Destiny.BOUNCE if letter in "bs" else Destiny.PASS
        suppressed = "faked sender" if letter == "s" else ""
        verdict = decide(case(address), CLEAN)
        verdicts.append(
            replace(verdict, blocked_by=blocked_by, destiny=destiny, suppressed=suppressed)
        )
        settled[address.encode()] = Settlement(outcome, reply, RELAY)
    return envelope(*addresses), verdicts, settled


def smtp(letters: str) -> str:
    return str(settle_smtp(*ended(letters)))


def told(letters: str, **envelope_rest: object) -> str:
    sent, verdicts, settled = ended(letters)
    sent = replace(sent, **envelope_rest)  # type: ignore[arg-type]
    return "".join(str(one.recipient.address)[0] for one in told_of(sent, verdicts, settled))


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
        ("s", f"250 2.5.0 Ok, id={MAIL_ID}, {SUPPRESSED}"),
        ("ss", f"250 2.5.0 Ok, id={MAIL_ID}, {SUPPRESSED}"),
        ("ps", f"{PASSED}, but 1 {SUPPRESSED}"),
        ("bbs", f"250 2.5.0 Ok, id={MAIL_ID}, 2 BOUNCE, and 1 {SUPPRESSED}"),
        ("sdr", f"250 2.5.0 Ok, id={MAIL_ID}, 1 {SUPPRESSED}, and 1 REJECT, and 1 DISCARD"),
        ("t", "450 4.2.0 Mailbox busy"),
    ],
)  # fmt: skip
def test_one_reply_for_all_on_smtp_input(letters: str, reply: str) -> None:
    """F-1, BB-19; X-9 is not copied: who is discarded never shows up in a 5xx."""
    assert smtp(letters) == reply


@pytest.mark.parametrize(
    "letters", ["".join(chosen) for size in range(6) for chosen in combinations("pdhbrns", size)]
)
def test_any_4xx_is_the_answer_for_the_whole(letters: str) -> None:
    """O-5, BB-20."""
    assert smtp(f"{letters}t") == "450 4.2.0 Mailbox busy"
    assert told(f"{letters}t") == ""


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


ACCEPTED = f"250 2.5.0 Ok, id={MAIL_ID}"
MIXES = {
    "pdbr": (f"{PASSED}, but 1 BOUNCE, and 1 REJECT, and 1 DISCARD", "br"),
    "pdb": (f"{PASSED}, but 1 BOUNCE, and 1 DISCARD", "b"),
    "pdr": (f"{PASSED}, but 1 REJECT, and 1 DISCARD", "r"),
    "pbr": (f"{PASSED}, but 1 BOUNCE, and 1 REJECT", "br"),
    "dbr": (f"{ACCEPTED}, 1 BOUNCE, and 1 REJECT, and 1 DISCARD", "br"),
    "pd": (f"{PASSED}, but 1 DISCARD", ""),
    "pb": (f"{PASSED}, but 1 BOUNCE", "b"),
    "pr": (f"{PASSED}, but 1 REJECT", "r"),
    "db": (f"{ACCEPTED}, 1 BOUNCE, and 1 DISCARD", "b"),
    "dr": (f"{ACCEPTED}, 1 REJECT, and 1 DISCARD", "r"),
    "br": (f"{ACCEPTED}, 1 BOUNCE, and 1 REJECT", "br"),
    "p": (PASSED, ""),
    "d": ("250 2.7.0 Ok, discarded", ""),
    "b": (f"{ACCEPTED}, BOUNCE", "b"),
    "r": ("554 5.7.0 Reject", ""),
}


@pytest.mark.parametrize("letters", MIXES)
def test_all_mixes_of_four_destinies(letters: str) -> None:
    """F-1, BB-19, X-9: the fifteen subsets, in any order of the recipients, and who is told."""
    expected, who = MIXES[letters]

    for order in permutations(letters):
        assert smtp("".join(order)) == expected
        assert sorted(told("".join(order))) == sorted(who)


@pytest.mark.parametrize(
    ("letters", "who"),
    [
        ("r", ""), ("rr", ""), ("n", ""), ("rn", ""), ("h", ""), ("s", ""),
        ("pn", "n"), ("hr", "r"), ("dn", "n"), ("prnd", "rn"), ("sr", "r"), ("bs", "b"),
    ],
)  # fmt: skip
def test_refusals_are_told_by_a_notice_only_where_no_reply_can_tell_them(
    letters: str, who: str
) -> None:
    """BB-21, BB-22, F-5, F-6."""
    assert told(letters) == who


def test_on_lmtp_input_only_a_bounce_is_told() -> None:
    """N-1.2: refusals have replies of their own there; a 4xx for one holds no other up."""
    assert told("prnbt", protocol="LMTP") == "b"


@pytest.mark.parametrize(
    ("notify", "wanted"),
    [((), True), (("FAILURE",), True), (("SUCCESS", "FAILURE"), True), (("NEVER",), False), (("DELAY",), False)],
)  # fmt: skip
def test_who_asked_for_no_failure_notice_gets_none(notify: tuple[str, ...], wanted: bool) -> None:
    """N-1.3, BB-61."""
    sent, verdicts, settled = ended("pn")
    verdicts[1] = replace(verdicts[1], recipient=replace(verdicts[1].recipient, notify=notify))

    assert bool(told_of(sent, verdicts, settled)) is wanted


@pytest.mark.parametrize(
    ("notify", "dsn", "suppressed", "wanted"),
    [
        ((), False, "", False),
        (("SUCCESS",), False, "", True),
        (("SUCCESS", "FAILURE"), False, "", True),
        (("SUCCESS",), True, "", False),
        (("SUCCESS",), False, "faked sender", False),
        (("FAILURE",), False, "", False),
        (("NEVER",), False, "", False),
    ],
)
def test_success_is_told_where_it_was_asked_for_and_the_next_hop_does_not(
    notify: tuple[str, ...], dsn: bool, suppressed: str, wanted: bool
) -> None:
    """N-1.4, N-1.5, BB-61: also while others of the message are deferred."""
    sent, verdicts, settled = ended("pt")
    there = replace(verdicts[0].recipient, notify=notify)
    verdicts[0] = replace(verdicts[0], recipient=there, suppressed=suppressed)
    path = there.address.octets
    settled[path] = replace(settled[path], dsn=dsn)

    assert bool(told_of(sent, verdicts, settled)) is wanted


def test_a_sender_of_ours_is_told_of_held_mail() -> None:
    """N-1.7."""
    sent, verdicts, settled = ended("hd")
    verdicts = [replace(verdict, tell_discard=True) for verdict in verdicts]

    assert len(told_of(sent, verdicts, settled)) == 2


def test_no_notice_that_would_be_backscatter() -> None:
    sent, verdicts, settled = ended("pr")
    verdicts[1] = replace(verdicts[1], suppressed="bulk mail")

    assert told_of(sent, verdicts, settled) == ()


@pytest.mark.parametrize(
    ("protocol", "suppressed", "text"),
    [
        ("ESMTP", "", f"250 2.5.0 Ok, id={MAIL_ID}, BOUNCE"),
        ("ESMTP", "faked sender", f"250 2.5.0 Ok, id={MAIL_ID}, DISCARD(bounce.suppressed)"),
        (
            "LMTP",
            "",
            f"250 2.5.0 Ok <{ANN}>, DSN was sent (554 5.7.0 Bounce, id={MAIL_ID} - spam)",
        ),
        ("LMTP", "faked sender", f"250 2.5.0 Ok <{ANN}>, DSN suppressed (faked sender)"),
    ],
)
def test_what_is_answered_for_a_bounce(protocol: str, suppressed: str, text: str) -> None:
    """F-1, F-2, F-5."""
    verdict = decide(case(spam_destiny=Destiny.BOUNCE), scored(10))
    verdict = replace(verdict, suppressed=suppressed)

    assert str(bounced(envelope(protocol=protocol), verdict)) == text


@pytest.mark.parametrize(
    ("letters", "smtp_waits", "lmtp_waits"),
    [("p", False, False), ("r", True, False), ("n", True, False), ("b", True, True), ("h", False, False)],
)  # fmt: skip
def test_which_ends_wait_until_the_sender_was_told(
    letters: str, smtp_waits: bool, lmtp_waits: bool
) -> None:
    """N-4."""
    sent, (verdict,), settled = ended(letters)
    (end,) = settled.values()

    assert waits_for_notice(sent, verdict, end) is smtp_waits
    assert waits_for_notice(replace(sent, protocol="LMTP"), verdict, end) is lmtp_waits
    told_discard = replace(verdict, tell_discard=True)
    assert waits_for_notice(sent, told_discard, end) is (smtp_waits or letters == "h")
