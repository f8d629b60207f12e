"""The board: deadlines, breakers, second tries; an engine's return makes mail flow again."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from smtpfilter.config import FilterConfig
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.findings import Unchecked, Virus
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.policy.site import Site
from smtpfilter.ports import ConnectionBroke, Letter, ScannerFailed, Specimen, VirusScan
from smtpfilter.scan.board import Board
from smtpfilter.scan.breaker import FAILURES, PAUSE_SECONDS, Breaker
from smtpfilter.scan.clamd import Clamd
from smtpfilter.scan.entries import Entry
from smtpfilter.scan.seat import Seat
from smtpfilter.scan.spam import SpamEngines
from tests.scan.fake_engine import FakeEngine, Play, clamd_says, hangs_up

Spooled = Callable[[bytes], SpooledMail]
SITE = Site(remember_seconds=0)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeScanner:
    """A virus scanner that does in turn what its script says; the last line is repeated."""

    def __init__(self, *script: VirusScan | Exception, name: str = "fake") -> None:
        self.name = name
        self.script = list(script)
        self.asked = 0

    needs_files = False

    def scan(self, specimen: Specimen, seconds: float) -> VirusScan:
        self.asked += 1
        does = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(does, Exception):
            raise does
        return does


CLEAN = VirusScan()
INFECTED = VirusScan(viruses=(Virus("Eicar", "fake"),))
DEAD = ScannerFailed("no answer")
BROKEN = ConnectionBroke("it hung up")


NO_SPAM = SpamEngines((), FilterConfig())


class Heard:
    """Alarms that only keep what was sounded."""

    def __init__(self) -> None:
        self.alarms: list[tuple[str, str]] = []

    def sound(self, name: str, text: str) -> None:
        self.alarms.append((name, text))


def board(
    *scanners: FakeScanner | Entry, clock: Clock | None = None, alarms: Heard | None = None
) -> Board:
    return Board(
        virus=[one if isinstance(one, Entry) else Entry(one, "fake", "") for one in scanners],
        spam=NO_SPAM,
        config=FilterConfig(),
        alarms=alarms or Heard(),
        clock=clock or Clock(),
    )


def backup(scanner: FakeScanner) -> Entry:
    return Entry(scanner, "fake", "", "backup")


def test_a_spam_engine_that_is_not_configured_is_neither_finding_nor_failure(
    spooled: Spooled, envelope: Envelope
) -> None:
    assert board().scan_spam(Letter(spooled(b""), envelope), SITE) == (None, None)


def test_no_virus_scanner_where_the_site_wants_one_is_a_failure_in_words(spooled: Spooled) -> None:
    """V-5: never silence."""
    heard = Heard()
    off = Entry(FakeScanner(CLEAN), "fake", "", "off")
    for engines in (board(alarms=heard), board(off, alarms=heard)):
        scan = engines.scan_viruses(Specimen(spooled(b"")), SITE)
        assert scan.viruses is None
        assert "no virus scanner is" in (scan.failure or "")
    assert [name for name, _ in heard.alarms] == ["no virus scanner"] * 2


def test_a_site_without_virus_scanning_asks_nobody(spooled: Spooled) -> None:
    """V-5: by choice there is neither finding nor failure, so that no X-Virus-Scanned is added."""
    scanner = FakeScanner(INFECTED)
    without = replace(SITE, virus_scanning=False)
    assert board(scanner).scan_viruses(Specimen(spooled(b"")), without) == VirusScan(viruses=None)
    assert scanner.asked == 0


def test_answers_and_failures_are_handed_on_as_values(spooled: Spooled) -> None:
    assert board(FakeScanner(INFECTED)).scan_viruses(Specimen(spooled(b"")), SITE) == INFECTED
    assert board(FakeScanner(DEAD)).scan_viruses(Specimen(spooled(b"")), SITE) == VirusScan(
        viruses=None, failure="fake: no answer"
    )


def test_one_definite_answer_is_enough_and_all_findings_count(spooled: Spooled) -> None:
    unlookable = VirusScan(unchecked=(Unchecked("limits", "too deep"),))
    scan = board(FakeScanner(DEAD), FakeScanner(INFECTED), FakeScanner(unlookable))
    assert scan.scan_viruses(Specimen(spooled(b"")), SITE) == VirusScan(
        viruses=INFECTED.viruses, unchecked=unlookable.unchecked
    )


def test_all_scanners_failing_is_a_failure_that_names_them(spooled: Spooled) -> None:
    both = board(FakeScanner(DEAD, name="one"), FakeScanner(DEAD, name="two"))
    assert (
        both.scan_viruses(Specimen(spooled(b"")), SITE).failure == "one: no answer; two: no answer"
    )


def test_a_connection_that_breaks_at_once_gets_a_second_try(spooled: Spooled) -> None:
    scanner = FakeScanner(BROKEN, CLEAN)
    assert board(scanner).scan_viruses(Specimen(spooled(b"")), SITE) == CLEAN
    assert scanner.asked == 2


@pytest.mark.parametrize("script", [[BROKEN, BROKEN], [BROKEN, DEAD]])
def test_there_is_no_third_try(spooled: Spooled, script: list[Exception]) -> None:
    scanner = FakeScanner(*script)
    assert board(scanner).scan_viruses(Specimen(spooled(b"")), SITE).failure
    assert scanner.asked == 2


def test_a_silent_engine_is_not_tried_twice(spooled: Spooled) -> None:
    scanner = FakeScanner(DEAD, CLEAN)
    assert board(scanner).scan_viruses(Specimen(spooled(b"")), SITE).failure
    assert scanner.asked == 1


def test_a_connection_that_breaks_late_is_not_tried_twice() -> None:
    clock = Clock()
    asked = []

    def breaks_late(seconds: float) -> None:
        asked.append(seconds)
        clock.now += 6
        raise BROKEN

    with pytest.raises(ScannerFailed):
        Seat("fake", at_once=1, seconds=10, clock=clock).ask(breaks_late)
    assert asked == [10]


def test_after_five_failures_an_engine_is_not_asked_until_the_pause_is_over(
    spooled: Spooled,
) -> None:
    clock, scanner = Clock(), FakeScanner(DEAD)
    engines = board(scanner, clock=clock)
    for _ in range(FAILURES + 3):
        assert engines.scan_viruses(Specimen(spooled(b"")), SITE).failure
    assert scanner.asked == FAILURES
    clock.now += PAUSE_SECONDS
    assert engines.scan_viruses(Specimen(spooled(b"")), SITE).failure == "fake: no answer"
    assert scanner.asked == FAILURES + 1
    assert "5 times in a row" in (engines.scan_viruses(Specimen(spooled(b"")), SITE).failure or "")
    assert scanner.asked == FAILURES + 1


def test_mail_flows_by_itself_when_the_engine_is_back(spooled: Spooled) -> None:
    clock, scanner = Clock(), FakeScanner(*[DEAD] * FAILURES, CLEAN)
    engines = board(scanner, clock=clock)
    for _ in range(FAILURES):
        engines.scan_viruses(Specimen(spooled(b"")), SITE)
    clock.now += PAUSE_SECONDS
    assert engines.scan_viruses(Specimen(spooled(b"")), SITE) == CLEAN
    assert engines.scan_viruses(Specimen(spooled(b"")), SITE) == CLEAN


def test_failures_with_successes_between_them_open_nothing(spooled: Spooled) -> None:
    scanner = FakeScanner(*[DEAD, DEAD, DEAD, DEAD, CLEAN] * 4, CLEAN)
    engines = board(scanner)
    for _ in range(20):
        engines.scan_viruses(Specimen(spooled(b"")), SITE)
    assert scanner.asked == 20


def test_an_engine_that_is_plainly_down_is_asked_each_time_and_its_return_noticed_at_once(
    spooled: Spooled,
) -> None:
    scanner = FakeScanner(*[BROKEN] * 20, CLEAN)
    engines = board(scanner)
    for _ in range(10):
        assert engines.scan_viruses(Specimen(spooled(b"")), SITE).failure == "fake: it hung up"
    assert engines.scan_viruses(Specimen(spooled(b"")), SITE) == CLEAN


def test_an_engine_that_hung_and_is_being_restarted_is_asked_again_at_once(
    spooled: Spooled,
) -> None:
    clock, scanner = Clock(), FakeScanner(*[DEAD] * FAILURES, BROKEN, BROKEN, CLEAN)
    engines = board(scanner, clock=clock)
    for _ in range(FAILURES):
        engines.scan_viruses(Specimen(spooled(b"")), SITE)
    clock.now += PAUSE_SECONDS
    assert engines.scan_viruses(Specimen(spooled(b"")), SITE).failure == "fake: it hung up"
    assert engines.scan_viruses(Specimen(spooled(b"")), SITE) == CLEAN


def test_only_one_probe_is_on_its_way_while_the_breaker_is_open() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        assert breaker.admits()
        breaker.failed()
    assert not breaker.admits()
    clock.now += PAUSE_SECONDS
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    clock.now += 10 * PAUSE_SECONDS
    assert not breaker.admits()
    breaker.close()
    assert [breaker.admits() for _ in range(3)] == [True, True, True]


def test_a_real_connection_to_an_engine_that_comes_back(
    engine: Callable[[Play], FakeEngine], spooled: Spooled
) -> None:
    fake = engine(hangs_up)
    engines = board(Entry(Clamd(fake.endpoint), "clamd", ""))
    for _ in range(FAILURES + 1):
        assert engines.scan_viruses(Specimen(spooled(b"octets")), SITE).viruses is None
    fake.play = clamd_says(b"stream: OK\0")
    assert engines.scan_viruses(Specimen(spooled(b"octets")), SITE) == CLEAN


def test_a_seat_lets_only_so_many_scans_run_at_once() -> None:
    seat = Seat("fake", at_once=2, seconds=30)
    running, most, lock = 0, 0, threading.Lock()
    both_in = threading.Barrier(2)

    def scan(seconds: float) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both_in.wait(timeout=20)
        with lock:
            running -= 1

    threads = [threading.Thread(target=seat.ask, args=(scan,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_waiting_for_a_turn_ends_at_the_deadline() -> None:
    seat = Seat("fake", at_once=1, seconds=0.1)
    inside, leave = threading.Event(), threading.Event()

    def occupies(seconds: float) -> None:
        inside.set()
        leave.wait(20)

    thread = threading.Thread(target=seat.ask, args=(occupies,))
    thread.start()
    inside.wait(20)
    with pytest.raises(ScannerFailed, match="none became free"):
        seat.ask(lambda seconds: None)
    leave.set()
    thread.join()
