"""What a delivered copy is marked with: fields and the subject tag (T-5 to T-8, Z-1, Z-11)."""

import re
from collections.abc import Iterator
from email.utils import format_datetime
from math import floor

from smtpfilter.mail.edits import Edits, header_value
from smtpfilter.policy.settings import NEVER
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.reasons import named, points
from smtpfilter.verdict.seen import Seen
from smtpfilter.verdict.verdict import Case

LONGEST_STATUS = 16000  # characters; folded, so that no line is long
MOST_STARS = 64
LONGEST_TAG = 200  # characters

REMOVED = frozenset(  # T-7, and our own names when they come from outside (Z-11)
    {
        *(f"x-spam-{name}" for name in ("status", "level", "flag", "score", "report", "tests")),
        "x-spam-checker-version",
        "x-amavis-alert",
        "x-amavis-hold",
        "x-quarantine-id",
        "x-postern-unscanned",
    }
)
_MACRO = re.compile(r"_([A-Z]+)_")


def edits(case: Case, seen: Seen, *, keep: bool) -> Edits:
    """Return how this recipient's copy differs from the mail received.

    Local recipients get all of it; others learn only what was scanned and what is dangerous (K-11).
    """
    local = case.policy.local
    return Edits(
        prepend=tuple((name, value) for name, value in _fields(case, seen, local=local, keep=keep)),
        remove=REMOVED,
        remove_claims=frozenset(
            {
                ("x-virus-scanned", _scanned_by(case).lower()),
                ("authentication-results", case.hostname.lower()),  # RFC 8601 5
            }
        ),
        subject_tag=_subject_tag(case, seen) if local else "",
    )


def _scanned_by(case: Case) -> str:
    return f"Postern at {case.hostname}"


def _fields(case: Case, seen: Seen, *, local: bool, keep: bool) -> Iterator[tuple[str, str]]:
    """Yield the fields from the top, in amavisd's order (T-5)."""
    if local and keep:
        yield "X-Quarantine-ID", f"<{case.mail_id}>"
    if seen.scanned:
        yield "X-Virus-Scanned", header_value(_scanned_by(case))
    unscanned = _unscanned(case, seen)
    if unscanned:
        yield "X-Postern-Unscanned", header_value(unscanned)
    for alert in _alerts(seen):
        yield "X-Amavis-Alert", header_value(alert)
    if local and seen.tag:
        yield from _spam_fields(case, seen)


def _unscanned(case: Case, seen: Seen) -> str:
    reasons = [cause.short for cause in seen.unchecked]
    failed = any(cause.field == "scanner_failure_destiny" for cause in seen.unchecked)
    if not (seen.scanned or failed or case.policy.settings.bypass_virus_checks):
        reasons.insert(0, "no virus scan")
    return ", ".join(dict.fromkeys(reasons))


def _alerts(seen: Seen) -> Iterator[str]:
    if seen.viruses:
        yield f"INFECTED, message contains virus: {named(virus.name for virus in seen.viruses)}"
    if seen.banned:
        yield f"BANNED, message contains {named(reason for _, reason in seen.banned)}"
    if seen.bad_headers:
        yield f"BAD HEADER SECTION, {seen.bad_headers[0].text}"


def _spam_fields(case: Case, seen: Seen) -> Iterator[tuple[str, str]]:
    yield "X-Spam-Flag", "YES" if seen.tag2 else "NO"
    if seen.score is not None or case.sender.black or case.sender.white:
        shown = _shown_score(case, seen.score or 0.0)
        yield "X-Spam-Score", points(shown)
        yield "X-Spam-Level", "*" * max(0, min(MOST_STARS, floor(shown)))
    yield "X-Spam-Status", header_value(_status(case, seen), LONGEST_STATUS)


def _shown_score(case: Case, score: float) -> float:
    """Return the score as shown: trusted senders never look bad, blocked ones never good (T-5)."""
    if case.sender.white:
        return min(0.0, score)
    return max(float(MOST_STARS), score) if case.sender.black else score


def _status(case: Case, seen: Seen) -> str:
    """Return the text of X-Spam-Status (T-6); levels that are never reached are left out."""
    settings = case.policy.settings
    score = "x" if seen.score is None else points(seen.score)
    words = [f"{'Yes' if seen.tag2 else 'No'}, score={score}"]
    levels = (("tagged_above", settings.spam_tag_level), ("required", settings.spam_tag2_level))
    words += [f"{name}={points(level)}" for name, level in levels if level not in (None, NEVER)]
    listed = "WHITELISTED " if case.sender.white else "BLACKLISTED " if case.sender.black else ""
    tests = [f"AM.WBL={points(case.sender.points)}"] if case.sender.points else []
    rules = seen.scored.rules if seen.scored else ()
    tests += [f"{rule.name}={points(rule.points)}" for rule in rules]
    autolearn = (seen.scored.autolearn if seen.scored else "") or "unavailable"
    return f"{' '.join(words)} {listed}tests=[{', '.join(tests)}] autolearn={autolearn}"


def _subject_tag(case: Case, seen: Seen) -> str:
    """Return the tag of the highest category that has one, with its macros filled in (T-8)."""
    settings = case.policy.settings
    texts = (
        (Category.VIRUS in seen.categories, settings.virus_subject_tag),
        (Category.UNCHECKED in seen.categories, settings.unchecked_subject_tag),
        (seen.tag3, settings.spam_subject_tag3),
        (seen.tag2, settings.spam_subject_tag2),
        (seen.tag, settings.spam_subject_tag),
    )
    text = next((text for there, text in texts if there and text and text.strip()), "")
    return _filled(text, case, seen) if text else ""


def _filled(text: str, case: Case, seen: Seen) -> str:
    score = "x" if seen.score is None else points(seen.score)
    values = {
        "SCORE": score,
        "REQD": points(case.policy.settings.spam_tag2_level or 0.0),
        "YESNO": "Yes" if seen.tag2 else "No",
        "YESNOCAPS": "YES" if seen.tag2 else "NO",
        "HOSTNAME": case.hostname,
        "DATE": format_datetime(case.now),
        "LOGID": str(case.mail_id),
        "MAILID": str(case.mail_id),
    }
    filled = _MACRO.sub(lambda macro: values.get(macro[1], macro[0]), text)
    return "".join(c if c.isprintable() else " " for c in filled)[:LONGEST_TAG]
