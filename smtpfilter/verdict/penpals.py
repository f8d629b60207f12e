"""Pen pals: mail from somebody whom the recipient wrote to loses points, the fewer the longer ago
that was (PP-1).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from smtpfilter.mail.findings import Findings
from smtpfilter.policy.site import PenPalTerms
from smtpfilter.verdict.seen import look
from smtpfilter.verdict.verdict import Case, PenPal

HALFLIVES = 8  # after so many the bonus is not worth looking for


def may_profit(terms: PenPalTerms, cases: Sequence[Case], findings: Findings) -> tuple[Case, ...]:
    """Return the cases for whom own mail to the sender is looked for: () where the site gives no
    bonus, where it could change nothing, or where the sender's address is probably not his.
    """
    if terms.bonus <= 0 or findings.infections or any(map(_is_doubtful, cases)):
        return ()
    scored = [
        (case, score)
        for case in cases
        if _could_answer(case) and (score := look(case, findings).score) is not None
    ]
    if not scored or not _matters(terms, scored):
        return ()
    return tuple(case for case, _ in scored)


def oldest(terms: PenPalTerms, now: datetime) -> datetime:
    """Return since when own mail is worth a bonus."""
    return now - timedelta(days=terms.halflife_days * HALFLIVES)


def with_pen_pal(case: Case, written_at: datetime | None, terms: PenPalTerms) -> Case:
    """Return `case` with what it is worth that the recipient wrote to the sender then."""
    if written_at is None:
        return case
    age = max(case.now - written_at, timedelta(0))
    halflives = age / timedelta(days=terms.halflife_days)
    return replace(case, pen_pal=PenPal(age, round(-terms.bonus * 2**-halflives, 3)))


def _is_doubtful(case: Case) -> bool:
    """Tell whether the sender claims what is not his: a local domain from outside, or a domain that
    DMARC says is forged.
    """
    if case.authentication is not None and case.authentication.dmarc == "fail":
        return True
    return case.sender_local and not case.origin.originating


def _could_answer(case: Case) -> bool:
    """Tell whether the recipient is one of ours, and somebody else than the sender."""
    return case.policy.local and case.recipient.address.canonical != case.mail_from.canonical


def _matters(terms: PenPalTerms, scored: Sequence[tuple[Case, float]]) -> bool:
    """Tell whether the scores are such that own mail is looked for; a bounce always is worth it."""
    scores = [score for _, score in scored]
    bounce = not scored[0][0].mail_from.octets
    if max(scores) < terms.threshold_low and not bounce:
        return False
    return terms.threshold_high is None or min(scores) - terms.bonus <= terms.threshold_high
