"""The decision: what happens to one message for one recipient (L-1 to L-4, C-1 to C-4, T-1, T-2,
W-5).

Daemon, screens, command line and replay all call decide(); there is no second copy that could
drift.
"""

from dataclasses import dataclass

from smtpfilter.errors import MailLoop
from smtpfilter.mail.edits import Edits
from smtpfilter.mail.findings import Findings
from smtpfilter.mail.headers import RAW_8BIT
from smtpfilter.mail.reply import Reply, reply
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.settings import FOLLOWS_UNCHECKED, PolicySettings
from smtpfilter.verdict import marks, reasons
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.seen import Cause, Seen, look, reaches
from smtpfilter.verdict.verdict import Case, Verdict

# The strictest first: of several destinies in one category the first of these decides.
_STRICTNESS = (Destiny.TEMPFAIL, Destiny.REJECT, Destiny.BOUNCE, Destiny.DISCARD)


@dataclass(frozen=True, slots=True)
class Handling:
    """The fields that say what happens to a category: destiny, lover and copy ("" where there is
    none).
    """

    destiny: str
    lover: str = ""
    copy: str = ""


HANDLING = {
    Category.VIRUS: Handling("virus_destiny", "virus_lover", "virus_quarantine_to"),
    Category.BANNED: Handling("banned_destiny", "banned_files_lover", "banned_quarantine_to"),
    Category.UNCHECKED: Handling("unchecked_destiny", "unchecked_lover", "unchecked_quarantine_to"),
    Category.SPAM: Handling("spam_destiny", "spam_lover", "spam_quarantine_to"),
    Category.BAD_HEADER: Handling(
        "bad_header_destiny", "bad_header_lover", "bad_header_quarantine_to"
    ),
    Category.OVERSIZED: Handling("oversized_destiny"),
}


@dataclass(frozen=True, slots=True)
class _Stop:
    """A destiny other than PASS that a category meets; `loved`: the recipient wants such mail all
    the same.
    """

    category: Category
    field: str
    destiny: Destiny
    loved: bool


def decide(case: Case, findings: Findings) -> Verdict:
    """Return what happens to the message for the recipient of `case`, with the reasons."""
    seen = look(case, findings)
    stops = [stop for category in seen.categories for stop in _stops(category, case, seen)]
    blocking = next((stop for stop in stops if not stop.loved), None)
    keep = _keeps(case, seen, blocking, stops)
    return Verdict(
        recipient=case.recipient,
        categories=seen.categories,
        blocked_by=blocking.category if blocking else None,
        destiny=blocking.destiny if blocking else Destiny.PASS,
        keep=keep,
        edits=Edits() if blocking else marks.edits(case, seen, keep=keep),
        reply=_reply(case, seen, blocking),
        reasons=_reasons(case, seen, blocking, keep=keep),
        policy=case.policy,
        score=seen.score,
        banned=tuple(path for path, _ in seen.banned),
        suppressed=_suppressed(case, seen),
    )


def loop_verdict(case: Case) -> Verdict:
    """Return the verdict on a message that goes round in circles (O-12)."""
    return Verdict(
        recipient=case.recipient,
        categories=(Category.MTA, Category.CLEAN),
        blocked_by=Category.MTA,
        destiny=Destiny.REJECT,
        keep=False,
        edits=Edits(),
        reply=MailLoop.reply,
        reasons=("More than 100 Received fields: the mail goes round in circles.",),
        policy=case.policy,
        suppressed="bulk mail" if case.bulk else "",
    )


def _stops(category: Category, case: Case, seen: Seen) -> list[_Stop]:
    """Return the stops of a category, the one that decides first (C-4)."""
    handling, settings = HANDLING.get(category), case.policy.settings
    if handling is None:
        return []
    loved = bool(handling.lover and getattr(settings, handling.lover))
    causes = (
        seen.unchecked if category is Category.UNCHECKED else (Cause(handling.destiny, "", ""),)
    )
    stops = [
        _Stop(category, cause.field, _destiny(settings, cause.field), loved and cause.content)
        for cause in causes
    ]
    stops = [stop for stop in stops if stop.destiny is not Destiny.PASS and not _spared(stop, case)]
    return sorted(stops, key=_order)


def _destiny(settings: PolicySettings, field: str) -> Destiny:
    """Return the destiny in `field`; a policy without one is a fault, never a pass (P3)."""
    destiny = getattr(settings, field)
    if destiny is None and field in FOLLOWS_UNCHECKED:
        destiny = settings.unchecked_destiny
    return Destiny(destiny)


def _spared(stop: _Stop, case: Case) -> bool:
    """Lists and null senders get no bounce for a bad header section (C-4.3)."""
    return stop.category is Category.BAD_HEADER and stop.destiny is Destiny.BOUNCE and case.bulk


def _order(stop: _Stop) -> tuple[bool, int]:
    """A missing score comes last: mail that is stopped for its content need not wait for the spam
    engine.
    """
    return stop.field == "spam_failure_destiny", _STRICTNESS.index(stop.destiny)


def _keeps(case: Case, seen: Seen, blocking: _Stop | None, stops: list[_Stop]) -> bool:
    """Tell whether a copy is kept: of blocked mail by its category's field, of loved mail too
    (design 4.13).
    """
    if blocking:
        return blocking.destiny is not Destiny.TEMPFAIL and _has_copy(blocking.category, case, seen)
    return any(_has_copy(stop.category, case, seen) for stop in stops)


