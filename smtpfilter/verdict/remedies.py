"""What would have let the mail through, for the why panel: as data, and as sentences.

Every stop needs a remedy, and most have several to choose from.  Nothing in here recommends one: a
remedy says what is true, also where nobody should do it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor
from typing import Literal

from smtpfilter.mail.findings import visible
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.settings import NEVER, format_value
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.reasons import LONGEST_NAME, WHAT
from smtpfilter.verdict.seen import Seen
from smtpfilter.verdict.stops import HANDLING, Stop
from smtpfilter.verdict.verdict import Case

_HIGHEST_LEVEL = 10000.0  # that a person may write; above it is only "never"

Value = Literal[True] | float | Destiny


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way past one stop.

    `changes`: fields of the recipient's policy with the values that they would need, none where the
    way is another.  `allow`: the sender for whom an allow entry would do, "" mostly.  `words`: what
    is to be done.  `locked_by`: key of the layer that alone can change it, "" where any layer may.
    """

    words: str
    changes: tuple[tuple[str, Value], ...] = ()
    allow: str = ""
    locked_by: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """One stop, and the ways past it: one of `ways` has to be gone."""

    category: Category
    field: str
    ways: tuple[Remedy, ...]


def find_remedies(case: Case, seen: Seen, stops: Sequence[Stop]) -> tuple[Need, ...]:
    """Return what the mail needs to pass, all of it: () where it passes."""
    unloved = {(stop.category, stop.field): stop for stop in stops if not stop.loved}
    return tuple(
        Need(stop.category, stop.field, tuple(_ways(case, seen, stop))) for stop in unloved.values()
    )


def told_remedies(needs: Sequence[Need]) -> tuple[str, ...]:
    """Return the needs as sentences."""
    told = tuple(_sentence(need) for need in needs)
    return ("Each of the following is needed.", *told) if len(told) > 1 else told


def _sentence(need: Need) -> str:
    *rest, last = [way.words for way in need.ways]
    ways = f"{', '.join(rest)} or {last}" if rest else last
    return f"{WHAT[need.category]} would pass with {ways}."


def _ways(case: Case, seen: Seen, stop: Stop) -> Iterator[Remedy]:
    lover = HANDLING[stop.category].lover
    if lover and stop.cause.content:
        yield _change(case, lover, value=True)
    yield _change(case, stop.field, Destiny.PASS)
    match stop.category:
        case Category.SPAM:
            yield from _ways_of_spam(case, seen, stop)
        case Category.BANNED:
            for name in dict.fromkeys(ban.rule.comment or ban.rule.pattern for ban in seen.banned):
                yield Remedy(f"an exception before the rule {visible(name, LONGEST_NAME)!r}")
        case Category.BAD_HEADER:
            yield _change(case, "bypass_header_checks", value=True)
        case Category.OVERSIZED:
            yield _change(case, "message_size_limit", case.size_bytes)


def _ways_of_spam(case: Case, seen: Seen, stop: Stop) -> Iterator[Remedy]:
    by_level = stop.field == HANDLING[Category.SPAM].destiny
    if case.sender.black:
        if by_level:
            yield Remedy("the block entry of its sender removed")
        return
    if by_level:
        yield _change(case, "spam_kill_level", _level_above(seen.score or 0.0))
    sender = visible(case.mail_from.text, LONGEST_NAME)
    if not sender:
        return
    proof = (
        "that counts only where his domain is proven"
        if case.proven
        else "that needs no proof, since this mail proves nothing"
    )
    yield Remedy(f"an allow entry for {sender} {proof}", allow=sender)


def _level_above(score: float) -> float:
    """Return the next tenth above the score."""
    level = floor(score * 10 + 1) / 10
    return level if level <= _HIGHEST_LEVEL else NEVER


def _change(case: Case, field: str, value: Value) -> Remedy:
    shown = "yes" if value is True else format_value(value)
    lock = case.policy.locks.get(field, "")
    words = f"{field} = {shown}" + (f" (locked: {lock} alone can say so)" if lock else "")
    return Remedy(words, ((field, value),), locked_by=lock)
