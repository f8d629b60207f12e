"""Lookup keys: under which names settings for an address may be stored, most specific first (K-1).

Printed forms, amavisd's hash style but for the site: "user+ext@example.com", "user@example.com",
"user+ext@" and "user@" (any local domain), "example.com" (exactly), ".example.com" (with all below)
and "@." (the site). The null sender's own key is "".
"""

import re

from smtpfilter.mail.address import Address, BadPath, canonical_domain, parse_address

SITE = "@."
DELIMITERS = "+-="  # what a site may set as recipient_delimiter, alone or together, as in Postfix
MOST_SUFFIX_KEYS = 20

_NEVER_SPLIT = frozenset({"postmaster", "mailer-daemon", "double-bounce"})
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LITERAL = re.compile(r"\[[a-z0-9.:-]{1,60}\]")


class BadKey(ValueError):
    """The text is no lookup key; `args[0]` is a sentence that says what would be one."""


def lookup_keys(address: Address, delimiter: str) -> tuple[str, ...]:
    """Return the keys of `address` in printed form, most specific first; at most 26.

    `delimiter`: the characters at which an extension may begin, "" for none.  The site's key always
    comes last, so that every address, however odd, gets some policy.  Bare-user keys are for local
    domains only (K-2): the caller leaves them out for others, see is_bare().
    """
    if not address.octets:
        return ("", SITE)
    local, at, domain = address.canonical.rpartition("@")
    if not at:
        local, domain = domain, ""
    users = _users(local, delimiter)
    keys = [f"{user}@{domain}" for user in users if domain]
    keys += [f"{user}@" for user in users]
    return tuple(dict.fromkeys([*keys, *domain_keys(domain), SITE]))


def domain_keys(domain: str) -> tuple[str, ...]:
    """Return the keys of a canonical domain without the site's, most specific first; of a literal
    only itself.
    """
    if not domain or domain.startswith("["):
        return (domain,) if domain else ()
    labels = domain.split(".")
    suffixes = [f".{'.'.join(labels[start:])}" for start in range(len(labels))]
    return (domain, *suffixes[-MOST_SUFFIX_KEYS:])


def candidate_keys(address: Address) -> frozenset[str]:
    """Return the keys under every delimiter that a site may have set: what the one query asks for
    (design 4.5).
    """
    return frozenset(
        key for delimiter in ("", *DELIMITERS) for key in lookup_keys(address, delimiter)
    )


def takes_extension(local: str, delimiter: str) -> bool:
    """Tell whether a local part may have an address extension: some names are left whole (K-1)."""
    local = local.lower()
    lists = "-" in delimiter and (local.startswith("owner-") or local.endswith("-request"))
    return bool(delimiter) and not lists and local not in _NEVER_SPLIT


def user_of(local: str, delimiter: str) -> str:
    """Return a local part without its extension."""
    if not takes_extension(local, delimiter):
        return local
    ends = [end for end in (local.find(character, 1) for character in delimiter) if end > 0]
    return local[: min(ends)] if ends else local


def is_bare(key: str) -> bool:
    """Tell whether `key` names a user of any local domain, like "postmaster@"."""
    return key.endswith("@")


def priority(key: str, delimiter: str = "+") -> int:
    """Return amavisd's recommended priority of a key, 0 for the site to 9 for a full address with
    extension (P-1).
    """
    if key == SITE:
        return 0
    if "@" in key:
        local = key.rpartition("@")[0]
        return (6 if is_bare(key) else 8) + (len(_users(local, delimiter)) > 1)
    if key.startswith("."):
        return min(key.count("."), 3)
    return 5


def parse_key(text: str) -> str:
    """Return the printed form of a key that a person wrote.  Raises BadKey.

    "@example.com" and "@.example.com" (SQL style) are accepted for "example.com" and
    ".example.com", "<>" for the null sender; case and IDN spelling do not matter.
    """
    text = text.strip()
    if text in (SITE, "."):
        return SITE
    if text == "<>":
        return ""
    local, at, domain = text.rpartition("@")
    if at and local:
        return _mailbox_key(text)
    subdomains = domain.startswith(".")
    return ("." if subdomains else "") + _domain(domain.removeprefix("."), text)


def _mailbox_key(text: str) -> str:
    try:
        address = parse_address(text.encode())
    except (BadPath, UnicodeError):
        raise BadKey(f"{text!r} is no address.") from None
    if not address.local or "*" in address.local or text.startswith("@"):
        raise BadKey(
            f"{text!r} is no address: write user@example.com, or user@ for any local domain."
        )
    if text.endswith("@"):
        return f"{address.canonical}@"
    _domain(text.rpartition("@")[2], text)
    return address.canonical


def _domain(domain: str, text: str) -> str:
    canonical = canonical_domain(domain)
    if _LITERAL.fullmatch(canonical):
        return canonical
    if not domain or domain.startswith(".") or not all(map(_LABEL.fullmatch, canonical.split("."))):
        raise BadKey(
            f"{text!r} is no lookup key: write @. for the site, example.com, .example.com for a "
            "domain with all below it, user@example.com, or user@ for any local domain."
        )
    return canonical


def _users(local: str, delimiter: str) -> tuple[str, ...]:
    """Return the local part and, where it has an extension, the user without it."""
    return tuple(dict.fromkeys((local, user_of(local, delimiter)))) if local else ()
