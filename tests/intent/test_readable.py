"""Which scanner's user lacks which group, as `health` tells it."""

import grp
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.status import health
from appliance.status.readable import Reader, complaints, listener, unreadable
from smtpfilter.config import Endpoint, FilterConfig

STRANGER = 54321
GROUP = grp.getgrgid(0).gr_name


@pytest.fixture
def daemon() -> Iterator[str]:
    """A unix socket on which we listen ourselves."""
    with (
        tempfile.TemporaryDirectory(prefix="postern-") as folder,
        socket.socket(socket.AF_UNIX) as listening,
    ):
        listening.bind(f"{folder}/s")
        listening.listen()
        yield f"{folder}/s"


def told(spool: Path, *groups: int, scan_group: str = "", uid: int = STRANGER) -> list[str]:
    config = FilterConfig(spool_dir=spool, scan_group=scan_group)
    return list(complaints(Reader(uid, frozenset(groups)), config))


@pytest.fixture
def spool() -> Iterator[Path]:
    """A spool folder that everybody may enter, with all folders above it."""
    with tempfile.TemporaryDirectory(prefix="postern.readable.", dir="/dev/shm") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_user_outside_the_group_is_told_how_to_get_in(spool: Path) -> None:
    (complaint,) = told(spool, 4711, scan_group=GROUP)
    assert f"usermod -aG {GROUP} number {STRANGER}" in complaint


def test_a_user_of_the_group_can_read(spool: Path) -> None:
    assert told(spool, 0, scan_group=GROUP) == []


def test_without_a_group_nobody_else_can_read(spool: Path) -> None:
    (complaint,) = told(spool, 0)
    assert "FILTER_SCAN_GROUP" in complaint


def test_root_and_the_filters_own_user_need_no_group(spool: Path) -> None:
    assert told(spool, uid=0) == told(spool, uid=os.geteuid()) == []


def test_a_spool_that_it_may_not_enter_is_told(spool: Path) -> None:
    spool.chmod(0o700)
    assert f"may not enter {spool}" in told(spool, 4711, scan_group=GROUP)[0]


def test_a_socket_tells_who_listens(daemon: str) -> None:
    assert listener(daemon) == Reader(os.geteuid(), frozenset({os.getegid(), *os.getgroups()}))


def test_nobody_listens_where_there_is_no_socket(tmp_path: Path) -> None:
    assert listener(str(tmp_path / "none")) is None
    config = FilterConfig(sophie=Endpoint(path=str(tmp_path / "none")))
    assert unreadable(config) == []


def test_only_daemons_that_read_files_are_looked_at(daemon: str) -> None:
    ours = FilterConfig(sophie=Endpoint(path=daemon), clamd=Endpoint(path=daemon))
    assert unreadable(ours) == []


def test_health_tells_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    said = ["sophie runs as user a", "savdid runs as user b"]
    monkeypatch.setattr(health, "unreadable", lambda config: said)
    probe = health._scan_group(FilterConfig())
    assert probe is not None
    assert (probe.ok, probe.detail) == (False, "; ".join(said))
    said.clear()
    assert health._scan_group(FilterConfig()) is None
