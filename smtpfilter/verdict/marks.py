"""What a delivered copy is marked with: fields and the subject tag (T-5 to T-8, Z-1, Z-11).

The Received field belongs to the copy, not to the recipient: mail/trace.py makes it.
"""

import re
from collections.abc import Iterator
from datetime import UTC, timedelta
from email.utils import format_datetime
from math import floor

from smtpfilter.mail.edits import Edits, header_value
from smtpfilter.policy.settings import NEVER, PolicySettings
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.reasons import named, points
from smtpfilter.verdict.results import authentication_results
from smtpfilter.verdict.seen import Seen
from smtpfilter.verdict.verdict import Case

LONGEST_STATUS = 16000  # characters; folded, so that no line is long
MOST_STARS = 64
LONGEST_TAG = 200  # characters

# T-7: what other filters say about spam.
SPAM_FIELDS = frozenset(
    f"x-spam-{name}"
    for name in ("status", "level", "flag", "score", "report", "tests", "checker-version")
)
# Z-11: our own names, when they come from outside.
OWN_FIELDS = frozenset({"x-quarantine-id"})
OWN_BEGINNINGS = ("x-amavis-", "x-postern-")

_OVER_LIMITS = "unchecked_limits_destiny"
_ON_REQUEST = frozenset({"x-spam-report"})  # added where they are named, not by `all`
_MACRO = re.compile(r"_([A-Z]+)_")


def edits(case: Case, seen: Seen, *, keep: bool) -> Edits:
    """Return how this recipient's copy differs from the mail received; `keep`: one is quarantined.

    Local recipients get all of it; others learn only what was scanned and what is dangerous (K-11).
    """
    settings, local = case.policy.settings, case.policy.local
    allowed = settings.allowed_added_header_fields or ""
    fields = _fields(case, seen, local=local, keep=keep)
    return Edits(
        prepend=tuple((name, value) for name, value in fields if _may_add(allowed, name)),
        remove=_removed(settings),
        remove_beginnings=OWN_BEGINNINGS,
        remove_claims=frozenset(
            {
                ("x-virus-scanned", _scanned_by(case).lower()),
                ("authentication-results", case.hostname.lower()),  # RFC 8601 5
            }
        ),
        remove_nameless=case.authentication is not None,
        subject_tag=_subject_tag(case, seen) if local and _may_add(allowed, "Subject") else "",
        traced=_may_add(allowed, "Received"),
    )


def _may_add(allowed: str, name: str) -> bool:
    """Tell whether the policy lets us add fields of this name (T-5)."""
    names = allowed.lower().replace(",", " ").split()
    return name.lower() in names or ("all" in names and name.lower() not in _ON_REQUEST)


def _removed(settings: PolicySettings) -> frozenset[str]:
    """Return the names of fields that do not survive, whoever wrote them (T-7)."""
    spam = SPAM_FIELDS if settings.remove_existing_spam_headers else frozenset()
    scanned = {"x-virus-scanned"} if settings.remove_existing_x_scanned_headers else set()
    return OWN_FIELDS | spam | scanned


def _scanned_by(case: Case) -> str:
    return f"Postern at {case.hostname}"


def _fields(case: Case, seen: Seen, *, local: bool, keep: bool) -> Iterator[tuple[str, str]]:
    """Yield the fields from the top, in amavisd's order (T-5)."""
    hold = next((cause for cause in seen.unchecked if cause.field == _OVER_LIMITS), None)
    if hold:
        yield "X-Amavis-Hold", header_value(hold.sentence)
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
    if local and case.pen_pal:
        yield "X-Amavis-PenPals", f"age {_interval(case.pen_pal.age)}"
    if local and case.authentication:
        results = authentication_results(
            case.hostname, case.authentication, null_sender=not case.mail_from.octets
        )
        yield "Authentication-Results", header_value(results, LONGEST_STATUS)


def _interval(age: timedelta) -> str:
    """Return "7 0:05:59": days, hours, minutes, seconds, as amavisd writes it."""
    minutes, seconds = divmod(age.seconds, 60)
    return f"{age.days} {minutes // 60}:{minutes % 60:02}:{seconds:02}"


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
        yield f"BANNED, message contains {named(ban.reason for ban in seen.banned)}"
    if seen.bad_headers:
        yield f"BAD HEADER SECTION, {seen.bad_headers[0].text}"


def _spam_fields(case: Case, seen: Seen) -> Iterator[tuple[str, str]]:
    yield "X-Spam-Flag", "YES" if seen.tag2 else "NO"
    if seen.score is not None or case.sender.black or case.sender.white:
        shown = _shown_score(case, seen.score or 0.0)
        yield "X-Spam-Score", points(shown)
        yield "X-Spam-Level", "*" * max(0, min(MOST_STARS, floor(shown)))
    yield "X-Spam-Status", header_value(_status(case, seen), LONGEST_STATUS)
    if seen.scored and seen.scored.rules:
        rows = (f"* {points(r.points)} {r.name} {r.description}" for r in seen.scored.rules)
        yield "X-Spam-Report", header_value(" ".join(rows), LONGEST_STATUS)


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
    rules = seen.scored.rules if seen.scored else ()
    scores = [*seen.adjustments, *((rule.name, rule.points) for rule in rules)]
    tests = [f"{name}={points(added)}" for name, added in scores]
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
    filled = _filled(text, case, seen)
    return filled if filled.strip() else ""


def _filled(text: str, case: Case, seen: Seen) -> str:
    score = "x" if seen.score is None else points(seen.score)
    values = {
        "SCORE": score,
        "REQD": points(case.policy.settings.spam_tag2_level or 0.0),
        "YESNO": "Yes" if seen.tag2 else "No",
        "YESNOCAPS": "YES" if seen.tag2 else "NO",
        "HOSTNAME": case.hostname,
        "DATE": format_datetime(case.now),
        "U": case.now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"),  # ISO 8601, as amavisd writes it
        "SUBJPREFIX": seen.scored.subject_prefix if seen.scored else "",
        "LOGID": str(case.mail_id),
        "MAILID": str(case.mail_id),
    }
    filled = _MACRO.sub(lambda macro: values.get(macro[1], macro[0]), text)
    return "".join(c if c.isprintable() else " " for c in filled[:LONGEST_TAG])
