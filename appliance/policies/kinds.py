"""What recorded changes are about: each kind with the verbs that make such changes."""

from dataclasses import dataclass

from appliance.accounts.factors import CHANGES
from appliance.policies.models import PolicyChange


@dataclass(frozen=True, slots=True)
class Kind:
    """`one`: what a change is of, before its key; `many`: the choice in a filter."""

    name: str
    one: str
    many: str
    verbs: tuple[str, ...]


def _kind(name: str, one: str, many: str, *verbs: str) -> Kind:
    return Kind(name, one, many, (*verbs, f"import {name}"))


LAYERS = _kind("layers", "Policy of", "Policies", "policy change")
SENDERS = _kind("senders", "Sender list", "Sender lists", "senders add", "senders remove")
BAN_RULES = _kind("banrules", "Ban rules", "Ban rules", "banrules set", "banrules remove")
NAMED = _kind(
    "policies", "Named policy", "Named policies", "policy named set", "policy named remove"
)
PROFILES = _kind(
    "profiles", "Direction profile", "Direction profiles", "profiles set", "profiles remove"
)
NETWORKS = _kind("networks", "Network", "Networks", "networks add", "networks remove")
DOMAINS = _kind("domains", "Domain", "Domains", "domains add", "domains remove")
MAILBOXES = _kind("mailboxes", "Mailbox", "Mailboxes", "mailboxes add", "mailboxes remove")
SETTINGS = _kind("settings", "Site setting", "Site settings", "settings set")
SCANNERS = _kind("scanners", "Virus scanner", "Virus scanners", "scanners role")
VIRUS_NAMES = _kind("virusnames", "Names of viruses", "Names of viruses", "virusnames set")
PREFERENCES = _kind(
    "preferences", "Preference of", "Preferences", "preferences set", "preferences unset"
)
NOTICES = _kind("notices", "Notice", "Notices", "notices set", "notices reset")
TRACED = _kind("traced", "Traced sender", "Traced senders", "trace add", "trace remove")
SOURCES = _kind("sources", "Source", "Sources", "sources add", "sources remove", "sources read")
USERS = _kind(
    "users",
    "Account",
    "Accounts",
    "users add",
    "users change",
    "users password",
    "users active",
    "users remove",
    "users link",
    "users unlock",
    "users factors drop",
    "users sessions end",
    *(f"users {change}" for change in CHANGES.values()),
)
TOKENS = _kind("tokens", "API token", "API tokens", "tokens add", "tokens revoke")
KINDS = (
    LAYERS,
    NAMED,
    SENDERS,
    BAN_RULES,
    SETTINGS,
    DOMAINS,
    MAILBOXES,
    NETWORKS,
    PROFILES,
    NOTICES,
    SCANNERS,
    VIRUS_NAMES,
    PREFERENCES,
    SOURCES,
    TRACED,
    USERS,
    TOKENS,
)
BY_NAME = {kind.name: kind for kind in KINDS}
_BY_VERB = {verb: kind for kind in KINDS for verb in kind.verbs}


def kind_of(change: PolicyChange) -> Kind | None:
    """Return what the change is about, None for what is none of these, such as learning."""
    return _BY_VERB.get(change.verb)
