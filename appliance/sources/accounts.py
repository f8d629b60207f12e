"""Entries of a directory as rows: amavisd's attributes (P-10) become fields of the same name.

amavisVirusLover is virus_lover, and so on; amavisLocal makes a domain local; amavisWhitelistSender
and amavisBlacklistSender list senders.  The values of mail are keys in amavisd's notation:
user@example.com, @example.com, @.example.com with all below, @. for all, user for any local domain.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from appliance.domains.names import printed_key, printed_sender
from appliance.errors import Refused
from appliance.sources.rows import Rows, merged
from appliance.sources.values import is_true, typed_value
from smtpfilter.mail.findings import visible
from smtpfilter.policy.lookup import SITE
from smtpfilter.policy.settings import FIELDS

Attributes = Mapping[str, Sequence[str]]  # names in lower case, without options

MAIL, LOCAL = "mail", "amavislocal"
SENDERS = {"amavisblacklistsender": "block", "amaviswhitelistsender": "allow"}
FIELD_OF = {f"amavis{name.replace('_', '')}": name for name in FIELDS}
ATTRIBUTES = (MAIL, LOCAL, *SENDERS, *FIELD_OF)

_LISTS = ("banned_rulenames", "allowed_added_header_fields", "forward_method")


def rows_of(found: Iterable[Attributes]) -> tuple[Rows, list[str]]:
    """Return the rows that the entries say, and a sentence for each kind of thing that is not kept.

    Of two entries with one key the first one counts, field by field.
    """
    problems: Counter[str] = Counter()
    rows = merged(_entry(attributes, problems) for attributes in found)
    told = [f"{text} ({count} times)" if count > 1 else text for text, count in problems.items()]
    return rows, told


def _entry(attributes: Attributes, problems: Counter[str]) -> Rows:
    settings = _settings(attributes, problems)
    keys = list(_keys(attributes.get(MAIL, ()), problems))
    senders = {
        (key, sender): (action, 0.0)
        for name, action in SENDERS.items()  # allow comes last: it wins (W-1)
        for sender in _senders(attributes.get(name, ()), problems)
        for key in keys
    }
    local = any(map(is_true, attributes.get(LOCAL, ())))
    domains = frozenset(key for key in keys if local and "@" not in key)
    if local and len(domains) < len([key for key in keys if key != SITE]):
        problems["amavisLocal counts for domains only"] += 1
    layers = dict.fromkeys(keys, settings) if settings else {}
    return Rows(domains=domains, layers=layers, senders=senders)


def _settings(attributes: Attributes, problems: Counter[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name, values in attributes.items():
        field = FIELD_OF.get(name)
        if not values:
            continue
        if field:
            try:
                settings[field] = typed_value(field, _joined(field, values))
            except Refused as refused:
                problems[visible(str(refused), 200)] += 1
        elif name.startswith("amavis") and name not in (LOCAL, *SENDERS):
            problems[f"{visible(name, 60)} is no setting of Postern"] += 1
    return settings


def _joined(field: str, values: Sequence[str]) -> str:
    """Return the attribute's values as one text: lists by comma, else the first."""
    is_list = field in _LISTS or field.endswith("_admin")
    return ",".join(values) if is_list else values[0]


def _keys(values: Sequence[str], problems: Counter[str]) -> Iterable[str]:
    for value in values:
        try:
            yield printed_key(value if "@" in value else f"{value}@")
        except Refused as refused:
            problems[visible(str(refused), 200)] += 1


def _senders(values: Sequence[str], problems: Counter[str]) -> Iterable[str]:
    for value in values:
        try:
            yield printed_sender(value)
        except Refused as refused:
            problems[visible(str(refused), 200)] += 1
