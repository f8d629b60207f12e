"""A scanner that calls everything clean is found out, and counts as down (A8)."""

from collections.abc import Callable

import pytest

from smtpfilter.mail.findings import Virus
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.ports.engines import ScannerFailed, Specimen, VirusScan
from smtpfilter.scan import watch
from smtpfilter.scan.content import eicar
from smtpfilter.scan.watch import EACH_SECONDS, EACH_SECONDS_WHILE_BLIND
from tests.scan.test_board import CLEAN, SITE, Clock, FakeScanner, Heard, backup, board

Spooled = Callable[[bytes], SpooledMail]


class Scanner(FakeScanner):
    """Calls all mail clean; of the test file it says what `of_eicar` is."""

    def __init__(self, name: str = "fake") -> None:
        super().__init__(CLEAN, name=name)
        self.of_eicar: VirusScan | Exception = VirusScan(viruses=(Virus("Eicar", name),))
        self.tests = 0

    def scan(self, specimen: Specimen, seconds: float) -> VirusScan:
        if specimen.mail.octets != eicar():
            return super().scan(specimen, seconds)
        self.tests += 1
        if isinstance(self.of_eicar, Exception):
            raise self.of_eicar
        return self.of_eicar


class AtOnce:
    """A thread that has ended when start() returns."""

    def __init__(self, target: Callable[..., None], args: tuple[object, ...], **_: object) -> None:
        self._run = lambda: target(*args)

    def start(self) -> None:
        self._run()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch.threading, "Thread", AtOnce)


def test_a_blind_scanner_counts_as_down_until_it_sees_again(spooled: Spooled) -> None:
    """A8, A1: mail waits, people are told, and it flows by itself afterwards."""
    clock, heard, scanner = Clock(), Heard(), Scanner()
    engines = board(scanner, clock=clock, alarms=heard)
    mail = Specimen(spooled(b"mail"))
    scanner.of_eicar = CLEAN
    assert engines.scan_viruses(mail, SITE) == CLEAN
    clock.now += EACH_SECONDS
    assert engines.scan_viruses(mail, SITE) == CLEAN  # the last one before it is found out
    scan = engines.scan_viruses(mail, SITE)
    assert scan.viruses is None
    assert scan.failure == "fake: it does not find the EICAR test file"
    assert "EICAR" in dict(heard.alarms)["virus scanner fake"]

    scanner.of_eicar = VirusScan(viruses=(Virus("Eicar", "fake"),))
    clock.now += EACH_SECONDS_WHILE_BLIND
    assert engines.scan_viruses(mail, SITE).failure  # asks whether it sees again
    assert engines.scan_viruses(mail, SITE) == CLEAN


def test_a_backup_takes_over_from_a_blind_primary(spooled: Spooled) -> None:
    """V-2."""
    clock, blind, slow = Clock(), Scanner(), Scanner("slow")
    blind.of_eicar = CLEAN
    engines = board(blind, backup(slow), clock=clock)
    clock.now += EACH_SECONDS
    for _ in range(2):
        assert engines.scan_viruses(Specimen(spooled(b"mail")), SITE) == CLEAN
    assert (blind.asked, slow.asked) == (1, 1)


def test_it_is_tested_once_a_minute_however_much_mail_comes(spooled: Spooled) -> None:
    clock, scanner = Clock(), Scanner()
    engines = board(scanner, clock=clock)
    for _ in range(3):
        clock.now += EACH_SECONDS
        for _ in range(5):
            engines.scan_viruses(Specimen(spooled(b"mail")), SITE)
    assert scanner.tests == 3


def test_a_self_test_without_an_answer_says_nothing(spooled: Spooled) -> None:
    clock, scanner = Clock(), Scanner()
    scanner.of_eicar = ScannerFailed("busy")
    engines = board(scanner, clock=clock)
    clock.now += EACH_SECONDS
    for _ in range(2):
        assert engines.scan_viruses(Specimen(spooled(b"mail")), SITE) == CLEAN


def test_one_that_finds_viruses_is_not_blind(spooled: Spooled) -> None:
    clock, scanner = Clock(), Scanner()
    scanner.script = [VirusScan(viruses=(Virus("X", "fake"),))]
    engines = board(scanner, clock=clock)
    clock.now += EACH_SECONDS
    engines.scan_viruses(Specimen(spooled(b"mail")), SITE)
    assert scanner.tests == 0
