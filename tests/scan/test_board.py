"""The board: who is asked (V-2, V-5), deadlines, breakers, second tries; an engine's return makes
mail flow again.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from smtpfilter.config import FilterConfig
from smtpfilter.mail.findings import Unchecked, Virus
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.policy.site import NamePoints, Site
from smtpfilter.ports.engines import ConnectionBroke, Letter, ScannerFailed, Specimen, VirusScan
from smtpfilter.ports.unpacking import PartFile
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


class NoSpam:
    def scan(self, letter: Letter, site: Site) -> tuple[None, None]:
        return None, None


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
        spam=cast(SpamEngines, NoSpam()),
        config=FilterConfig(),
        alarms=alarms or Heard(),
        clock=clock or Clock(),
    )


def backup(scanner: FakeScanner) -> Entry:
    return Entry(scanner, "fake", "", "backup")


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


BACK_CLEAN = (backup(FakeScanner(CLEAN, name="slow")), CLEAN)
BACK_INFECTED = (backup(FakeScanner(INFECTED, name="slow")), INFECTED)
BACK_DEAD = (
    backup(FakeScanner(DEAD, name="slow")),
    VirusScan(viruses=None, failure="fake: no answer; slow: no answer"),
)


@pytest.mark.parametrize(("second", "scan"), [BACK_CLEAN, BACK_INFECTED, BACK_DEAD])
def test_where_no_primary_answers_backups_are_asked_and_people_are_told(
    spooled: Spooled, second: Entry, scan: VirusScan
) -> None:
    """V-2, V-5, V-8, BB-46: each time, since a backup is slow."""
    heard = Heard()
    engines = board(FakeScanner(DEAD), second, alarms=heard)
    for _ in range(2):
        assert engines.scan_viruses(Specimen(spooled(b"")), SITE) == scan
    told = [text for name, text in heard.alarms if name == "virus scanner fallback"]
    assert len(told) == 2
    assert "fake: no answer" in told[0]
    assert "virus scanner fake" in dict(heard.alarms)


@pytest.mark.parametrize("answer", [CLEAN, INFECTED])
def test_backups_rest_where_one_primary_answers(spooled: Spooled, answer: VirusScan) -> None:
    """V-2, BB-46: what another primary did not answer is told as an alarm only."""
    heard, slow = Heard(), FakeScanner(INFECTED, name="slow")
    engines = board(FakeScanner(DEAD, name="one"), FakeScanner(answer), backup(slow), alarms=heard)
    assert engines.scan_viruses(Specimen(spooled(b"")), SITE) == answer
    assert slow.asked == 0
    assert [name for name, _ in heard.alarms] == ["virus scanner one"]


def test_all_primaries_are_asked_unless_the_first_finding_ends_it(spooled: Spooled) -> None:
    """V-2."""
    second = FakeScanner(VirusScan(viruses=(Virus("Other", "two"),)), name="two")
    engines = board(FakeScanner(INFECTED), second)
    both = engines.scan_viruses(Specimen(spooled(b"")), SITE)
    assert [virus.name for virus in both.viruses or ()] == ["Eicar", "Other"]
    ends = replace(SITE, first_finding_ends=True)
    assert engines.scan_viruses(Specimen(spooled(b"")), ends) == INFECTED
    assert second.asked == 1


def test_a_sign_of_spam_ends_no_search_for_viruses(spooled: Spooled) -> None:
    """V-2, V-4: by the site's list of names, too."""
    phish = VirusScan(viruses=(Virus("Heuristics.Phishing.Email", "fake"),))
    ends = replace(SITE, first_finding_ends=True, remember_seconds=0)
    for site, asked in ((ends, 1), (replace(ends, name_points=(NamePoints("x", 1.0),)), 0)):
        second = FakeScanner(INFECTED, name="two")
        board(FakeScanner(phish), second).scan_viruses(Specimen(spooled(b"")), site)
        assert second.asked == asked


def test_each_name_of_a_scanner_is_told_once(spooled: Spooled) -> None:
    """V-12."""
    twice = VirusScan(viruses=(Virus("A", "fake"), Virus("A", "fake")))
    scan = board(FakeScanner(twice)).scan_viruses(Specimen(spooled(b"")), SITE)
    assert scan == VirusScan(viruses=(Virus("A", "fake"),))


