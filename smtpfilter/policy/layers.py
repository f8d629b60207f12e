"""What a policy source hands over for one message, and what becomes of it for one recipient.

The source only finds rows; which of them count, and in which order, is decided by lookup.py and
resolve.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from smtpfilter.policy.settings import PolicySettings

SenderAction = Literal["allow", "block", "score"]


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings stored at one lookup key: its own fields first, then those of its named policy.

    `key`: printed form ("@.", "example.com", ".example.com", "user@example.com", "user@").
    `priority`: an override for imports; None = derived from the key's form (P-1).
    """

    key: str
    settings: PolicySettings
    policy_name: str = ""
    policy_settings: PolicySettings = field(default_factory=PolicySettings)
    priority: int | None = None
    locked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SenderRule:
    """A sender that is trusted, distrusted or adjusted for the recipients under `key` (W-1, W-2).

    `sender` is a lookup key in printed form; `points` counts for the action "score" only.
    """

    key: str
    sender: str
    action: SenderAction
    points: float = 0.0
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BanRule:
    """One rule: `pattern` is a regular expression tried on each string of B-2; `banned` False makes
    it an exception.
    """

    pattern: str
    banned: bool = True
    comment: str = ""


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """Everything stored that may matter for one message, at one moment.

    `domains`: local domains among the recipients' keys, printed form (".example.com" = with all
    below).
    `ban_sets`: rule sets of the site by name; they stand before the built-in sets of the same name.
    `networks`: own networks (CIDR).  `traced`: sender keys whose mail is logged step by step.
    `revision`: number of the newest change of policy.
    """

    layers: tuple[Layer, ...] = ()
    domains: frozenset[str] = frozenset()
    senders: tuple[SenderRule, ...] = ()
    ban_sets: Mapping[str, tuple[BanRule, ...]] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    traced: frozenset[str] = frozenset()
    recipient_delimiter: str = "+"
    revision: int = 0


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """What one recipient wants: every field filled, each with the key it came from.

    `origins`: field -> lookup key, with " (policy NAME)" where it came by a named one, or
    "default".
    `local`: the recipient belongs to a local domain (K-11).
    """

    settings: PolicySettings
    origins: Mapping[str, str]
    local: bool


@dataclass(frozen=True, slots=True)
class SenderMatch:
    """What the sender lists say about this message for one recipient (W-1 to W-5).

    `white`/`black`: hard entries; white wins.  `points`: sum of soft entries.  `why`: sentences,
    the deciding first.
    """

    white: bool = False
    black: bool = False
    points: float = 0.0
    why: tuple[str, ...] = ()
