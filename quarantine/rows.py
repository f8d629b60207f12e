"""From a journal entry to the rows that record it.  Pure: the store only executes them.

All text and all JSON is made visible() here, at the last step before Postgres, whoever wrote it: a
NUL or a lone surrogate would fail the transaction, and so the message, for ever (P6).
"""

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from quarantine.models.mail import HeldState
from smtpfilter.mail.address import Address
from smtpfilter.mail.findings import visible
from smtpfilter.policy.layers import EffectivePolicy
from smtpfilter.policy.lookup import SITE, is_bare, lookup_keys
from smtpfilter.policy.settings import PolicySettings, format_value
from smtpfilter.ports.journal import JournalEntry, JournalRecipient
from smtpfilter.verdict.outcome import Outcome, Settlement

Row = tuple[Any, ...]

LONGEST_JSON_TEXT = 4000  # characters of one string inside findings or facts
EVERY_VIRUS, NEW_VIRUS = "virus_admin", "newvirus_admin"


def mail_row(number: int, entry: JournalEntry) -> Row:
    """Return the values of sql.MAIL_COLUMNS."""
    envelope, client = entry.envelope, entry.envelope.client
    spam = entry.findings.spam
    words = (client.address, client.name, client.port, client.proto)
    more = (client.helo, client.ident, client.source)
    return (
        number,
        envelope.received_at,
        visible(envelope.peer),
        envelope.protocol,
        *(visible(word or "") for word in words + more),
        visible(envelope.mail_from.text),
        visible(envelope.mail_from.canonical),
        envelope.mail_from.octets,
        envelope.body or "",
        envelope.smtputf8,
        envelope.ret,
        envelope.envid,
        visible(entry.subject),
        visible(entry.message_id),
        visible(entry.header_from),
        entry.size_bytes,
        entry.sha256,
        _number(spam.score) if spam else None,
        to_json(entry.findings.to_json()),
        entry.revision,
        entry.originating,
        entry.keep,
    )


def recipient_row(
    number: int,
    position: int,
    entry: JournalEntry,
    row: JournalRecipient,
    delimiter: str,
    now: datetime,
    retention: timedelta,
) -> Row:
    """Return the values of sql.RECIPIENT_COLUMNS."""
    verdict, address = row.verdict, row.verdict.recipient.address
    held = entry.keep and verdict.keep
    final = row.outcome not in (Outcome.PENDING, Outcome.DEFERRED)
    return (
        number,
        position,
        address.octets,
        verdict.recipient.orcpt,
        ",".join(verdict.recipient.notify),
        visible(address.text),
        visible(address.canonical),
        visible(owner_of(address, delimiter)),
        visible(address.domain),
        str(verdict.category),
        str(verdict.destiny),
        verdict.blocked_by is not None,
        str(row.outcome),
        str(HeldState.HELD) if held else None,
        visible(str(row.reply)) if row.reply else "",
        to_json(verdict.reasons),
        to_json(verdict.let_through),
        to_json(verdict.banned),
        to_json(grouped_settings(verdict.policy)),
        _number(verdict.score),
        now if final else None,
        now + retention if held else None,
    )


def attempt_row(key: bytes, row: JournalRecipient, owner: str, seconds: float) -> Row:
    """Return the values of sql.ATTEMPT_VALUES; only a pending recipient is leased."""
    path, reply = row.verdict.recipient.address.octets, row.reply
    if row.outcome is Outcome.PENDING or reply is None:
        return (key, path, str(row.outcome), 0, "", "", owner, seconds)
    texts = (visible(reply.enhanced), visible(reply.text))
    return (key, path, str(row.outcome), reply.code, *texts, "", None)


def virus_rows(entry: JournalEntry, now: datetime) -> list[Row]:
    """Return (name, time) of each virus found, in the order of names."""
    names = {visible(virus.name) for virus in entry.findings.infections}
    return [(name, now) for name in sorted(names)]


def notice_rows(number: int, entry: JournalEntry, new_viruses: Collection[str]) -> list[Row]:
    """Return the values of sql.NOTICE_VALUES, each notice once.

    An order about new viruses counts only where one of its names is in `new_viruses`, and nobody
    gets it who is told of every virus: that notice says what is new (N-5).
    """
    facts = to_json({**entry.facts, "new_viruses": sorted(new_viruses)}) if entry.notices else "{}"
    told_of_all = {order.to for order in entry.notices if order.kind == EVERY_VIRUS}
    rows = {
        (order.kind, order.to): (number, order.kind, visible(order.to), order.language, facts)
        for order in entry.notices
        if order.kind != NEW_VIRUS
        or (order.to not in told_of_all and any(visible(n) in new_viruses for n in order.names))
    }
    return list(rows.values())


def settled_rows(number: int, settled: Mapping[bytes, Settlement]) -> list[Row]:
    """Return (mail_id, path, outcome, line, code, enhanced, text, hop) for each."""
    return [
        (
            number,
            path,
            str(settlement.outcome),
            visible(str(settlement.reply)),
            settlement.reply.code,
            visible(settlement.reply.enhanced),
            visible(settlement.reply.text),
            visible(settlement.hop),
        )
        for path, settlement in settled.items()
    ]


def unique_recipients(entry: JournalEntry) -> tuple[JournalRecipient, ...]:
    """Return the entry's recipients, each forward-path once."""
    return tuple({r.verdict.recipient.address.octets: r for r in entry.recipients}.values())


def owner_of(address: Address, delimiter: str) -> str:
    """Return whose mailbox it is: the canonical address without its extension."""
    keys = [key for key in lookup_keys(address, delimiter) if key != SITE and not is_bare(key)]
    full = [key for key in keys if "@" in key]  # with extension, then without
    return full[-1] if full else address.canonical


def grouped_settings(policy: EffectivePolicy) -> dict[str, dict[str, Any]]:
    """Return {origin: {field: value}}: a few origins, so half the size of one origin per field."""
    grouped: dict[str, dict[str, Any]] = {}
    for field in fields(PolicySettings):
        origin = policy.origins.get(field.name, "default")
        value = format_value(getattr(policy.settings, field.name))
        grouped.setdefault(origin, {})[field.name] = value
    return grouped


def to_json(value: Any) -> str:
    """Return `value` as JSON that Postgres takes: visible text, finite numbers."""
    return json.dumps(_harmless(value), ensure_ascii=False, allow_nan=False)


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value, LONGEST_JSON_TEXT)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return {visible(str(key)): _harmless(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_harmless(item) for item in value]
    return value


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