def test_the_site_overrules_the_role_of_an_entry(spooled: Spooled) -> None:
    """V-2: on, off, primary, backup are the site's to say."""
    one, two = FakeScanner(CLEAN, name="one"), FakeScanner(INFECTED, name="two")
    engines = board(one, backup(two))
    swapped = replace(SITE, roles={"one": "off", "two": "primary", "unknown": "primary"})
    assert engines.scan_viruses(Specimen(spooled(b"")), SITE) == CLEAN
    assert engines.scan_viruses(Specimen(spooled(b"")), swapped) == INFECTED
    assert (one.asked, two.asked) == (1, 1)


def test_a_site_with_backups_alone_is_told_so(spooled: Spooled) -> None:
    heard = Heard()
    engines = board(backup(FakeScanner(CLEAN)), alarms=heard)
    assert engines.scan_viruses(Specimen(spooled(b"")), SITE) == CLEAN
    assert "none is primary" in dict(heard.alarms)["virus scanner fallback"]


def test_all_scanners_together_have_the_time_of_one_message(spooled: Spooled) -> None:
    """V-6: the next one is asked in the time that is left."""
    clock, given = Clock(), []

    class Slow(FakeScanner):
        def scan(self, specimen: Specimen, seconds: float) -> VirusScan:
            given.append(seconds)
            clock.now += 125
            raise DEAD

    slow = [Slow(DEAD, name=str(number)) for number in range(4)]
    scan = board(*slow, clock=clock).scan_viruses(Specimen(spooled(b"")), SITE)
    assert given == [130, 130, 50]
    assert "within 300 seconds" in (scan.failure or "")


# Identical content


def mail(to: str, text: bytes = b"hello") -> bytes:
    return f"Received: by x\r\nTo: {to}\r\nSubject: y\r\n\r\n".encode() + text


@pytest.mark.parametrize("answer", [CLEAN, INFECTED])
def test_identical_content_is_scanned_once(spooled: Spooled, answer: VirusScan) -> None:
    clock, scanner = Clock(), FakeScanner(answer)
    engines, remembering = board(scanner, clock=clock), replace(SITE, remember_seconds=30)
    for to in ("ann@example.com", "bob@example.com"):
        assert engines.scan_viruses(Specimen(spooled(mail(to))), remembering) == answer
    assert scanner.asked == 1
    engines.scan_viruses(Specimen(spooled(mail("ann", b"other"))), remembering)
    assert scanner.asked == 2
    clock.now += 30
    engines.scan_viruses(Specimen(spooled(mail("ann"))), remembering)
    assert scanner.asked == 3
    engines.scan_viruses(Specimen(spooled(mail("ann"))), SITE)
    assert scanner.asked == 4


def test_only_answers_of_all_who_were_asked_are_remembered(spooled: Spooled) -> None:
    remembering = replace(SITE, remember_seconds=60)
    one, two = FakeScanner(DEAD, name="one"), FakeScanner(CLEAN, name="two")
    for engines in (board(one, two), board(one, backup(two)), board(one)):
        one.asked = 0
        for _ in range(2):
            engines.scan_viruses(Specimen(spooled(b"")), remembering)
        assert one.asked == 2


def test_an_answer_counts_for_the_same_scanners_only(spooled: Spooled) -> None:
    one, two = FakeScanner(CLEAN, name="one"), FakeScanner(INFECTED, name="two")
    engines, remembering = board(one, two), replace(SITE, remember_seconds=60)
    first_alone = replace(remembering, roles={"two": "off"})
    assert engines.scan_viruses(Specimen(spooled(b"")), first_alone) == CLEAN
    assert engines.scan_viruses(Specimen(spooled(b"")), remembering) == INFECTED


def test_a_part_that_is_gone_is_a_failure(spooled: Spooled, tmp_path: Path) -> None:
    gone = Specimen(spooled(b""), (PartFile(tmp_path / "0001", hidden=True),))
    scan = board(FakeScanner(CLEAN)).scan_viruses(gone, replace(SITE, remember_seconds=60))
    assert scan.viruses is None
    assert "cannot be read" in (scan.failure or "")


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
