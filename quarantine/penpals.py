"""ports.PenPals on Postgres: who of ours wrote to a sender, in the journal of delivered mail."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import Error, close_old_connections, connection

from quarantine import sql
from quarantine.rows import owner_of
from smtpfilter.errors import JournalUnavailable
from smtpfilter.mail.address import Address
from smtpfilter.mail.envelope import MailId
from smtpfilter.mail.findings import visible


class DatabasePenPals:
    """Thread-safe: each thread has its own connection."""

    def last_written(
        self,
        sender: Address,
        recipients: Sequence[Address],
        answered_ids: Sequence[str],
        delimiter: str,
        since: datetime,
    ) -> Mapping[bytes, datetime]:
        """Return when each recipient last wrote, under his address with or without its extension
        (ports.PenPals).
        """
        names = {
            address.octets: {
                visible(address.canonical),
                visible(owner_of(address, delimiter)),
            }
            for address in recipients
        }
        found = _ask(sender, sorted(set().union(*names.values())), answered_ids, since)
        written = {
            octets: max((found[name] for name in own if name in found), default=None)
            for octets, own in names.items()
        }
        return {octets: at for octets, at in written.items() if at is not None}


def _ask(
    sender: Address, own: Sequence[str], answered_ids: Sequence[str], since: datetime
) -> dict[str, datetime]:
    """Return when each of the addresses `own` last wrote."""
    values: dict[str, Any] = {
        "sender": visible(sender.canonical),
        "own": list(own),
        "answered_ids": list(answered_ids),
        "since": since,
        "oldest": MailId.make(since.astimezone(UTC), 0).number,
    }
    try:
        if not connection.in_atomic_block:
            close_old_connections()
        with connection.cursor() as cursor:
            cursor.execute(sql.FIND_PEN_PALS, values)
            return dict(cursor.fetchall())
    except Error as error:
        raise JournalUnavailable(f"{type(error).__name__}: {error}") from error
