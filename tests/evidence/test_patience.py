"""A Postgres that stands still is given up after a while, and found again (C4)."""

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from django.db import OperationalError, close_old_connections, connection, transaction
from psycopg2 import extensions

from appliance.patience import limit_waiting


@pytest.fixture
def impatient() -> Iterator[None]:
    limit_waiting(0.3)
    yield
    extensions.set_wait_callback(None)


def dsn() -> dict[str, object]:
    at = connection.get_connection_params()
    return {name: at[name] for name in ("dbname", "user", "host") if at.get(name)}


def test_what_answers_in_time_is_heard(transactional_db: None, impatient: None) -> None:
    with closing(psycopg2.connect(**dsn())) as own, own.cursor() as cursor:
        cursor.execute("SELECT repeat('x', 3000000)")
        assert len(cursor.fetchone()[0]) == 3_000_000


def test_a_wait_that_takes_too_long_closes_the_connection(
    transactional_db: None, impatient: None
) -> None:
    with closing(psycopg2.connect(**dsn())) as own, own.cursor() as cursor:
        with pytest.raises(psycopg2.OperationalError, match=r"does not answer within 0\.3 s"):
            cursor.execute("SELECT pg_sleep(5)")
        assert own.closed


def test_django_finds_a_new_connection_afterwards(transactional_db: None, impatient: None) -> None:
    connection.close()
    with pytest.raises(OperationalError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    close_old_connections()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 7")
        assert cursor.fetchone() == (7,)
    connection.close()
