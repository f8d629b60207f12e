"""What time does to the journal: copies expire, octets go, attempts are forgotten, old records end.

Work is done in batches, each its own transaction, so that mail never waits for it.  A copy that is
being released is left alone.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from appliance.status.models import SiteSettings
from quarantine.models import MailRecord, Notice
from quarantine.models.attempt import REMEMBERED_DAYS
from smtpfilter.mail.envelope import MailId

BATCH = 500
PURGED_AT_ONCE = 10  # messages of up to 64 MiB each, within the 10 s of a statement

_EXPIRE = """
    WITH gone AS (
        UPDATE quarantine_recipient SET state = 'expired'
        WHERE id IN (
            SELECT id FROM quarantine_recipient
            WHERE (state IN ('held', 'requested', 'failed') AND expires_at <= %(now)s)
               OR (state = 'deleted' AND deleted_at <= %(bin)s)
            LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
        RETURNING mail_id, address)
    INSERT INTO quarantine_event (mail_id, recipient, deed, actor, at, detail)
    SELECT mail_id, address, 'expire', 'retention', %(now)s, '' FROM gone"""

# The octets of a released copy can be looked at until it would have expired.
_PURGE = """
    WITH unneeded AS (
        SELECT id FROM quarantine_mail AS m
        WHERE has_body AND NOT EXISTS (
            SELECT FROM quarantine_recipient AS r
            WHERE r.mail_id = m.id
              AND (r.state IN ('held', 'requested', 'releasing', 'failed', 'deleted')
                   OR r.state = 'released' AND r.expires_at > %(now)s))
        LIMIT %(purged_at_once)s FOR UPDATE SKIP LOCKED),
    purged AS (DELETE FROM quarantine_body_chunk WHERE mail_id IN (SELECT id FROM unneeded))
    UPDATE quarantine_mail SET has_body = false WHERE id IN (SELECT id FROM unneeded)"""

_FORGET = """
    WITH old AS (
        SELECT key FROM quarantine_retry_key WHERE touched_at <= %(forget)s
        LIMIT %(batch)s FOR UPDATE SKIP LOCKED),
    gone AS (DELETE FROM quarantine_attempt WHERE key IN (SELECT key FROM old))
    DELETE FROM quarantine_retry_key WHERE key IN (SELECT key FROM old)"""


def retain(*, now: datetime) -> dict[str, int]:
    """Do all that is due; return how many rows each step ended."""
    site = SiteSettings.load()
    values: dict[str, Any] = {
        "now": now,
        "bin": now - timedelta(hours=site.bin_hours),
        "forget": now - timedelta(days=REMEMBERED_DAYS),
        "batch": BATCH,
        "purged_at_once": PURGED_AT_ONCE,
    }
    oldest = MailId.make(now - timedelta(days=site.journal_days), 0)
    _repeat(lambda: _end_summaries(now - timedelta(days=site.journal_days)))
    return {
        "expired": _repeat(lambda: _execute(_EXPIRE, values)),
        "purged": _repeat(lambda: _execute(_PURGE, values), PURGED_AT_ONCE),
        "forgotten": _repeat(lambda: _execute(_FORGET, values)),
        "ended": _repeat(lambda: _end_records(oldest)),
    }


def _repeat(step: Callable[[], int], batch: int | None = None) -> int:
    total = done = step()
    while done == (batch or BATCH):
        done = step()
        total += done
    return total


def _execute(statement: str, values: dict[str, Any]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _end_summaries(oldest: datetime) -> int:
    """Delete summaries of notices; all other notices go with the record of their message."""
    old = Notice.objects.filter(mail=None, created_at__lt=oldest).order_by("pk")
    numbers = list(old.values_list("pk", flat=True)[:BATCH])
    Notice.objects.filter(pk__in=numbers).delete()
    return len(numbers)


def _end_records(oldest: MailId) -> int:
    """Delete records of messages without octets; what people did with them stays in the events."""
    with transaction.atomic():
        old = MailRecord.objects.filter(pk__lt=oldest.number, has_body=False).order_by("pk")
        numbers = list(old.values_list("pk", flat=True)[:BATCH])
        MailRecord.objects.filter(pk__in=numbers).delete()
        return len(numbers)
