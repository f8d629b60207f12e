"""A message of which a scanner dies (A6): held after two 451s, and no other mail suffers."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from smtpfilter.errors import ScannerDied
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.ports.engines import (
    BrokeInScan,
    ConnectionBroke,
    ScannerFailed,
    Specimen,
    VirusScan,
)
from smtpfilter.scan import poison
from smtpfilter.scan.clamd import Clamd
from smtpfilter.scan.content import eicar
from smtpfilter.scan.entries import Entry
from smtpfilter.scan.sophie import Sophie
from tests.doubles import scanners
from tests.scan.fake_engine import FakeEngine, Play, hangs_up, read_stream
from tests.scan.specimens import specimen
from tests.scan.test_board import CLEAN, DEAD, SITE, FakeScanner, Heard, backup, board

Spooled = Callable[[bytes], SpooledMail]
Engine = Callable[..., FakeEngine]
POISON = b"Subject: poison\r\n\r\n"
DIED = BrokeInScan("it hung up")
AWAY = ConnectionBroke("cannot connect")


def dies_of_poison(connection: socket.socket) -> None:
    content = read_stream(connection)
    if content != POISON:
        found = content == eicar()
        connection.sendall(b"stream: Eicar FOUND\0" if found else b"stream: OK\0")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poison, "RETURN_SECONDS", 0.3)
    monkeypatch.setattr(poison, "_PAUSE_SECONDS", 0.01)


def test_a_message_that_kills_the_scanner_is_to_blame_and_others_are_not(
    engine: Engine, spooled: Spooled
) -> None:
    """A6: seen with a scanner that is back at once."""
    heard = Heard()
    engines = board(Entry(Clamd(engine(dies_of_poison).endpoint), "clamd", ""), alarms=heard)
    for _ in range(3):
        with pytest.raises(ScannerDied):
            engines.scan_viruses(Specimen(spooled(POISON)), SITE)
        assert engines.scan_viruses(Specimen(spooled(b"other mail")), SITE) == CLEAN
    assert "held at its third attempt" in dict(heard.alarms)["poison message"]


@pytest.mark.parametrize(
    "play", [hangs_up, lambda connection: read_stream(connection) and None], ids=["both", "stream"]
)
def test_a_scanner_that_dies_of_everything_blames_nobody(
    engine: Engine, spooled: Spooled, play: Play
) -> None:
    """A1: that is a fault of the engine, and no message is held for it."""
    engines = board(Entry(Clamd(engine(play).endpoint), "clamd", ""))
    for _ in range(4):
        assert engines.scan_viruses(Specimen(spooled(POISON)), SITE).failure


def test_a_scanner_that_is_down_blames_nobody(spooled: Spooled) -> None:
    scanner = FakeScanner(AWAY)
    assert board(scanner).scan_viruses(Specimen(spooled(POISON)), SITE).failure
    assert scanner.asked == 2


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ([DIED, DIED, CLEAN], ScannerDied),  # twice; then the test file
        ([DIED, AWAY, AWAY, AWAY, CLEAN, DIED, AWAY], ScannerDied),  # it was started again
        ([DIED, AWAY, AWAY, AWAY, CLEAN, CLEAN], CLEAN),  # another message had killed it
        ([DIED, AWAY, AWAY, CLEAN, AWAY, AWAY], None),  # it went away for good
        ([DIED, AWAY], None),  # it does not come back
        ([DIED, DEAD, DEAD], None),
        ([DIED, DIED, DIED], None),  # it dies of the test file as well
        ([DIED, CLEAN], CLEAN),
    ],
)
def test_who_is_to_blame(
    spooled: Spooled, script: list[VirusScan | Exception], outcome: object
) -> None:
    """A6: it broke off twice at this content, and scans other content meanwhile."""
    engines = board(FakeScanner(*script))
    if outcome is ScannerDied:
        with pytest.raises(ScannerDied):
            engines.scan_viruses(Specimen(spooled(POISON)), SITE)
    elif outcome is None:
        assert engines.scan_viruses(Specimen(spooled(POISON)), SITE).failure
    else:
        assert engines.scan_viruses(Specimen(spooled(POISON)), SITE) == outcome


def test_another_scanners_answer_is_enough(spooled: Spooled) -> None:
    """V-2: then the message is scanned, and passes or does not."""
    engines = board(FakeScanner(DIED, DIED, CLEAN), backup(FakeScanner(CLEAN, name="slow")))
    assert engines.scan_viruses(Specimen(spooled(POISON)), SITE) == CLEAN


def test_where_the_others_fail_the_message_is_to_blame(spooled: Spooled) -> None:
    engines = board(FakeScanner(DIED, DIED, CLEAN), backup(FakeScanner(DEAD, name="slow")))
    with pytest.raises(ScannerDied):
        engines.scan_viruses(Specimen(spooled(POISON)), SITE)


def test_a_scanner_of_paths_is_shown_the_test_file_as_a_file(
    engine: Engine, tmp_path: Path
) -> None:
    double = scanners.Sophie()
    poisonous = specimen(tmp_path, POISON)

    def play(connection: socket.socket) -> None:
        asked = connection.recv(4096, socket.MSG_PEEK)
        if asked != f"{poisonous.mail.path}\n".encode():
            double(connection)

    engines = board(Entry(Sophie(engine(play).endpoint), "sophie", ""))
    with pytest.raises(ScannerDied):
        engines.scan_viruses(poisonous, SITE)
    assert double.asked[0].endswith(b"/message\n")
    assert not double.complaints


def test_other_mail_is_scanned_while_one_waits_for_the_scanners_return(spooled: Spooled) -> None:
    """A6: the wait takes nobody's turn."""
    waiting, done = threading.Event(), threading.Event()

    class Scanner(FakeScanner):
        def scan(self, specimen: Specimen, seconds: float) -> VirusScan:
            if specimen.mail.octets == b"other mail":
                return CLEAN
            if specimen.mail.octets == POISON:
                raise DIED if not waiting.is_set() else AWAY
            waiting.set()
            raise AWAY if not done.is_set() else ScannerFailed("over")

    engines = board(Scanner(CLEAN))
    thread = threading.Thread(
        target=engines.scan_viruses, args=(Specimen(spooled(POISON)), SITE), daemon=True
    )
    thread.start()
    assert waiting.wait(20)
    assert engines.scan_viruses(Specimen(spooled(b"other mail")), SITE) == CLEAN
    done.set()
    thread.join(20)
