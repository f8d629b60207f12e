"""Who is told of a message: its sender (N-1, N-2), administrators (N-5), recipients (N-6)."""

# ruff: noqa: E501 - one row of a table is one line

from dataclasses import replace
from typing import Any

import pytest

from smtpfilter.mail.findings import Authentication, Findings, Virus
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import BanRule, Origin, SenderMatch
from smtpfilter.verdict.decide import decide
from smtpfilter.verdict.telling import ARTICLE_VIRUSES, fakes_sender
from smtpfilter.verdict.verdict import Case
from tests.unit.builders import (
    ANN,
    BAD_HEADER,
    CLEAN,
    EICAR,
    INBOUND,
    OSCAR,
    OURS,
    PROGRAM,
    case,
    scored,
    unchecked,
)

BOUNCE, REJECT, PASS, TEMPFAIL = Destiny.BOUNCE, Destiny.REJECT, Destiny.PASS, Destiny.TEMPFAIL
LOGGED_IN = Origin(originating=True, authenticated=True)
BLACK = SenderMatch(black=True, why=("B.",))
FORGED = replace(CLEAN, authentication=Authentication(dmarc="fail", dmarc_policy="reject"))
BOUNCED = {
    "virus_destiny": BOUNCE,
    "spam_destiny": BOUNCE,
    "banned_destiny": BOUNCE,
    "dmarc_reject_destiny": BOUNCE,
}


@pytest.mark.parametrize(
    ("findings", "rest", "why"),
    [
        (scored(10), BOUNCED, ""),
        (PROGRAM, BOUNCED, ""),
        # 3 and 6: nobody to tell, or not asked for.
        (EICAR, BOUNCED | {"mail_from": ""}, "null sender"),
        (CLEAN, {"mail_from": ""}, "null sender"),
        (scored(10), BOUNCED | {"notify": ("NEVER",)}, "not asked for"),
        (scored(10), BOUNCED | {"notify": ("SUCCESS", "DELAY")}, "not asked for"),
        (scored(10), BOUNCED | {"notify": ("FAILURE",)}, ""),
        (CLEAN, {"notify": ("SUCCESS",)}, ""),
        # 7: discarded mail, but for a sender of ours.
        (scored(10), {}, "discarded"),
        (scored(10), {"origin": OURS}, ""),
        (scored(10), {"origin": Origin(authenticated=True)}, ""),
        (scored(10), {"origin": OURS, "tell_credible_sender": False}, "discarded"),
        # 8: whose name stands there did not send it.
        (EICAR, BOUNCED, "faked sender"),
        (EICAR, {"virus_destiny": PASS}, "faked sender"),
        (EICAR, BOUNCED | {"viruses_that_fake_sender": ""}, ""),
        (EICAR, BOUNCED | {"viruses_that_fake_sender": "klez, eicar"}, "faked sender"),
        (EICAR, BOUNCED | {"viruses_that_fake_sender": "article"}, ""),
        (EICAR, BOUNCED | {"origin": OURS}, "faked sender"),
        (EICAR, BOUNCED | {"origin": OURS, "sender_local": True}, ""),
        (EICAR, BOUNCED | {"origin": LOGGED_IN}, ""),
        (EICAR, BOUNCED | {"sender_local": True}, "faked sender"),
        (EICAR, {"origin": OURS, "sender_local": True}, ""),
        (FORGED, BOUNCED, "doubtful sender"),
        (FORGED, BOUNCED | {"origin": OURS}, ""),
        # 9 and 10: cut-offs at exact equality, and blocked senders.
        (scored(10), BOUNCED | {"spam_dsn_cutoff_level": 10.0}, "score"),
        (scored(9.999), BOUNCED | {"spam_dsn_cutoff_level": 10.0}, ""),
        (scored(10), BOUNCED | {"spam_dsn_cutoff_level": 10.0, "origin": OURS}, ""),
        (scored(20), BOUNCED | {"spam_crediblefrom_dsn_cutoff_level": 20.0, "origin": OURS}, "score"),
        (scored(20), BOUNCED | {"spam_crediblefrom_dsn_cutoff_level": 20.0}, ""),
        (scored(1), BOUNCED | {"sender": BLACK}, "blocked sender"),
        (scored(1), BOUNCED | {"sender": replace(BLACK, white=True)}, ""),
        # 11: bulk and list mail, where anything at all was found.
        (PROGRAM, BOUNCED | {"bulk": True}, "bulk mail"),
        (BAD_HEADER, {"bulk": True}, "bulk mail"),
        (CLEAN, {"bulk": True}, ""),
        # The order: the first reason is the one that is named.
        (EICAR, BOUNCED | {"bulk": True, "sender": BLACK}, "faked sender"),
        (scored(10), BOUNCED | {"bulk": True, "sender": BLACK, "spam_dsn_cutoff_level": 1.0}, "score"),
        (EICAR, {"notify": ("NEVER",)}, "not asked for"),
    ],
)  # fmt: skip
def test_why_the_sender_is_told_nothing(findings: Findings, rest: dict[str, Any], why: str) -> None:
    """N-1 in its order, N-2; BB-28, BB-29, BB-61; T-3: the credible sender's level is his own."""
    assert decide(case(**rest), findings).suppressed == why


