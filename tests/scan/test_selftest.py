"""The self-test: each scanner has to find EICAR, in the way in which it looks at mail (A8)."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from smtpfilter.config import Endpoint
from smtpfilter.ports.engines import ScannerFailed, VirusScanner
from smtpfilter.scan.clamd import Clamd
from smtpfilter.scan.icap import Icap, Service
from smtpfilter.scan.selftest import SelfTest
from smtpfilter.scan.sophie import Sophie
from smtpfilter.scan.sssp import Sssp
from tests.doubles import scanners
from tests.scan.fake_engine import FakeEngine, clamd_says

Engine = Callable[..., FakeEngine]


def test_the_real_clamd_finds_it(real_clamd: Endpoint, tmp_path: Path) -> None:
    SelfTest(tmp_path).run(Clamd(real_clamd), 10)


@pytest.mark.parametrize("protocol", ["sophie", "sssp", "icap"])
def test_every_protocol_shows_it(engine: Engine, tmp_path: Path, protocol: str) -> None:
    double: scanners.Double
    scanner: VirusScanner
    if protocol == "sophie":
        double = scanners.Sophie()
        scanner = Sophie(engine(double).endpoint)
    elif protocol == "sssp":
        double = scanners.Savdid()
        scanner = Sssp(engine(double).endpoint)
    else:
        double = scanners.IcapServer()
        scanner = Icap(Service.parse(f"icap://{engine(double, tcp=True).endpoint}/x"))
    SelfTest(tmp_path).run(scanner, 10)
    assert double.asked
    assert not double.complaints
    assert list(tmp_path.iterdir()) == []


def test_one_that_calls_everything_clean_fails(engine: Engine, tmp_path: Path) -> None:
    """A8: it is worse than one that is down."""
    with pytest.raises(ScannerFailed, match="does not find the EICAR test file"):
        SelfTest(tmp_path).run(Clamd(engine(clamd_says(b"stream: OK\0")).endpoint), 10)


def test_what_it_shows_may_be_read_by_every_user(engine: Engine, tmp_path: Path) -> None:
    """The user who runs `health` need not be one who can give files to FILTER_SCAN_GROUP."""
    modes: list[int] = []

    def play(connection: socket.socket) -> None:
        message = Path(connection.recv(4096).decode().rstrip("\n"))
        modes.extend(path.stat().st_mode & 0o777 for path in (message.parent, message))
        connection.sendall(b"1:EICAR\n")

    SelfTest(tmp_path).run(Sophie(engine(play).endpoint), 10)
    assert modes == [0o755, 0o644]


def test_a_spool_that_takes_no_file_is_told(engine: Engine) -> None:
    with pytest.raises(ScannerFailed, match="cannot be laid before it"):
        SelfTest(Path("/nowhere")).run(Sophie(engine(scanners.Sophie()).endpoint), 10)
