"""What stands between a message and its recipient: the destinies that its categories meet, and
which of them decides (C-4, L-2).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.settings import FOLLOWS_UNCHECKED, PolicySettings
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.seen import Cause, Seen
from smtpfilter.verdict.verdict import Case

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
class Stop:
    """A destiny other than PASS that a category meets; `loved`: the recipient wants such mail all
    the same.
    """

    category: Category
    cause: Cause
    destiny: Destiny
    loved: bool

    @property
    def field(self) -> str:
        return self.cause.field


def blocking_stop(stops: Iterable[Stop]) -> Stop | None:
    """Return the stop that decides: the first that is not loved (C-4); None where the mail
    passes.
    """
    return next((stop for stop in stops if not stop.loved), None)


def find_stops(case: Case, seen: Seen) -> tuple[Stop, ...]:
    """Return all stops, those of the highest category first, in it the one that decides first."""
    return tuple(
        stop
        for category in seen.categories
        if category in HANDLING
        for stop in sorted(_stops(category, case, seen), key=_order)
    )


def _stops(category: Category, case: Case, seen: Seen) -> list[Stop]:
    handling, settings = HANDLING[category], case.policy.settings
    loved = bool(handling.lover and getattr(settings, handling.lover))
    stops = [
        Stop(category, cause, _destiny(settings, cause.field), loved and cause.content)
        for cause in _causes(category, seen)
    ]
    return [stop for stop in stops if stop.destiny is not Destiny.PASS and not _spared(stop, case)]


def _causes(category: Category, seen: Seen) -> tuple[Cause, ...]:
    plain = (Cause(HANDLING[category].destiny, "", ""),)
    match category:
        case Category.UNCHECKED:
            return seen.unchecked
        case Category.SPAM:
            return (plain if seen.kill else ()) + seen.forged
    return plain


def _destiny(settings: PolicySettings, field: str) -> Destiny:
    """Return the destiny in `field`; a policy without one is a fault, never a pass (P3)."""
    destiny = getattr(settings, field)
    if destiny is None and field in FOLLOWS_UNCHECKED:
        destiny = settings.unchecked_destiny
    return Destiny(destiny)


def _spared(stop: Stop, case: Case) -> bool:
    """Lists and null senders get no bounce for a bad header section (C-4.3)."""
    return stop.category is Category.BAD_HEADER and stop.destiny is Destiny.BOUNCE and case.bulk


def _order(stop: Stop) -> tuple[bool, int]:
    """A missing score comes last: mail that is stopped for its content need not wait for the spam
    engine.
    """
    return stop.field == "spam_failure_destiny", _STRICTNESS.index(stop.destiny)