def _has_copy(category: Category, case: Case, seen: Seen) -> bool:
    settings = case.policy.settings
    field = HANDLING[category].copy
    cut_off = category is Category.SPAM and reaches(
        seen.score, settings.spam_quarantine_cutoff_level
    )
    return bool(field and getattr(settings, field)) and not cut_off


def _suppressed(case: Case, seen: Seen) -> str:
    """Return why no notice may go to the sender, "" where one may (N-1): every virus fakes its
    sender, and so does most spam.
    """
    if seen.viruses:
        return "faked sender"
    if reaches(seen.score, case.policy.settings.spam_dsn_cutoff_level):
        return "score"
    if case.sender.black and not case.sender.white:
        return "blocked sender"
    return "bulk mail" if case.bulk and seen.categories[0] > Category.CLEAN else ""


def _reply(case: Case, seen: Seen, blocking: _Stop | None) -> Reply:
    """Return what the sender is told (F-1)."""
    name = f"id={case.mail_id}"
    if blocking is None:
        return reply(250, "2.0.0", f"Ok, {name}")
    why = _short(blocking, seen)
    match blocking.destiny:
        case Destiny.DISCARD:
            return reply(250, "2.7.0", f"Ok, discarded, {name} - {why}")
        case Destiny.BOUNCE:
            return reply(250, "2.5.0", f"Ok, {name}, BOUNCE")
        case Destiny.TEMPFAIL:
            return _try_again(blocking, f"{name} - {why}")
    code, enhanced = _codes(blocking.category, seen)
    return reply(code, enhanced, f"Reject, {name} - {why}")


def _try_again(blocking: _Stop, text: str) -> Reply:
    ours = blocking.field in ("scanner_failure_destiny", "spam_failure_destiny")
    if ours:
        return reply(451, "4.3.0", f"Temporarily unable to check, try again later, {text}")
    return reply(450, "4.7.0", f"Try again later, {text}")


def _codes(category: Category, seen: Seen) -> tuple[int, str]:
    if category is Category.OVERSIZED:
        return 552, "5.3.4"
    if category is Category.BAD_HEADER:  # H-3: the highest kind names the whole
        worst = max(complaint.minor for complaint in seen.bad_headers)
        return 554, "5.6.3" if worst == RAW_8BIT else "5.6.0"
    return 554, "5.7.0"


def _short(blocking: _Stop, seen: Seen) -> str:
    match blocking.category:
        case Category.VIRUS:
            return f"INFECTED: {reasons.named(virus.name for virus in seen.viruses)}"
        case Category.BANNED:
            return f"BANNED: {reasons.named(reason for _, reason in seen.banned)}"
        case Category.UNCHECKED:
            return f"UNCHECKED: {', '.join(dict.fromkeys(cause.short for cause in seen.unchecked))}"
        case Category.BAD_HEADER:
            return f"BAD HEADER SECTION: {seen.bad_headers[0].text}"
        case Category.OVERSIZED:
            return "Message size exceeds recipient's size limit"
    return "spam"


def _reasons(case: Case, seen: Seen, blocking: _Stop | None, *, keep: bool) -> tuple[str, ...]:
    """Return all sentences, those about the deciding category first."""
    first = [blocking.category] if blocking else []
    order = dict.fromkeys([*first, *seen.categories[:-1]])
    told: list[str] = []
    for category in order:
        told += reasons.found(category, case, seen)
        if blocking and category is blocking.category:
            told.append(_stopped(case, blocking, keep=keep))
        elif category in HANDLING:
            told += _let_through(category, case, seen)
    if not order:
        told += reasons.clean(case, seen)
    return tuple(dict.fromkeys([*told, *case.sender.why, *reasons.bypassed(case.policy)]))


def _stopped(case: Case, blocking: _Stop, *, keep: bool) -> str:
    done = {
        Destiny.DISCARD: "held" if keep else "discarded",
        Destiny.REJECT: "rejected",
        Destiny.BOUNCE: "bounced",
        Destiny.TEMPFAIL: "deferred",
    }[blocking.destiny]
    destiny = (
        f"{blocking.field} is {blocking.destiny} ({reasons.origin(case.policy, blocking.field)})"
    )
    copy = HANDLING[blocking.category].copy
    kept = (
        f", {reasons.setting(case.policy, copy)}"
        if copy and blocking.destiny is Destiny.DISCARD
        else ""
    )
    return f"{reasons.WHAT[blocking.category]} is {done}: {destiny}{kept}."


def _let_through(category: Category, case: Case, seen: Seen) -> list[str]:
    """Return why a category did not stop the mail: nothing where another had stopped it already."""
    handling = HANDLING[category]
    if any(stop.loved for stop in _stops(category, case, seen)):
        return [
            f"{reasons.WHAT[category]} is wanted: {reasons.setting(case.policy, handling.lover)}."
        ]
    if not _stops(category, case, seen) and category is not Category.UNCHECKED:
        return [
            f"{reasons.WHAT[category]} may pass: {reasons.setting(case.policy, handling.destiny)}."
        ]
    return []
