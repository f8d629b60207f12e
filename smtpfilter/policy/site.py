"""Site-wide settings that are no policy, as far as the filter obeys them: how much unpacking a
message may cost, and which engines are asked how.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["primary", "backup", "off"]

SPAM_ENGINES = {
    "spamd": "SpamAssassin alone",
    "rspamd": "Rspamd alone",
    "fallback": "SpamAssassin; Rspamd while SpamAssassin gives no answer",
    "both": "SpamAssassin and Rspamd, their points added",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Of unpacking one message, and each container in it; `ratio` to the message's size applies
    beyond the first `free_bytes` of content.
    """

    levels: int = 14  # of containers within each other, the message included
    parts: int = 2000  # leaves and containers
    content_bytes: int = 300_000_000
    ratio: int = 100
    free_bytes: int = 10_000_000
    seconds: float = 60.0  # by the clock; the child's processor time as well


@dataclass(frozen=True, slots=True)
class NamePoints:
    """Virus names that match `pattern` are worth `points`, or stay viruses where that is None
    (V-4).
    """

    pattern: str
    points: float | None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class PenPalTerms:
    """What an answer to a recipient's own mail is worth (PP-1).

    `bonus`: points less for an answer at once, half of them after each `halflife_days`; 0 = none.
    `threshold_low`: nobody looks where the highest score of the recipients is lower;
    `threshold_high`: nor where the lowest, less the bonus, is above it, None for no such limit.
    """

    bonus: float = 0.0
    halflife_days: float = 7.0
    threshold_low: float = 1.0
    threshold_high: float | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """The site's choices; the defaults are what a fresh installation starts with.

    `virus_scanning`: False is the choice to run without any virus scanner.  `roles`: virus scanners
    by name; one that is not named keeps the role of its entry.  `first_finding_ends`: scanners
    after the first that found something are not asked (V-2).  `remember_seconds`: for how long the
    virus scan of identical content counts, 0 = never.  `spam_engine`: a key of SPAM_ENGINES.
    `rspamd_factor`: an Rspamd point in SpamAssassin points (S-10).  `spam_body_bytes`: how much of
    a body the spam engines see (S-3).  `name_points`: in order, the first that matches counts.
    """

    limits: Limits = field(default_factory=Limits)
    virus_scanning: bool = True
    roles: Mapping[str, Role] = field(default_factory=dict)
    first_finding_ends: bool = False
    remember_seconds: int = 60
    spam_engine: str = "spamd"
    rspamd_factor: float = 0.42
    spam_body_bytes: int = 200 * 1024
    name_points: tuple[NamePoints, ...] = ()
    pen_pals: PenPalTerms = field(default_factory=PenPalTerms)
