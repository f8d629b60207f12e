"""Engines, Postgres and next hop go and come back: 451 meanwhile, and mail flows again by itself
(P3).
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.doubles.next_hop import NextHop
from tests.flows.conftest import Manage
from tests.flows.mails import mail
from tests.flows.running import RunningFilter
from tests.scan.fake_engine import FakeEngine, clamd_that_finds_nothing, spamd_says

StartFilter = Callable[..., AbstractContextManager[RunningFilter]]

CLEAN = clamd_that_finds_nothing
HAM = spamd_says(b"SPAMD/1.1 0 EX_OK\r\nContent-length: 0\r\nSpam: False ; 0.1 / 6.3\r\n\r\n")


@pytest.fixture
def sockets() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="postern-"))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("engine, play", [("clamd", CLEAN), ("spamd", HAM)], ids=["clamd", "spamd"])
def test_a_dead_engine_means_451_until_it_is_back(
    own_filter: StartFilter,
    hop: NextHop,
    next_hop: NextHop,
    sockets: Path,
    engine: str,
    play: Any,
    manage: Manage,
) -> None:
    socket = sockets / engine
    with own_filter(next_hop, **{f"FILTER_{engine.upper()}": str(socket)}) as postern:
        for _ in range(7):  # more often than the circuit breaker waits for
            (reply,) = postern.send(mail())
            assert reply.startswith("451 4.3.0 ")
        assert not hop.delivered
        (last, *_) = manage("mails", "list")
        assert last["recipients"][0]["outcome"] == "deferred"
        fake = FakeEngine(socket, play)
        (reply,) = postern.send(mail())
        assert reply.startswith("250 2.0.0 ")
        fake.stop()


def test_a_policy_may_choose_to_hold_or_pass_what_no_scanner_saw(
    own_filter: StartFilter, hop: NextHop, next_hop: NextHop, sockets: Path, manage: Manage
) -> None:
    manage("policy", "set", "hold@example.com", "scanner_failure_destiny=discard")
    manage("policy", "set", "pass@example.com", "scanner_failure_destiny=pass")
    with own_filter(next_hop, FILTER_CLAMD=str(sockets / "nothing")) as postern:
        held, passed, deferred = postern.send(
            mail(), "hold@example.com", "pass@example.com", "bob@example.com", lmtp=True
        )
    assert held.startswith("250 2.7.0 ")
    assert passed.startswith("250 2.0.0 ")
    assert deferred.startswith("451 4.3.0 ")
    (copy,) = hop.delivered
    assert b"X-Virus-Scanned" not in (copy.content or b"")
    assert b"X-Postern-Unscanned: virus scan failed" in (copy.content or b"")


def test_without_postgres_mail_waits_and_flows_with_the_first_message_after(
    postern: RunningFilter, hop: NextHop
) -> None:
    assert postern.send(mail())[0].startswith("250 ")
    name = connection.settings_dict["NAME"]
    allow = "UPDATE pg_database SET datallowconn = %s WHERE datname = %s"
    with connection.cursor() as cursor:
        cursor.execute(allow, [False, name])
        try:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            for _ in range(4):
                (reply,) = postern.send(mail())
                assert reply == "451 4.3.0 Policy is not available, try again later"
        finally:
            cursor.execute(allow, [True, name])
    for _ in range(4):
        assert postern.send(mail())[0].startswith("250 2.0.0 ")
    assert len(hop.delivered) == 5


def test_connections_that_postgres_cut_are_replaced_without_a_451(
    postern: RunningFilter, hop: NextHop
) -> None:
    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert postern.send(mail())[0].startswith("250 2.0.0 ")