def test_a_proven_sender_has_the_credible_level_but_is_not_told_of_viruses() -> None:
    """T-3: DKIM or SPF shows whose mail it is, not that he meant to send it."""
    proven = replace(case(**BOUNCED, spam_dsn_cutoff_level=5.0), proven=True)

    assert decide(proven, scored(10)).suppressed == ""
    assert decide(proven, EICAR).suppressed == "faked sender"


def test_a_silent_ban_rule_tells_nobody() -> None:
    """B-5, N-1.8."""
    loud, silent = BanRule(r"\.pdf$"), BanRule(r"\.exe$", silent=True)
    made = case(**BOUNCED)

    assert decide(replace(made, ban_rules=(silent,)), PROGRAM).suppressed == "silent ban rule"
    assert decide(replace(made, ban_rules=(loud,)), PROGRAM).suppressed == ""


@pytest.mark.parametrize(
    ("findings", "rest", "told"),
    [
        (scored(10), {}, False),
        (scored(10), {"origin": OURS}, True),
        (EICAR, {"origin": OURS}, False),
        (EICAR, {"origin": OURS, "sender_local": True}, True),
        (scored(10), {"origin": OURS, "tell_credible_sender": False}, False),
        (scored(10), {"origin": OURS, "notify": ("NEVER",)}, False),
        (scored(10), {"origin": OURS, "spam_destiny": BOUNCE}, False),
        (CLEAN, {"origin": OURS}, False),
        (scored(10), {"origin": OURS, "bulk": True}, False),
    ],
)
def test_a_sender_of_ours_learns_of_mail_that_is_held(
    findings: Findings, rest: dict[str, Any], told: bool
) -> None:
    """N-1.7."""
    assert decide(case(**rest), findings).tell_discard is told


@pytest.mark.parametrize(
    ("setting", "virus", "fakes"),
    [
        ("all", "anything", True),
        ("", "anything", False),
        (" , ", "anything", False),
        ("article", "W32/Klez-H", True),
        ("article", "Trojan.Dropper.B", True),
        ("article", "Eicar", False),
        ("article, eicar", "EICAR-Test", True),
        ("sobig,  Net", "Worm.NetSky", True),
        ("netsky", "Worm.Sobig", False),
        ("article", "Article", False),
        ("net sky", "Worm.Net", False),
    ],
)
def test_which_viruses_fake_their_sender(setting: str, virus: str, fakes: bool) -> None:
    """N-1.8: names are looked for anywhere, case-blind; the article's sixteen are a preset."""
    assert fakes_sender(virus, case(viruses_that_fake_sender=setting)) is fakes
    assert len(ARTICLE_VIRUSES) == 16


ADMINS = {
    f"{what}_admin": f"{what}@example.com"
    for what in ("virus", "newvirus", "banned", "spam", "bad_header", "unchecked")
}


def ordered(made: Case, findings: Findings) -> list[str]:
    return [f"{order.kind} {order.to}" for order in decide(made, findings).notices]


