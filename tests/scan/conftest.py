"""What the tests of the engines share: scripted fakes, and the private stack's real engines."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from smtpfilter.config import Endpoint
from smtpfilter.mail.address import parse_address
from smtpfilter.mail.envelope import Envelope, MailId
from smtpfilter.mail.octets import SpooledMail
from tests.scan.fake_engine import FakeEngine, Play


@pytest.fixture
def engine() -> Iterator[Callable[..., FakeEngine]]:
    """Return a function that starts a fake engine which plays one script on every connection, on a
    unix socket or, with `tcp`, on a port.
    """
    folder = Path(tempfile.mkdtemp(prefix="postern-"))  # short: a socket's path has 107 octets
    started: list[FakeEngine] = []

    def start(play: Play, *, tcp: bool = False) -> FakeEngine:
        started.append(FakeEngine(None if tcp else folder / f"{len(started)}.sock", play))
        return started[-1]

    yield start
    for fake in started:
        fake.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def real_clamd() -> Endpoint:
    return Endpoint.parse(os.environ["FILTER_CLAMD"])


@pytest.fixture(scope="session")
def real_spamd() -> Endpoint:
    return Endpoint.parse(os.environ["FILTER_SPAMD"])


@pytest.fixture
def spooled(tmp_path: Path) -> Callable[[bytes], SpooledMail]:
    """Return a function that makes a message of octets; scanners of streams need no file."""
    return lambda octets: SpooledMail(octets, "", tmp_path / "message", tmp_path)


@pytest.fixture
def envelope() -> Envelope:
    return Envelope(
        mail_id=MailId(1),
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        peer="127.0.0.1",
        protocol="LMTP",
        mail_from=parse_address(b"sender@example.org"),
        recipients=(),
    )
