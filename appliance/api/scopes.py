"""What a token is good for: subjects, each to read, or to read and write.

Written as "policies:read" and "policies:write"; write includes read.  A scope narrows what its
person may do, it never adds to it.
"""

from collections.abc import Iterable

from appliance.errors import Refused

SUBJECTS = {
    "policies": "Policies",
    "senders": "Sender lists",
    "banrules": "Ban rules",
    "domains": "Domains and mailboxes",
    "networks": "Networks",
    "settings": "Site settings",
    "mails": "Messages",
    "quarantine": "Quarantine",
    "health": "Health",
    "users": "Accounts",
}
ONLY_READ = frozenset({"mails", "health"})
READ, WRITE = "read", "write"

SCOPES = tuple(
    f"{subject}:{access}"
    for subject in SUBJECTS
    for access in ((READ,) if subject in ONLY_READ else (READ, WRITE))
)


def parse_scopes(names: Iterable[str]) -> list[str]:
    """Return the scopes without repetition, in the order of SCOPES.  Raises Refused."""
    wanted = set(names)
    if unknown := sorted(wanted - set(SCOPES)):
        raise Refused(f"{unknown[0]!r} is no scope; the scopes are: {', '.join(SCOPES)}")
    if not wanted:
        raise Refused("a token without a scope is good for nothing: name one")
    return [scope for scope in SCOPES if scope in wanted]


def allows(scopes: Iterable[str], subject: str, access: str) -> bool:
    """Tell whether a token with `scopes` is good for `access` to the subject."""
    enough = {f"{subject}:{WRITE}"} | ({f"{subject}:{READ}"} if access == READ else set())
    return not enough.isdisjoint(scopes)
