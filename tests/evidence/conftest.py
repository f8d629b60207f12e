"""A journal on the real Postgres.  Threads and processes must see its rows, so nothing is rolled
back."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from quarantine.store import DatabaseJournal

TABLES = (
    "quarantine_mail, quarantine_recipient, quarantine_body_chunk, quarantine_attempt,"
    " quarantine_retry_key, quarantine_release, quarantine_event"
)


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Replace pytest-django's: rows of the journal go afterwards, what migrations stored stays."""
    with django_db_blocker.unblock():
        yield
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLES}")
        connection.close()


@pytest.fixture
def journal(transactional_db: None) -> DatabaseJournal:
    return DatabaseJournal()
