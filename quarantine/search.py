"""Finding messages and recipients: for screens and commands alike, newest first, page by page.

Every function takes `who`, the clause of accounts.access.recipients_of(): what is outside of it is
not there.  Pages are cut by key, not by offset, so that page 1000 costs what page 1 does and mail
that comes in meanwhile shifts nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from django.db.models import Exists, OuterRef, Prefetch, Q
from django.utils.dateparse import parse_datetime

from quarantine.models import UNKNOWN, MailRecord, RecipientRecord
from quarantine.models.attempt import LEASE
from smtpfilter.mail.address import BadPath, parse_address
from smtpfilter.mail.envelope import MailId
from smtpfilter.verdict.outcome import Outcome

Row = TypeVar("Row")

_AGO = re.compile(r"([0-9]{1,5})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for; "" and None do not narrow.

    `recipient`, `sender`: addresses, exact but for case; `sender` "<>" is the null sender.
    `owner`: canonical address without extension.  `text`: part of subject or From.
    """

    recipient: str = ""
    sender: str = ""
    owner: str = ""
    domain: str = ""
    mail_id: str = ""
    since: datetime | None = None
    category: str = ""
    outcome: str = ""
    state: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the key under which the next page begins, "" on the last one."""

    rows: Sequence[Row]
    following: str


def find_mails(who: Q, filters: Filters, *, limit: int, after: str = "") -> Page[MailRecord]:
    """Return messages that have such a recipient; `recipients.all()` are those in scope."""
    wanted = RecipientRecord.objects.filter(who, _recipient_clause(filters), mail=OuterRef("pk"))
    mails = MailRecord.objects.filter(_mail_clause(filters), Exists(wanted))
    if after:
        mails = mails.filter(pk__lt=_number(after))
    shown = RecipientRecord.objects.filter(who).order_by("position", "pk").defer("settings")
    rows = list(mails.order_by("-pk").prefetch_related(Prefetch("recipients", shown))[: limit + 1])
    return Page(rows[:limit], str(rows[limit - 1].pk) if len(rows) > limit else "")


def find_recipients(
    who: Q, filters: Filters, *, limit: int, after: str = "", held: bool = False
) -> Page[RecipientRecord]:
    """Return recipients with their `mail`; `held`: only those with a copy, now or once."""
    rows = RecipientRecord.objects.filter(
        who, _recipient_clause(filters), _mail_clause(filters, "mail__")
    )
    if held:
        rows = rows.filter(state__isnull=False)
    if after:
        mail, _, number = after.partition("-")
        before, last = _number(mail), _number(number or "0")
        rows = rows.filter(mail_id__lte=before).filter(Q(mail_id__lt=before) | Q(pk__gt=last))
    rows = rows.select_related("mail").defer("settings", "mail__findings")
    found = list(rows.order_by("-mail_id", "pk")[: limit + 1])
    if len(found) <= limit:
        return Page(found, "")
    return Page(found[:limit], f"{found[limit - 1].mail_id}-{found[limit - 1].pk}")


def find_copy(who: Q, mail_id: str, recipient: str) -> RecipientRecord | None:
    """Return the recipient of the message with a copy, now or once; of several that differ in case
    the one written so.
    """
    filters = Filters(mail_id=mail_id, recipient=recipient)
    rows = find_recipients(who, filters, limit=10, held=True).rows if recipient else ()
    return next((row for row in rows if row.address == recipient), next(iter(rows), None))


def parse_since(text: str) -> datetime:
    """Return the time that `text` names: RFC 3339, or so long ago (15m, 2h, 7d).

    Raises ValueError with the sentence.
    """
    if match := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        time = parse_datetime(text.upper())
    except ValueError:
        time = None
    if time is None:
        raise ValueError(f"{text!r} is no time: write 2026-03-01T12:00:00Z, 15m, 2h or 7d")
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _mail_clause(filters: Filters, prefix: str = "") -> Q:
    clause = Q()
    if filters.sender:
        clause &= Q(**{f"{prefix}mail_from_canonical": _canonical(filters.sender)})
    if filters.since:
        clause &= Q(**{f"{prefix}pk__gte": MailId.make(filters.since, 0).number})
    if filters.mail_id:
        clause &= _id_clause(filters.mail_id, prefix)
    if filters.text:
        clause &= Q(**{f"{prefix}subject__icontains": _plain(filters.text)}) | Q(
            **{f"{prefix}header_from__icontains": _plain(filters.text)}
        )
    return clause


def _id_clause(mail_id: str, prefix: str) -> Q:
    """Return the clause for one message by any id under which it was logged."""
    try:
        number = MailId.parse(mail_id).number
    except ValueError:
        return Q(pk__in=[])
    return Q(**{f"{prefix}pk": number}) | Q(**{f"{prefix}later_ids__contains": [number]})


def _recipient_clause(filters: Filters) -> Q:
    clause = Q()
    if filters.recipient:
        clause &= Q(canonical=_canonical(filters.recipient))
    if filters.outcome == UNKNOWN:
        silent = MailId.make(datetime.now(UTC) - LEASE, 0)
        clause &= Q(outcome=str(Outcome.PENDING), mail_id__lt=silent.number)
    elif filters.outcome:
        clause &= Q(outcome=_plain(filters.outcome))
    for column in ("owner", "domain", "category", "state"):
        if value := getattr(filters, column):
            clause &= Q(**{column: _plain(value)})
    return clause


def _canonical(text: str) -> str:
    text = _plain(text)
    try:
        return parse_address(text.removeprefix("<").removesuffix(">").encode()).canonical
    except BadPath:
        return text.lower()


def _plain(text: str) -> str:
    """Return text that Postgres takes: a question may hold anything."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    return min(number, (1 << 63) - 1)
