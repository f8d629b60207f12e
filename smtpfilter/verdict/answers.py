"""What the sender is told about one recipient: codes and texts by category (F-1, H-2, H-3)."""

from smtpfilter.mail.headers import RAW_8BIT
from smtpfilter.mail.reply import Reply, reply
from smtpfilter.policy.destiny import Destiny
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.reasons import named
from smtpfilter.verdict.seen import Seen
from smtpfilter.verdict.stops import Stop
from smtpfilter.verdict.verdict import Case

_OURS = ("scanner_failure_destiny", "spam_failure_destiny")


def answer(case: Case, seen: Seen, blocking: Stop | None) -> Reply:
    """Return the reply; of mail that is bounced the refusal which the notice tells."""
    name = f"id={case.mail_id}"
    if blocking is None:
        return reply(250, "2.0.0", f"Ok, {name}")
    why = f"{name} - {_short(blocking, seen)}"
    match blocking.destiny:
        case Destiny.DISCARD:
            return reply(250, "2.7.0", f"Ok, discarded, {why}")
        case Destiny.TEMPFAIL if blocking.field in _OURS:
            return reply(451, "4.3.0", f"Temporarily unable to check, try again later, {why}")
        case Destiny.TEMPFAIL:
            return reply(450, "4.7.0", f"Try again later, {why}")
    word = "Bounce" if blocking.destiny is Destiny.BOUNCE else "Reject"
    return reply(*_codes(blocking.category, seen), f"{word}, {why}")


def _codes(category: Category, seen: Seen) -> tuple[int, str]:
    if category is Category.OVERSIZED:
        return 552, "5.3.4"
    if category is Category.BAD_HEADER:  # H-3: the highest kind names the whole
        worst = max(complaint.minor for complaint in seen.bad_headers)
        return 554, "5.6.3" if worst == RAW_8BIT else "5.6.0"
    return 554, "5.7.0"


def _short(blocking: Stop, seen: Seen) -> str:
    match blocking.category:
        case Category.VIRUS:
            return f"INFECTED: {named(virus.name for virus in seen.viruses)}"
        case Category.BANNED:
            return f"BANNED: {named(ban.reason for ban in seen.banned)}"
        case Category.UNCHECKED:
            return f"UNCHECKED: {', '.join(dict.fromkeys(cause.short for cause in seen.unchecked))}"
        case Category.BAD_HEADER:
            return f"BAD HEADER SECTION: {seen.bad_headers[0].text}"
        case Category.OVERSIZED:
            return "Message size exceeds recipient's size limit"
    return blocking.cause.short or "spam"
