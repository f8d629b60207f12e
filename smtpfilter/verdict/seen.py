"""Which findings count for one recipient, and which categories they make (L-1, T-1, T-2, C-1,
C-2).

A bypassed check leaves nothing: its findings are not attached to that recipient.  Only here, on the
way to decide(), is a level compared, always with >=.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from smtpfilter.mail.findings import (
    Authentication,
    BadHeader,
    Findings,
    SpamReport,
    Unchecked,
    Virus,
    visible,
)
from smtpfilter.policy.banning import Ban, banned_paths
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.settings import FOLLOWS_UNCHECKED, PolicySettings
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.verdict import Case

SMALLEST_SIZE_LIMIT = 65536  # octets; RFC 5321 4.5.3.1.7 asks every receiver for 64 KiB
WHITE_BONUS = 10.0  # points that a trusted sender is below the tag level (T-2)

# L-3: who looks away from viruses still gets no mail that a program may read in two ways.
_NOT_BYPASSED = ("ambiguous", "failed")
_NO_TEST = re.compile(r"[^!-~]|[,=\[\]]")  # what would end a test's name in X-Spam-Status
_DMARC = {"reject": "dmarc_reject_destiny", "quarantine": "dmarc_quarantine_destiny"}
_KINDS = {
    "encrypted": "encrypted",
    "limits": "over limits",
    "ambiguous": "ambiguous content",
    "undecodable": "undecodable content",
    "failed": "processing failed",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason for UNCHECKED or SPAM: the field with its destiny, a few words for headers and
    replies, a sentence.

    `content`: it lies in the message, so lovers get it; they do not get a failure of ours.
    """

    field: str
    short: str
    sentence: str
    content: bool = True


@dataclass(frozen=True, slots=True)
class Seen:
    """The findings that count for one recipient.

    `scanned`: a virus scanner gave a definite answer that counts here.  `scored`: the spam engine's
    report, None where there is none or the check is bypassed; `score`: with `adjustments`, None
    where unknown.  `adjustments`: (name of a test of ours, points).  `signs`: names that a virus
    scanner gave and that are worth points, where they count (V-4).
    `doubts`: what speaks against the sender being himself; `forged`: those of them that make the
    mail spam for this recipient, whatever its score.
    """

    viruses: tuple[Virus, ...]
    scanned: bool
    banned: tuple[Ban, ...]
    unchecked: tuple[Cause, ...]
    scored: SpamReport | None
    score: float | None
    adjustments: tuple[tuple[str, float], ...]
    signs: tuple[Virus, ...]
    doubts: tuple[Cause, ...]
    forged: tuple[Cause, ...]
    tag: bool
    tag2: bool
    tag3: bool
    kill: bool
    bad_headers: tuple[BadHeader, ...]
    oversized: bool

    @property
    def categories(self) -> tuple[Category, ...]:
        """Return the categories, highest first; CLEAN always is the last."""
        found = {
            Category.VIRUS: self.viruses,
            Category.BANNED: self.banned,
            Category.UNCHECKED: self.unchecked,
            Category.SPAM: self.kill or self.forged,
            Category.SPAMMY: self.tag2,
            Category.BAD_HEADER: self.bad_headers,
            Category.OVERSIZED: self.oversized,
        }
        return (*(category for category, there in found.items() if there), Category.CLEAN)


def look(case: Case, findings: Findings) -> Seen:
    """Return what of `findings` counts for the recipient of `case`."""
    settings = case.policy.settings
    scored = None if settings.bypass_spam_checks else findings.report_for(settings.preferences)
    doubts = () if settings.bypass_spam_checks else _doubts(case, findings.authentication)
    scanned = findings.viruses is not None and not settings.bypass_virus_checks
    signs = findings.signs_of_spam if scanned and not settings.bypass_spam_checks else ()
    adjustments = (*_worst(signs), *_adjustments(case, doubts))
    score = _score(scored, adjustments)
    tag3 = _reached(case, score, settings.spam_tag3_level)
    return Seen(
        viruses=findings.infections if scanned else (),
        scanned=scanned,
        banned=_banned(case, findings),
        unchecked=_unchecked(case, findings),
        scored=scored,
        score=score,
        adjustments=adjustments,
        signs=signs,
        doubts=doubts,
        forged=() if case.sender.white else tuple(_stopping(settings, doubts)),
        tag=_tagged(case, score),
        tag2=tag3 or _reached(case, score, settings.spam_tag2_level),
        tag3=tag3,
        kill=_reached(case, score, settings.spam_kill_level),
        bad_headers=() if settings.bypass_header_checks else findings.bad_headers or (),
        oversized=is_oversized(case),
    )


