"""What a policy source hands over for one message, and what becomes of it for one recipient.

The source only finds rows; which of them count, and in which order, is decided by lookup.py and
resolve.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from smtpfilter.policy.settings import FOLLOWS_UNCHECKED, PolicySettings
from smtpfilter.policy.site import Site

SenderAction = Literal["allow", "block", "score"]


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings stored at one lookup key: its own fields first, then those of its named policy.

    `source`: where the row was read from, "" for one made by hand; several sources may have a layer
    at one key, those made by hand count first, then by name (K-8).
    `key`: printed form ("@.", "example.com", ".example.com", "user@example.com", "user@").
    `priority`: an override for imports; None = derived from the key's form (P-1).
    `locked`: the fields that are locked by name, see fixed.
    """

    key: str
    settings: PolicySettings
    policy_name: str = ""
    policy_settings: PolicySettings = field(default_factory=PolicySettings)
    priority: int | None = None
    locked: frozenset[str] = frozenset()
    source: str = ""

    @property
    def fixed(self) -> frozenset[str]:
        """The fields that more specific layers cannot change: with unchecked_destiny its four
        kinds, which would go before it.
        """
        kinds = FOLLOWS_UNCHECKED if "unchecked_destiny" in self.locked else ()
        return self.locked.union(kinds)


@dataclass(frozen=True, slots=True)
class SenderRule:
    """A sender that is trusted, distrusted or adjusted for the recipients under `key` (W-1, W-2).

    `sender` is a lookup key in printed form; `points` counts for the action "score" only.
    `authenticated`: counts only where the sender's domain is proven by DKIM or SPF (W-8).
    `number`: of the stored row, 0 where there is none; hits are counted by it.
    """

    key: str
    sender: str
    action: SenderAction
    points: float = 0.0
    expires_at: datetime | None = None
    authenticated: bool = False
    source: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class BanRule:
    """One rule: `pattern` is a regular expression tried on each string of B-2; `banned` False makes
    it an exception.

    `path`: it is tried on the description of the whole path instead (B-7).  `silent`: no notice
    goes to the sender of mail that it bans (B-5).
    """

    pattern: str
    banned: bool = True
    comment: str = ""
    path: bool = False
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """A network of clients (CIDR, "!" before it excepts it from a wider one) and the profile of
    mail from there, "" for an own network without one.
    """

    cidr: str
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """A direction profile (amavisd's policy bank): settings that go before every layer for mail
    that came a certain way (E-5).

    `originating`: such mail is the site's own.  `ports`: listening ports that it is for.
    `authenticated`: it is for senders who logged in.
    """

    name: str
    settings: PolicySettings = field(default_factory=PolicySettings)
    originating: bool = False
    ports: frozenset[int] = frozenset()
    authenticated: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """How a message came to us, as far as policy cares.

    `originating`: from an own network, a port or profile that says so, or from a sender who logged
    in.  `profiles`: names of the profiles that apply, the strongest last (E-5).
    """

    originating: bool = False
    authenticated: bool = False
    profiles: tuple[str, ...] = ()

    @property
    def credible(self) -> bool:
        """The sender is one of ours, and can be told what became of his mail."""
        return self.originating or self.authenticated


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """Everything stored that may matter for one message, at one moment.

    `domains`: local domains among the recipients' keys, printed form (".example.com" = with all
    below).
    `ban_sets`: rule sets of the site by name; one takes the place of the built-in set of its name.
    `profiles`: all of them, by name.  `traced`: sender keys whose mail is logged step by step.
    `site`: choices for the whole site that are no policy.
    `sender_authentication`: SPF, DKIM and DMARC are asked for (they need DNS).
    `revision`: number of the newest change of policy.
    """

    layers: tuple[Layer, ...] = ()
    domains: frozenset[str] = frozenset()
    senders: tuple[SenderRule, ...] = ()
    ban_sets: Mapping[str, tuple[BanRule, ...]] = field(default_factory=dict)
    networks: tuple[Network, ...] = ()
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    sender_authentication: bool = False
    traced: frozenset[str] = frozenset()
    recipient_delimiter: str = "+"
    site: Site = field(default_factory=Site)
    revision: int = 0


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """What one recipient wants: every field filled, each with the key it came from.

    `origins`: field -> lookup key, with " (policy NAME)" where it came by a named one, "profile
    NAME" where a direction profile says so, or "default".
    `local`: the recipient belongs to a local domain (K-11).
    `locks`: field -> key of the outermost layer that fixes it.
    """

    settings: PolicySettings
    origins: Mapping[str, str]
    local: bool
    locks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SenderMatch:
    """What the sender lists say about this message for one recipient (W-1 to W-5).

    `white`/`black`: hard entries; white wins.  `points`: sum of soft entries.  `why`: sentences,
    the deciding first.  `rules`: numbers of the stored rules that counted.
    """

    white: bool = False
    black: bool = False
    points: float = 0.0
    why: tuple[str, ...] = ()
    rules: tuple[int, ...] = ()
