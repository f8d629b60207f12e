"""A journal on the real Postgres, committed: threads and processes must see its rows."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from appliance.accounts.models import Role, User
from quarantine.models import MailEvent
from quarantine.store import DatabaseJournal

TABLES = (  # in an order in which rows may go
    "quarantine_notice",
    "quarantine_seen_virus",
    "quarantine_release",
    "quarantine_recipient",
    "quarantine_body_chunk",
    "quarantine_mail",
    "quarantine_attempt",
    "quarantine_retry_key",
    "accounts_domainmembership",
    "accounts_mailboxmembership",
    "accounts_user",
    "domains_mailbox",
    "domains_domain",
)


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Replace pytest-django's: the journal and accounts are empty, policy stays."""
    with django_db_blocker.unblock():
        _empty()  # other areas' tests may leave rows behind
        yield
        _empty()
        connection.close()


def _empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute("; ".join(f"DELETE FROM {table}" for table in TABLES))
        if MailEvent.objects.exists():
            cursor.execute("TRUNCATE quarantine_event")  # DELETE is refused


@pytest.fixture
def journal(transactional_db: None) -> DatabaseJournal:
    return DatabaseJournal()


@pytest.fixture
def administrator() -> User:
    return User(email="root@example.com", role=Role.ADMINISTRATOR)


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Nobody is woken up; the ids that would have been sent are kept."""
    woken: list[int] = []
    monkeypatch.setattr("quarantine.release.wake_sender", woken.append)
    return woken