@pytest.mark.parametrize(
    ("findings", "rest", "kinds"),
    [
        (CLEAN, {}, []),
        (EICAR, {}, ["virus_admin", "newvirus_admin"]),
        (PROGRAM, {}, ["banned_admin"]),
        (unchecked("encrypted"), {}, ["unchecked_admin"]),
        (scored(10), {}, ["spam_admin"]),
        (BAD_HEADER, {}, ["bad_header_admin"]),
        # Passed mail, too; but nobody is told of mail that comes again.
        (EICAR, {"virus_lover": True}, ["virus_admin", "newvirus_admin"]),
        (scored(10), {"spam_destiny": PASS}, ["spam_admin"]),
        (EICAR, {"virus_destiny": TEMPFAIL}, []),
        # C-6: the blocking category chooses, where there is one, else the main one.
        (replace(scored(10), viruses=EICAR.viruses), {"virus_lover": True}, ["spam_admin", "newvirus_admin"]),
        (replace(scored(7), bad_headers=BAD_HEADER.bad_headers), {"spam_kill_level": 9.0}, ["bad_header_admin"]),
        (CLEAN, {"size_bytes": 70000, "message_size_limit": 1}, []),
        # L-1: who does not look, hears nothing.
        (EICAR, {"bypass_virus_checks": True}, []),
        # T-2: the administrator's cut-off, at exact equality.
        (scored(20), {"spam_notifyadmin_cutoff_level": 20.0}, []),
        (scored(19.999), {"spam_notifyadmin_cutoff_level": 20.0}, ["spam_admin"]),
        (scored(1), {"sender": BLACK, "spam_notifyadmin_cutoff_level": 20.0}, []),
        (scored(1), {"sender": BLACK}, ["spam_admin"]),
        (EICAR, {"spam_notifyadmin_cutoff_level": -100.0}, ["virus_admin", "newvirus_admin"]),
    ],
)  # fmt: skip
def test_which_administrator_is_told(
    findings: Findings, rest: dict[str, Any], kinds: list[str]
) -> None:
    """N-5."""
    made = case(**ADMINS | rest)

    assert ordered(made, findings) == [f"{kind} {ADMINS[kind]}" for kind in kinds]


def test_administrators_are_addresses_by_comma_each_once() -> None:
    written = (
        " Root@Example.com,, root@example.com , nobody, @example.com, a b\x01@x, two@example.org"
    )

    made = case(virus_admin=written, notice_language="de")
    assert ordered(made, EICAR) == ["virus_admin root@example.com", "virus_admin two@example.org"]
    assert {order.language for order in decide(made, EICAR).notices} == {"de"}
    assert ordered(case(virus_admin="\udcff@x"), EICAR) == []


def test_an_order_about_new_viruses_names_them() -> None:
    found = (Virus("A", "one"), Virus("B", "one"), Virus("A", "two"))
    (order,) = decide(case(newvirus_admin="a@example.com"), replace(CLEAN, viruses=found)).notices

    assert order.names == ("A", "B")


WARNINGS = {"warnvirusrecip": True, "warnbannedrecip": True, "warnbadhrecip": True}


@pytest.mark.parametrize(
    ("findings", "rest", "kind"),
    [
        (EICAR, {}, "warnvirusrecip"),
        (PROGRAM, {}, "warnbannedrecip"),
        (BAD_HEADER, {}, "warnbadhrecip"),
        (EICAR, {"virus_lover": True}, "warnvirusrecip"),
        (scored(10), {}, ""),
        (CLEAN, {}, ""),
        (EICAR, {"warnvirusrecip": False}, ""),
        (EICAR, {"bypass_virus_checks": True}, ""),
        (EICAR, {"text": OSCAR}, ""),
        (EICAR, {"mail_from": ""}, ""),
        (EICAR, {"bulk": True}, "warnvirusrecip"),
        (replace(scored(10), bad_headers=BAD_HEADER.bad_headers), {}, ""),
        (replace(scored(10), bad_headers=BAD_HEADER.bad_headers), {"spam_lover": True}, "warnbadhrecip"),
    ],
)  # fmt: skip
def test_when_a_recipient_is_warned(findings: Findings, rest: dict[str, Any], kind: str) -> None:
    """N-6: local recipients only, and not of a bounce, which may be about a notice."""
    made = case(**WARNINGS | {"text": ANN, "origin": INBOUND} | rest)

    assert ordered(made, findings) == ([f"{kind} {ANN}"] if kind else [])


def test_what_is_not_set_names_nobody_and_no_language() -> None:
    """N-1, N-5: as an import may leave it."""
    made = case(virus_admin="a@x.example", warnvirusrecip=True, notice_language="de")
    languages = {order.language for order in decide(made, EICAR).notices}
    assert languages == {"de"}
    names = ("viruses_that_fake_sender", "newvirus_admin", "notice_language")
    none = replace(made.policy.settings, **dict.fromkeys(names))
    made = replace(made, policy=replace(made.policy, settings=none))
    told = decide(made, EICAR).notices
    assert {(order.kind, order.language) for order in told} == {
        ("virus_admin", "en"), ("warnvirusrecip", "en")
    }  # fmt: skip
    assert not fakes_sender("XXXX", made)