def _doubts(case: Case, found: Authentication | None) -> tuple[Cause, ...]:
    """Return what speaks against the sender: nothing where nobody asked, or where he is ours."""
    if found is None or case.origin.credible:
        return ()
    doubts = []
    if found.dmarc == "fail" and found.dmarc_policy in _DMARC:
        domain = visible(found.from_domain)
        sentence = f"DMARC fails, and {domain} asks to {found.dmarc_policy} such mail."
        doubts.append(Cause(_DMARC[found.dmarc_policy], "DMARC failure", sentence))
    if case.spoofed:
        sentence = "The author claims a local domain, but the mail came from outside without proof."
        doubts.append(Cause("spoofed_destiny", "spoofed sender", sentence))
    return tuple(doubts)


def _worst(signs: tuple[Virus, ...]) -> tuple[tuple[str, float], ...]:
    """Return the test of the name that is worth most: only that one is added (V-4)."""
    if not signs:
        return ()
    worst = max(signs, key=lambda sign: sign.points or 0.0)
    return ((f"AV:{_NO_TEST.sub('_', worst.name)}", worst.points or 0.0),)


def _adjustments(case: Case, doubts: tuple[Cause, ...]) -> tuple[tuple[str, float], ...]:
    """Return what is added to the engine's score, as tests of ours (T-1, T-6)."""
    settings = case.policy.settings
    names = [doubt.field.removesuffix("_destiny") for doubt in doubts]
    points = [
        ("AM.WBL", 0.0 if settings.bypass_spam_checks else case.sender.points),
        ("AM.PENPAL", case.pen_pal.points if case.pen_pal else 0.0),
        *((f"AM.{name.upper()}", getattr(settings, f"{name}_points") or 0.0) for name in names),
    ]
    return tuple((name, added) for name, added in points if added)


def _stopping(settings: PolicySettings, doubts: Iterable[Cause]) -> Iterator[Cause]:
    return (doubt for doubt in doubts if getattr(settings, doubt.field) is not Destiny.PASS)


def _score(scored: SpamReport | None, adjustments: tuple[tuple[str, float], ...]) -> float | None:
    """Return the recipient's score: points of ours count from 0 where nothing was scored (T-1)."""
    if scored is None and not adjustments:
        return None
    return round((scored.score if scored else 0.0) + sum(added for _, added in adjustments), 3)


def _reached(case: Case, score: float | None, level: float | None) -> bool:
    """Tell whether tag2, tag3 or kill level is reached: never by a trusted sender, always by a
    blocked one (W-5).
    """
    if case.policy.settings.bypass_spam_checks or case.sender.white:
        return False
    return case.sender.black or reaches(score, level)


def _tagged(case: Case, score: float | None) -> bool:
    settings = case.policy.settings
    if settings.bypass_spam_checks:
        return False
    bonus = WHITE_BONUS if case.sender.white else 0.0
    black = case.sender.black and not case.sender.white
    return (
        black
        or settings.spam_tag_level is None
        or reaches((score or 0.0) - bonus, settings.spam_tag_level)
    )


def reaches(score: float | None, level: float | None) -> bool:
    """Tell whether `score` is at or above `level`; what is unknown or never reached is not."""
    return score is not None and level is not None and score >= level


def _banned(case: Case, findings: Findings) -> tuple[Ban, ...]:
    if case.policy.settings.bypass_banned_checks or not findings.parts:
        return ()
    return banned_paths(case.ban_rules, findings.parts)


def _unchecked(case: Case, findings: Findings) -> tuple[Cause, ...]:
    settings = case.policy.settings
    blind = bool(settings.bypass_virus_checks)
    causes = [
        _content_cause(item)
        for item in findings.unchecked
        if not blind or item.kind in _NOT_BYPASSED
    ]
    if findings.scanner_failure and not blind:
        sentence = _sentence("No virus scanner gave an answer", findings.scanner_failure)
        causes.append(
            Cause("scanner_failure_destiny", "virus scan failed", sentence, content=False)
        )
    listed = case.sender.white or case.sender.black  # then the score decides nothing
    failure = findings.spam_failure_for(settings.preferences)
    if failure and not (settings.bypass_spam_checks or listed):
        sentence = _sentence("The spam engine gave no answer", failure)
        causes.append(Cause("spam_failure_destiny", "spam scan failed", sentence, content=False))
    return tuple(causes)


def _content_cause(item: Unchecked) -> Cause:
    own = f"unchecked_{item.kind}_destiny"
    field = own if own in FOLLOWS_UNCHECKED else "unchecked_destiny"
    short = _KINDS.get(item.kind, item.kind)
    return Cause(field, short, _sentence(f"Could not be looked into, {short}", item.text))


def _sentence(what: str, text: str) -> str:
    return f"{what}: {text.rstrip(' .')}."


def is_oversized(case: Case) -> bool:
    """Tell whether the message is larger than the recipient's own limit (T-2)."""
    limit = case.policy.settings.message_size_limit or 0
    return limit > 0 and case.size_bytes > max(limit, SMALLEST_SIZE_LIMIT)
