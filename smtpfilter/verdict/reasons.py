"""Why it was decided so: sentences that name each value and the layer that it came from."""

from collections.abc import Iterable
from datetime import timedelta

from smtpfilter.mail.findings import visible
from smtpfilter.policy.layers import EffectivePolicy
from smtpfilter.policy.resolve import DEFAULT
from smtpfilter.policy.settings import format_value
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.seen import Seen
from smtpfilter.verdict.verdict import Case

MOST_NAMED = 5  # viruses, parts, complaints named one by one
LONGEST_NAME = 300  # characters

WHAT = {
    Category.VIRUS: "Infected mail",
    Category.BANNED: "Mail with banned files",
    Category.UNCHECKED: "Unchecked mail",
    Category.SPAM: "Spam",
    Category.BAD_HEADER: "Mail with a bad header section",
    Category.OVERSIZED: "Oversized mail",
}

_BYPASSES = {
    "bypass_virus_checks": "viruses",
    "bypass_banned_checks": "banned files",
    "bypass_spam_checks": "spam",
    "bypass_header_checks": "header faults",
}


def setting(policy: EffectivePolicy, field: str) -> str:
    """Return "virus_destiny is discard (set by example.com)"."""
    value = format_value(getattr(policy.settings, field))
    shown = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
    return f"{field} is {shown if shown != '' else 'empty'} ({origin(policy, field)})"


def origin(policy: EffectivePolicy, field: str) -> str:
    key = policy.origins.get(field, DEFAULT)
    return "the default" if key == DEFAULT else f"set by {key}"


def points(score: float) -> str:
    """Return a score or level as people read it: at most three decimals, no trailing zeros."""
    text = (
        str(format_value(score))
        if score == float("inf")
        else f"{score:.3f}".rstrip("0").rstrip(".")
    )
    return "0" if text == "-0" else text


def found(category: Category, case: Case, seen: Seen) -> tuple[str, ...]:
    """Return what puts the mail into `category`."""
    match category:
        case Category.VIRUS:
            return (f"Infected with {named(f'{v.name} ({v.scanner})' for v in seen.viruses)}.",)
        case Category.BANNED:
            return (f"Banned: {named(ban.path for ban in seen.banned)}.",)
        case Category.UNCHECKED:
            return tuple(dict.fromkeys(visible(cause.sentence) for cause in seen.unchecked))[
                :MOST_NAMED
            ]
        case Category.SPAM if seen.kill:
            return (_level(case, seen, "kill", "spam_kill_level"),)
        case Category.SPAMMY if not seen.kill:
            return (
                _level(case, seen, "tag2", "spam_tag3_level" if seen.tag3 else "spam_tag2_level"),
            )
        case Category.BAD_HEADER:
            return (
                f"Bad header section: {named(complaint.text for complaint in seen.bad_headers)}.",
            )
        case Category.OVERSIZED:
            return (
                f"The size of {case.size_bytes} octets is over the limit: "
                f"{setting(case.policy, 'message_size_limit')}.",
            )
    return ()


def clean(case: Case, seen: Seen) -> tuple[str, ...]:
    """Return why a mail without any complaint is delivered."""
    if case.sender.white:
        return case.sender.why[:1]
    if seen.score is None:
        return ("Nothing was found.",)
    level = case.policy.settings.spam_tag2_level or 0.0
    return (
        f"Score {points(seen.score)} is below the tag2 level {points(level)} "
        f"({origin(case.policy, 'spam_tag2_level')}), and nothing else was found.",
    )


def signs_of_spam(seen: Seen) -> tuple[str, ...]:
    """Return what a virus scanner reports that is no virus (V-4)."""
    if not seen.signs:
        return ()
    worth = max(sign.points or 0.0 for sign in seen.signs)
    names = named(f"{sign.name} ({sign.scanner})" for sign in seen.signs)
    return (
        f"A virus scanner reports what is only a sign of spam, {points(worth)} points: {names}.",
    )


def answers(case: Case) -> tuple[str, ...]:
    """Return what it is worth that the recipient wrote to the sender himself (PP-1)."""
    if case.pen_pal is None:
        return ()
    days = case.pen_pal.age / timedelta(days=1)
    return (
        f"The recipient wrote to the sender {days:.1f} days ago: {points(case.pen_pal.points)} "
        "points (pen pals).",
    )


def bypassed(policy: EffectivePolicy) -> tuple[str, ...]:
    return tuple(
        f"Not checked for {what}: {setting(policy, field)}."
        for field, what in _BYPASSES.items()
        if getattr(policy.settings, field)
    )


def named(names: Iterable[str]) -> str:
    """Return distinct names by comma, the first five of them, each visible and at most 300
    characters.
    """
    distinct = list(dict.fromkeys(visible(name, LONGEST_NAME) for name in names))
    more = f" and {len(distinct) - MOST_NAMED} more" if len(distinct) > MOST_NAMED else ""
    return ", ".join(distinct[:MOST_NAMED]) + more


def _level(case: Case, seen: Seen, name: str, field: str) -> str:
    if case.sender.black:
        return case.sender.why[0] if case.sender.why else "The sender is blocked."
    level = getattr(case.policy.settings, field)
    name = "tag3" if field == "spam_tag3_level" else name
    return (
        f"Score {points(seen.score or 0.0)} is at or above the {name} level {points(level)} "
        f"({origin(case.policy, field)})."
    )
