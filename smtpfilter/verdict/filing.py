"""Under which address extension delivered mail is filed: user+spam@example.com (C-6, BB-36)."""

import re
from collections.abc import Sequence

from smtpfilter.mail.address import Address, parse_address
from smtpfilter.policy.lookup import takes_extension, user_of
from smtpfilter.verdict.category import Category, foremost
from smtpfilter.verdict.verdict import Case

_FIELDS = {
    Category.VIRUS: "addr_extension_virus",
    Category.BANNED: "addr_extension_banned",
    Category.SPAM: "addr_extension_spam",
    Category.SPAMMY: "addr_extension_spam",
    Category.BAD_HEADER: "addr_extension_bad_header",
}
_EXTENSION = re.compile(r"[A-Za-z0-9!#$%&'*/=?^_`{|}~.+-]{1,64}")  # unquoted, RFC 5321 4.1.2


def filed_address(case: Case, categories: Sequence[Category]) -> Address | None:
    """Return the address with which the next hop is asked for a local recipient's passing mail,
    None where it is his own.

    An extension that the address has already is replaced.
    """
    category = foremost(None, categories, _FIELDS)
    if category is None or not case.policy.local:
        return None
    delimiter = case.recipient_delimiter
    extension = getattr(case.policy.settings, _FIELDS[category]) or ""
    extension = extension.removeprefix(delimiter[:1])
    if not delimiter or not _EXTENSION.fullmatch(extension):
        return None
    return _extended(case.recipient.address, delimiter, extension)


def _extended(address: Address, delimiter: str, extension: str) -> Address | None:
    """Return the address with the extension, its other octets as they are; None for one that takes
    none, or is quoted.
    """
    path, _, domain = address.octets.decode("utf-8", "surrogateescape").rpartition("@")
    route, colon, local = path.rpartition(":")
    if local.startswith('"') or not takes_extension(local, delimiter):
        return None
    user = user_of(local, delimiter)
    text = f"{route}{colon}{user}{delimiter[0]}{extension}@{domain}"
    return parse_address(text.encode("utf-8", "surrogateescape"))
