"""The names that people type, in the one form that is stored: lookup keys, domains, networks.

Canonical: domains as A-labels in lower case, local parts in ASCII lower case.  All raise Refused.
"""

import ipaddress

from appliance.errors import Refused
from smtpfilter.mail.findings import visible
from smtpfilter.policy.lookup import SITE, BadKey, parse_key

KEY_LIMIT = 1024  # characters of a stored key


def printed_sender(text: str) -> str:
    """Return the printed form of a lookup key for senders; of "<>", the null sender, it is ""."""
    try:
        key = parse_key(text)
    except BadKey as error:
        raise Refused(str(error).rstrip(".")) from None
    if key != visible(key, KEY_LIMIT):
        raise Refused(f"{visible(text, 100)!r} is too long for a key, or has control characters")
    return key


def printed_key(text: str) -> str:
    """Return the printed form of a lookup key for recipients (K-1)."""
    key = printed_sender(text)
    if not key:
        raise Refused("<> is no recipient: write @. for the site, a domain or an address")
    return key


def domain_name(text: str) -> str:
    """Return `example.com`, or `.example.com` for a domain with all below."""
    key = printed_key(text)
    if key == SITE or "@" in key:
        raise Refused(f"{text!r} is no domain: write example.com, or .example.com with all below")
    return key


def mailbox_address(text: str) -> str:
    """Return the canonical address of a mailbox."""
    key = printed_key(text)
    if key == SITE or "@" not in key or key.endswith("@"):
        raise Refused(f"{text!r} is no address: write user@example.com")
    return key


def network_cidr(text: str) -> str:
    """Return the network in CIDR form, "192.0.2.7" as "192.0.2.7/32"; "!" before it stays."""
    text = text.strip()
    excepted = "!" if text.startswith("!") else ""
    try:
        return f"{excepted}{ipaddress.ip_network(text.removeprefix('!').strip())}"
    except ValueError as error:
        raise Refused(f"{error}: write a network such as 192.0.2.0/24 or 2001:db8::/32") from None
