"""What all tests share: where the test mail lies, and a clear word if the services are missing."""

import os
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to start without the private services, before Django complains about settings."""
    missing = [name for name in ("DATABASE_URL", "SECRET_KEY") if not os.environ.get(name)]
    if missing:
        raise pytest.UsageError(f"{' and '.join(missing)} not set: run ./postern test [ARGS]")


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder that holds `postern` and `manage.py`."""
    return CHECKOUT


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder with the test mail: $POSTERN_CORPUS, or ../shared/corpus beside the checkout."""
    given = os.environ.get("POSTERN_CORPUS", "")
    folder = Path(given) if given else CHECKOUT.parent / "shared" / "corpus"
    if not (folder / "MANIFEST.csv").is_file():
        pytest.skip(f"the test mail is not here: {folder} (set POSTERN_CORPUS to its folder)")
    return folder


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Let what a committed test stored be emptied afterwards: the record of changes forbids it."""
    from django.db import connection  # here: most tests do without Django

    table = "policies_policychange"
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_never_emptied")
