"""Who writes and gets most, which viruses and rules are found most, and which rules hold mail that
people release: suspects for false positives.

Senders and recipients are counted over the whole period.  What stands in the findings is counted in
the newest SAMPLE messages of it, since every one of them has to be opened; pages say so.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count, Q, QuerySet

from quarantine.models import HeldState, MailRecord, RecipientRecord
from quarantine.statistics import STOPPED
from smtpfilter.mail.envelope import MailId
from smtpfilter.verdict.category import Category

MOST = 8
SAMPLE = 2000
FEWEST = 3  # copies that a rule has to have held before its releases say anything

_STOPPED = [str(outcome) for outcome in STOPPED]
_RULES = """
    SELECT rule->>'name', count(*), count(*) FILTER (WHERE told.marked)
    FROM unnest(%s::bigint[], %s::boolean[]) AS told (id, marked)
    JOIN quarantine_mail AS mail ON mail.id = told.id,
    jsonb_array_elements(mail.findings #> '{spam,rules}') AS rule
    GROUP BY 1"""


@dataclass(frozen=True, slots=True)
class Top:
    """`marked`: how many of `number` were stopped, or of held copies released."""

    name: str
    number: int
    marked: int

    @property
    def percent(self) -> int:
        return round(100 * self.marked / self.number)


def top_senders(who: Q, *, since: datetime) -> list[Top]:
    """Return the envelope senders, "" the null sender, with most recipients."""
    return _most(_rows(who, since), "mail__mail_from_canonical")


def top_recipients(who: Q, *, since: datetime) -> list[Top]:
    return _most(_rows(who, since), "canonical")


def top_viruses(who: Q, *, since: datetime) -> list[Top]:
    """Return the names by the number of messages."""
    infected = _rows(who, since).filter(category=str(Category.VIRUS))
    ids = list(infected.order_by("-mail_id").values_list("mail_id", flat=True)[:SAMPLE])
    found = Counter(
        name
        for mail in MailRecord.objects.filter(pk__in=ids).only("findings")
        for name in {virus.name for virus in mail.read_findings().infections}
    )
    return [Top(name, number, number) for name, number in found.most_common(MOST)]


def top_rules(who: Q, *, since: datetime) -> list[Top]:
    """Return the rules that hit most messages, and how often these were stopped."""
    rows = _rows(who, since).order_by("-mail_id").values_list("mail_id", "outcome")[:SAMPLE]
    used = _rules({mail: outcome in _STOPPED for mail, outcome in rows}.items())
    return sorted(used, key=lambda top: (-top.number, top.name))[:MOST]


def suspects(who: Q, *, since: datetime) -> list[Top]:
    """Return the rules whose held copies were released most often, of FEWEST copies or more."""
    copies = _rows(who, since).filter(state__isnull=False)
    rows = copies.order_by("-mail_id").values_list("mail_id", "state")[:SAMPLE]
    used = _rules((mail, state == HeldState.RELEASED) for mail, state in rows)
    released = [top for top in used if top.marked and top.number >= FEWEST]
    return sorted(released, key=lambda top: (-top.percent, -top.number, top.name))[:MOST]


def _rows(who: Q, since: datetime) -> QuerySet[RecipientRecord]:
    return RecipientRecord.objects.filter(who, mail_id__gte=MailId.make(since, 0).number)


def _most(rows: QuerySet[RecipientRecord], column: str) -> list[Top]:
    """Return the most frequent values of the column."""
    groups = rows.order_by().values_list(column)
    counted = groups.annotate(
        rows=Count("pk"), stopped=Count("pk", filter=Q(outcome__in=_STOPPED))
    ).order_by("-rows", column)
    return [Top(*row) for row in counted[:MOST]]


def _rules(told: Iterable[tuple[int, bool]]) -> list[Top]:
    """Return every rule with its hits in the messages `told`, (id, marked)."""
    pairs = list(told)
    with connection.cursor() as cursor:
        cursor.execute(_RULES, [[mail for mail, _ in pairs], [marked for _, marked in pairs]])
        return [Top(*row) for row in cursor.fetchall()]
