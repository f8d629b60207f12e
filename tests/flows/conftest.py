"""Broad flows: a real filter, real Postgres and engines, a scripted next hop, and the commands
beside it.

The filter is a process of its own, so nothing is rolled back: each test begins with an empty
journal and the starting policy.
"""

import json
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from appliance.domains.edit import add_domain
from appliance.status.models import ONLY_ROW, SiteSettings
from quarantine.nexthop import notify_relay
from tests.doubles.engines import Engines
from tests.doubles.next_hop import NextHop, Script
from tests.flows.black_box import Box
from tests.flows.running import RunningFilter, running_filter
from tests.tables import JOURNAL

Manage = Callable[..., Any]


@pytest.fixture(scope="session")
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield
        connection.close()


@pytest.fixture(scope="session")
def next_hop() -> Iterator[NextHop]:
    with NextHop() as hop:
        yield hop


@pytest.fixture(scope="session")
def filter_process(
    database: None, next_hop: NextHop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningFilter]:
    with running_filter(tmp_path_factory.mktemp("filter"), next_hop) as running:
        yield running


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    engines = Engines(tmp_path_factory.mktemp("engines"))
    yield engines
    engines.stop()


@pytest.fixture(scope="session")
def exact_filter(
    database: None,
    next_hop: NextHop,
    engines: Engines,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningFilter]:
    with running_filter(tmp_path_factory.mktemp("exact"), next_hop, **engines.settings) as running:
        yield running


@pytest.fixture
def box(exact_filter: RunningFilter, hop: NextHop, engines: Engines, manage: Manage) -> Box:
    """A filter whose engines find what the test says: at first nothing."""
    engines.says()
    return Box(exact_filter, hop, engines, manage)


@pytest.fixture
def transactional_db(database: None) -> None:
    """Replace pytest-django's, by whose name it knows that a database is needed."""


@pytest.fixture(autouse=True)
def fresh(transactional_db: None) -> None:
    """An empty journal, the starting policy, and the local domain example.com; every mail is
    scanned, however often it came before.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {JOURNAL}")
        cursor.execute("DELETE FROM policies_senderrule")
        cursor.execute("DELETE FROM policies_policylayer WHERE key <> '@.'")
        cursor.execute("DELETE FROM policies_banruleset")
        cursor.execute("DELETE FROM domains_domain")
    SiteSettings.objects.update_or_create(id=ONLY_ROW, defaults={"remember_seconds": 0})
    add_domain(name="example.com", actor="test")


@pytest.fixture
def hop(next_hop: NextHop) -> Iterator[NextHop]:
    """The next hop, its script and ledger new."""
    next_hop.script = Script()
    next_hop.ledger.clear()
    next_hop.commands.clear()
    yield next_hop
    next_hop.script = Script()


@pytest.fixture
def postern(filter_process: RunningFilter, hop: NextHop) -> RunningFilter:
    """The filter, its next hop freshly scripted."""
    return filter_process


@pytest.fixture
def manage(next_hop: NextHop, monkeypatch: pytest.MonkeyPatch) -> Manage:
    """Return a function that runs a command with --json and returns what it printed."""
    monkeypatch.setenv("FILTER_NOTIFY", next_hop.endpoint)
    notify_relay.cache_clear()

    def run(*words: str) -> Any:
        output = StringIO()
        call_command(*words, "--json", stdout=output)
        return json.loads(output.getvalue())

    return run


@pytest.fixture
def own_filter(database: None, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that starts a filter of this test's own (a context manager)."""
    return lambda hop, **settings: running_filter(tmp_path, hop, **settings)
