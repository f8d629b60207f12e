"""The journal on Postgres: ports.Journal by raw SQL, the only writer from the filter.

open() is one transaction with one statement per table.  With a retry key all attempts of one
message share a row: what an earlier attempt settled is returned and left alone, what it left open
is done again.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import Error, close_old_connections, connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg2.extras import execute_values

from quarantine import sql
from quarantine.later import LaterWrites, Write
from quarantine.lease import holds, make_owner
from quarantine.models.attempt import LEASE
from quarantine.octets import write_octets
from quarantine.rows import (
    attempt_row,
    mail_row,
    notice_rows,
    recipient_row,
    settled_rows,
    unique_recipients,
    virus_rows,
)
from smtpfilter.errors import InProgress, JournalUnavailable
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.octets import Octets
from smtpfilter.mail.reply import Reply
from smtpfilter.ports.journal import JournalEntry, JournalRecipient
from smtpfilter.verdict.outcome import Outcome, Settlement

_log = logging.getLogger("postern")


@dataclass(frozen=True, slots=True)
class _AtWork:
    """A message between open() and close(): the row it shares, its key and its lease."""

    mail_number: int
    retry_key: bytes | None
    owner: str


class DatabaseJournal:
    """One per process, shared by its threads; each thread has its own connection."""

    def __init__(self) -> None:
        self._at_work: dict[int, _AtWork] = {}
        self._later = LaterWrites(_settle, self._forget)

    def open(self, entry: JournalEntry, octets: Octets) -> Mapping[bytes, Settlement]:
        """Record the message; return what an earlier attempt settled (ports.Journal)."""
        number = entry.envelope.mail_id.number
        work = _AtWork(number, entry.retry_key, make_owner(number))
        # Before the COMMIT: from then on the lease must hold.
        if self._at_work.setdefault(number, work) is not work:
            raise _id_taken(entry.envelope)
        try:
            with _transaction() as cursor:
                self._at_work[number], settled = self._record(cursor, work, entry, octets)
        except BaseException:
            self._forget(number)
            raise
        return settled

    def note(self, envelope: Envelope, settled: Mapping[bytes, Settlement]) -> None:
        self._write(envelope, settled, closing=False)

    def close(self, envelope: Envelope, settled: Mapping[bytes, Settlement], now: datetime) -> None:
        self._write(envelope, settled, closing=True)

    def flush(self, seconds: float) -> bool:
        """Wait for writes that are tried again; False where that took longer than `seconds`."""
        return self._later.flush(seconds)

    def count_fault(self, retry_key: bytes) -> int:
        with _transaction() as cursor:
            cursor.execute(sql.COUNT_FAULT, [retry_key])
            return int(cursor.fetchone()[0])

    def _record(
        self, cursor: CursorWrapper, work: _AtWork, entry: JournalEntry, octets: Octets
    ) -> tuple[_AtWork, dict[bytes, Settlement]]:
        recipients, settled = unique_recipients(entry), dict[bytes, Settlement]()
        tried: frozenset[bytes] = frozenset()  # by earlier attempts
        if entry.retry_key is not None:
            shared = _share_row(cursor, work)
            if shared != work:  # there were attempts before
                settled, tried = self._find_settled(cursor, shared, recipients)
            work = shared
            recipients = tuple(r for r in recipients if _path(r) not in settled)
            _lease(cursor, entry.retry_key, work.owner, recipients)
        if recipients:
            _write_mail(cursor, work, entry, recipients)
            if entry.keep:
                write_octets(cursor, work.mail_number, octets)
            _write_notices(cursor, work, entry)
            _count_hits(cursor, [r for r in recipients if _path(r) not in tried])
        return work, settled

    def _find_settled(
        self, cursor: CursorWrapper, work: _AtWork, recipients: tuple[JournalRecipient, ...]
    ) -> tuple[dict[bytes, Settlement], frozenset[bytes]]:
        """Return what earlier attempts settled, and whom they tried.  Raises InProgress while one
        is at work.
        """
        cursor.execute(sql.FIND_ATTEMPTS, [work.retry_key, [_path(r) for r in recipients]])
        settled = {}
        rows = cursor.fetchall()
        for path, outcome, code, enhanced, text, hop, owner, in_time in rows:
            if outcome not in (Outcome.PENDING, Outcome.DEFERRED):
                settlement = Settlement(Outcome(outcome), Reply(code, enhanced, text), hop)
                settled[bytes(path)] = settlement
            elif holds(owner, in_time, self._at_work):
                raise InProgress(f"{owner} works on it")
        return settled, frozenset(bytes(row[0]) for row in rows)

    def _write(
        self, envelope: Envelope, settled: Mapping[bytes, Settlement], *, closing: bool
    ) -> None:
        """Write, or leave it to the thread that tries again: the reply stands already."""
        attempt = envelope.mail_id.number
        work = self._at_work.get(attempt)
        if work is None:
            _log.error("journal: %s is not open", envelope.mail_id)
            return
        write = Write(attempt, work.mail_number, work.retry_key, work.owner, dict(settled), closing)
        if self._later.has(attempt):
            self._later.add(write)
            return
        try:
            close_old_connections()
            _settle(write)
        except Exception as error:  # noqa: BLE001 - no fault of ours may change a reply that stands
            _log.warning("journal: %s waits: %s", envelope.mail_id, type(error).__name__)
            self._later.add(write)
            return
        if closing:
            self._forget(attempt)

    def _forget(self, attempt: int) -> None:
        self._at_work.pop(attempt, None)


@contextmanager
def _transaction() -> Iterator[CursorWrapper]:
    """One transaction on a connection that works.  Whatever Postgres says is a 451.

    Raises JournalUnavailable.
    """
    try:
        close_old_connections()
        with transaction.atomic(), connection.cursor() as cursor:
            yield cursor
    except Error as error:
        raise JournalUnavailable(f"{type(error).__name__}: {error}") from error


def _share_row(cursor: CursorWrapper, work: _AtWork) -> _AtWork:
    """Take the key, waiting for others that take it, and the row that its first attempt made."""
    cursor.execute(sql.TAKE_KEY, [work.retry_key, work.mail_number])
    return _AtWork(int(cursor.fetchone()[0]), work.retry_key, work.owner)


def _lease(
    cursor: CursorWrapper, key: bytes, owner: str, recipients: tuple[JournalRecipient, ...]
) -> None:
    values = [attempt_row(key, row, owner, LEASE.total_seconds()) for row in recipients]
    _execute_values(cursor, sql.WRITE_ATTEMPTS, values, sql.ATTEMPT_VALUES)


def _write_mail(
    cursor: CursorWrapper,
    work: _AtWork,
    entry: JournalEntry,
    recipients: tuple[JournalRecipient, ...],
) -> None:
    cursor.execute(sql.READ_SETTINGS)
    delimiter, retention_days = cursor.fetchone() or ("+", 30)
    attempt, position = entry.envelope.mail_id.number, 0
    cursor.execute(sql.WRITE_MAIL, [*mail_row(work.mail_number, entry), attempt, attempt])
    if cursor.rowcount == 0:
        raise _id_taken(entry.envelope)
    if work.mail_number != attempt:
        cursor.execute(sql.COUNT_RECIPIENTS, [work.mail_number])
        position = int(cursor.fetchone()[0])
    now, retention = datetime.now(UTC), timedelta(days=retention_days)
    values = [
        recipient_row(work.mail_number, position + i, entry, row, delimiter, now, retention)
        for i, row in enumerate(recipients)
    ]
    _execute_values(cursor, sql.WRITE_RECIPIENTS, values)


def _write_notices(cursor: CursorWrapper, work: _AtWork, entry: JournalEntry) -> None:
    """Put who else is told into the outbox; what a retry puts there again is there already."""
    new_viruses: set[str] = set()
    viruses = virus_rows(entry, datetime.now(UTC))
    if viruses:
        _execute_values(cursor, sql.SEE_VIRUSES, viruses)
        new_viruses = {name for (name,) in cursor.fetchall()}
    rows = notice_rows(work.mail_number, entry, new_viruses)
    _execute_values(cursor, sql.WRITE_NOTICES, rows, sql.NOTICE_VALUES)


def _count_hits(cursor: CursorWrapper, recipients: Iterable[JournalRecipient]) -> None:
    """Count this mail for the sender rules that decided something, once for each (W-8)."""
    numbers = {number for row in recipients for number in row.verdict.listed}
    if numbers:
        cursor.execute(sql.COUNT_HITS, [list(numbers)])


def _settle(write: Write) -> None:
    """Write what became of the recipients; close gives up the lease, note extends it."""
    with transaction.atomic(), connection.cursor() as cursor:
        if write.settled:
            values = settled_rows(write.mail_number, write.settled)
            _execute_values(cursor, sql.SETTLE_RECIPIENTS, values)
        if write.retry_key is None:
            return
        if write.settled:
            values = [(write.retry_key, *row[1:]) for row in values]
            _execute_values(cursor, sql.SETTLE_ATTEMPTS, values)
        seconds = None if write.closing else LEASE.total_seconds()
        cursor.execute(sql.SET_LEASE, [write.owner, seconds, write.retry_key, write.owner])


def _execute_values(
    cursor: CursorWrapper,
    statement: str,
    values: list[tuple[object, ...]],
    template: str | None = None,
) -> None:
    if values:
        with connection.wrap_database_errors:  # the bare cursor raises psycopg2's errors
            execute_values(cursor.cursor, statement, values, template, len(values))


def _id_taken(envelope: Envelope) -> JournalUnavailable:
    """Two messages of one millisecond drew the same number; the retry draws another."""
    return JournalUnavailable(f"the id {envelope.mail_id} is taken")


def _path(row: JournalRecipient) -> bytes:
    return row.verdict.recipient.address.octets
