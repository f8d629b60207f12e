"""Reading a source: its rows become what it says, or nothing changes and the reason is kept (K-8).

One transaction: the filter sees the old rows or the new ones.
"""

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F

from appliance.domains.models import Domain
from appliance.errors import Refused
from appliance.policies.models import PolicyLayer, SenderRule
from appliance.policies.revisions import record
from appliance.sources.accounts import rows_of
from appliance.sources.directory import read_directory
from appliance.sources.edit import find_source
from appliance.sources.files import read_rows
from appliance.sources.models import RESULT_LIMIT, Source
from appliance.sources.rows import Rows, replace_rows
from smtpfilter.mail.findings import visible

MOST_PROBLEMS = 10  # that the result tells
FEW_ROWS = 10  # below this many a source may shrink as it likes


def read_source(*, name: str, actor: str, force: bool = False) -> Source:
    """Read the source called `name` now.

    An answer without rows, or with less than half as many as there are, is taken for a mistake
    unless `force` says otherwise.  Raises Refused, Unknown; the rows are then as they were.
    """
    source = find_source(name)
    Source.objects.filter(pk=source.pk).update(tried_at=datetime.now(UTC))
    try:
        rows, problems = _rows(source)
        return _store(source.pk, rows, problems, actor, force)
    except Refused as refused:
        result = visible(f"nothing changed: {refused}", RESULT_LIMIT)
        Source.objects.filter(pk=source.pk).update(failed=True, last_result=result)
        raise


def due_sources(now: datetime) -> list[Source]:
    """Return the sources whose time has come, those never tried first."""
    never_tried_first = F("tried_at").asc(nulls_first=True)
    return [
        source
        for source in Source.objects.filter(every_minutes__gt=0).order_by(never_tried_first, "pk")
        if source.tried_at is None
        or source.tried_at + timedelta(minutes=source.every_minutes) <= now
    ]


def _rows(source: Source) -> tuple[Rows, list[str]]:
    if source.kind == Source.Kind.FILE:
        return read_rows(source.path, source.holds, source.key)
    return rows_of(read_directory(source))


@transaction.atomic
def _store(number: int, rows: Rows, problems: list[str], actor: str, force: bool) -> Source:
    source = Source.objects.select_for_update().get(pk=number)
    before = _present(source.name)
    if not force and _is_suspicious(before, len(rows)):
        raise Refused(f"{len(rows)} rows where there were {before}: read it with --force")
    difference = replace_rows(source.name, rows)
    source.last_read_at = datetime.now(UTC)
    source.last_result = visible(_result(len(rows), problems), RESULT_LIMIT)
    source.failed, source.entries = False, len(rows)
    source.save()
    if difference:
        after = {"rows": len(rows)} | difference.as_json()
        record(
            who=actor, verb="sources read", key=source.name, before={"rows": before}, after=after
        )
    return source


def _present(name: str) -> int:
    return sum(
        model.objects.filter(source=name).count() for model in (Domain, PolicyLayer, SenderRule)
    )


def _is_suspicious(before: int, now: int) -> bool:
    return now == 0 < before or (before >= FEW_ROWS and now < before / 2)


def _result(count: int, problems: list[str]) -> str:
    more = len(problems) - MOST_PROBLEMS
    told = problems[:MOST_PROBLEMS] + ([f"and {more} more"] if more > 0 else [])
    return "; ".join([f"{count} row{'s' if count != 1 else ''}", *told])
