"""The fault matrix of clamd (A1 to A11) and spamd (B1 to B9): a real filter between a sender, a
next hop and engines that fail in every way.

Whatever an engine does: a message is answered with 250 once, delivered once or held, or answered
with 451 and delivered nowhere (P1 to P3); and mail flows again by itself.  What one file already
holds is not repeated here: the last test lists where each row is proven.
"""

import ast
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.status.health import probe_all
from smtpfilter.config import Endpoint
from smtpfilter.mail.address import parse_address
from smtpfilter.mail.envelope import Envelope, MailId
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.ports.engines import Letter
from smtpfilter.scan.clamd import Clamd
from smtpfilter.scan.spamd import Spamd
from tests.conftest import CHECKOUT
from tests.doubles.next_hop import NextHop
from tests.doubles.own_engines import OwnEngine, own_clamd, own_spamd
from tests.flows.conftest import Manage
from tests.flows.mails import EICAR, mail
from tests.flows.running import RunningFilter, running_filter
from tests.scan import fake_engine
from tests.scan.fake_engine import (
    FakeEngine,
    Play,
    clamd_says,
    clamd_that_finds_nothing,
    read_request,
    read_stream,
    spamd_says,
)

VIRUS_SECONDS, SPAM_SECONDS = 2, 3
ROWS = {f"A{n}" for n in range(1, 12)} | {f"B{n}" for n in range(1, 10)}

CLEAN = clamd_that_finds_nothing
HAM = b"SPAMD/1.1 0 EX_OK\r\nContent-length: 0\r\nSpam: False ; 0.1 / 6.3\r\n\r\n"


class Sockets:
    """Where the filter looks for its engines: a real one, a fake one, or nobody."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fakes: list[FakeEngine] = []

    def path(self, name: str) -> Path:
        return self._folder / name

    def real(self, name: str, path: str | Path) -> None:
        self.nobody(name)
        self.path(name).symlink_to(path)

    def fake(self, name: str, play: Play) -> FakeEngine:
        self.nobody(name)
        fake = FakeEngine(self._folder / f"{name}{len(self._fakes)}", play)
        self._fakes.append(fake)
        self.path(name).symlink_to(fake.endpoint.path)
        return fake

    def nobody(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def stop(self) -> None:
        for fake in self._fakes:
            fake.stop()


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sockets]:
    sockets = Sockets(tmp_path_factory.mktemp("s"))
    yield sockets
    sockets.stop()


@pytest.fixture(scope="module")
def filter_of_this_file(
    database: None, next_hop: NextHop, sockets: Sockets, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningFilter]:
    """One worker, so that there is one circuit breaker for each engine; and little patience."""
    with running_filter(
        tmp_path_factory.mktemp("faults"),
        next_hop,
        FILTER_WORKERS="1",
        FILTER_CLAMD=str(sockets.path("clamd")),
        FILTER_SPAMD=str(sockets.path("spamd")),
        FILTER_VIRUS_TIMEOUT_SECONDS=str(VIRUS_SECONDS),
        FILTER_SPAM_TIMEOUT_SECONDS=str(SPAM_SECONDS),
    ) as running:
        yield running


@pytest.fixture
def postern(filter_of_this_file: RunningFilter, sockets: Sockets, hop: NextHop) -> RunningFilter:
    """The filter, with engines that find nothing: all is well before and after each test."""
    sockets.fake("clamd", CLEAN)
    sockets.fake("spamd", spamd_says(HAM))
    assert send(filter_of_this_file).startswith("250 2.0.0 ")  # closes the circuit breakers
    hop.ledger.clear()
    return filter_of_this_file


def letter(number: int, text: str = "Nothing to see here.") -> bytes:
    """Return a message like no other, so that no answer is remembered for it."""
    mark = os.urandom(8).hex()
    return mail(f"{mark}\r\n{text}", subject=f"Letter {number} {mark}")


def send(postern: RunningFilter, text: str = "Nothing to see here.") -> str:
    (reply,) = postern.send(letter(0, text))
    return reply


def send_many(postern: RunningFilter, count: int, at_once: int = 8) -> list[str]:
    with ThreadPoolExecutor(at_once) as pool:
        return [reply for (reply,) in pool.map(lambda n: postern.send(letter(n)), range(count))]


def assert_each_once(replies: list[str], hop: NextHop) -> None:
    """Every message was delivered once and answered 250, or 451 and delivered nowhere."""
    assert {reply[:9] for reply in replies} <= {"250 2.0.0", "451 4.3.0", "451 4.3.2"}
    assert len(hop.delivered) == sum(reply.startswith("250") for reply in replies)


# clamd


@pytest.mark.parametrize("engine", ["clamd", "spamd"])
@pytest.mark.parametrize("how", ["no socket", "nobody listens", "no socket but a file"])
def test_a_dead_engine_defers_mail_until_the_moment_it_is_back(
    postern: RunningFilter, hop: NextHop, sockets: Sockets, engine: str, how: str
) -> None:
    """A1, B1."""
    sockets.nobody(engine)
    if how == "nobody listens":
        with socket.socket(socket.AF_UNIX) as once:
            once.bind(str(sockets.path(engine)))
    elif how == "no socket but a file":
        sockets.path(engine).write_text("")

    assert send(postern).startswith("451 4.3.0 ")
    assert not hop.delivered

    sockets.fake(engine, CLEAN if engine == "clamd" else spamd_says(HAM))
    assert send(postern).startswith("250 2.0.0 ")


@pytest.fixture
def real_clamd_of_my_own(sockets: Sockets) -> Iterator[OwnEngine]:
    with own_clamd() as clamd:
        sockets.real("clamd", clamd.path)
        yield clamd


def test_a_frozen_clamd_costs_its_deadline_and_mail_flows_when_it_thaws(
    postern: RunningFilter, hop: NextHop, real_clamd_of_my_own: OwnEngine
) -> None:
    """A2: SIGSTOP."""
    assert send(postern).startswith("250 2.0.0 ")
    real_clamd_of_my_own.freeze()
    replies = send_many(postern, 3)
    real_clamd_of_my_own.thaw()

    assert {reply[:9] for reply in replies} == {"451 4.3.0"}
    assert send(postern).startswith("250 2.0.0 ")
    assert len(hop.delivered) == 2


def test_a_clamd_that_stops_reading_is_hung_up_on(
    postern: RunningFilter, hop: NextHop, sockets: Sockets
) -> None:
    """A3: at the deadline, and no open file is left."""
    answered, hung_up = threading.Event(), threading.Event()

    def play(connection: socket.socket) -> None:
        answered.wait(30)
        try:
            while connection.recv(65536):
                pass
        finally:
            hung_up.set()

    sockets.fake("clamd", play)
    assert send(postern, "x" * 900 + ("\r\n" + "x" * 900) * 3000).startswith("451 4.3.0 ")
    answered.set()
    assert hung_up.wait(30)
    assert not hop.delivered


def test_a_late_answer_is_nobody_elses(
    postern: RunningFilter, hop: NextHop, sockets: Sockets
) -> None:
    """A4: in time counts, too late is a failure; the next message gets its own answer."""
    first = threading.Event()

    def play(connection: socket.socket) -> None:
        content = read_stream(connection)
        if b"slow" in content:
            time.sleep(VIRUS_SECONDS / 4)
        elif b"late" in content:
            first.wait(20)
        found = b"Eicar-Test-Signature FOUND" if EICAR.encode() in content else b"OK"
        connection.sendall(b"stream: " + found + b"\0")

    sockets.fake("clamd", play)
    assert send(postern, "slow").startswith("250 2.0.0 ")
    assert send(postern, "late").startswith("451 4.3.0 ")
    first.set()
    assert "INFECTED" in send(postern, EICAR)
    assert len(hop.delivered) == 1


@pytest.mark.parametrize(
    "answer",
    [b"stream: O", b"stream: OK", b"stream: OK\0stream: OK\0", b"\xff\0", b"x" * 1_000_000,
     b"stream: Can't allocate memory ERROR\0"],
)  # fmt: skip
def test_garbage_is_never_clean(
    postern: RunningFilter, hop: NextHop, sockets: Sockets, answer: bytes
) -> None:
    """A5; the whole table is in tests/scan/test_clamd.py."""
    sockets.fake("clamd", clamd_says(answer))
    assert send(postern).startswith("451 4.3.0 ")
    assert not hop.delivered


@pytest.mark.parametrize(
    "answer",
    [b"stream: (null) FOUND\0", b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0",
     b"stream: Heuristics.Encrypted.Zip FOUND\0", b"INSTREAM size limit exceeded. ERROR\0"],
)  # fmt: skip
def test_what_it_could_not_look_into_is_held_and_no_virus(
    postern: RunningFilter, hop: NextHop, sockets: Sockets, manage: Manage, answer: bytes
) -> None:
    """A5: a class of its own, with a policy of its own."""
    sockets.fake("clamd", clamd_says(answer))
    assert send(postern).startswith("250 2.7.0 ")
    (entry,) = manage("mails", "list", "--limit", "1")
    assert (entry["viruses"], entry["recipients"][0]["category"]) == ([], "unchecked")
    assert entry["recipients"][0]["outcome"] == "held"
    assert not hop.delivered


def test_a_message_that_kills_clamd_each_time_is_held_at_the_third_attempt(
    postern: RunningFilter, hop: NextHop, sockets: Sockets, manage: Manage
) -> None:
    """A6: 451 the first two times; other mail flows in between."""

    def play(connection: socket.socket) -> None:
        content = read_stream(connection)
        if b"poison" in content:
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return
        found = b"Eicar-Test-Signature FOUND" if EICAR.encode() in content else b"OK"
        connection.sendall(b"stream: " + found + b"\0")

    sockets.fake("clamd", play)
    poison = letter(0, "poison")
    replies = []
    for _ in range(3):
        replies += postern.send(poison, xforward="NAME=x.example.org IDENT=4Qwerty1z2x3")
        assert send(postern).startswith("250 2.0.0 ")

    assert [reply[:9] for reply in replies] == ["451 4.3.0", "451 4.3.0", "250 2.7.0"]
    entries = manage("mails", "list")
    held = [e for e in entries if e["recipients"][0]["outcome"] == "held"]
    assert [entry["recipients"][0]["category"] for entry in held] == ["unchecked"]
    assert len(hop.delivered) == 3


@pytest.mark.parametrize("settings", [(), ("ConcurrentDatabaseReload no",)])
def test_new_signatures_under_load_defer_nothing(
    postern: RunningFilter, hop: NextHop, sockets: Sockets, settings: tuple[str, ...]
) -> None:
    """A7: with a second engine beside the first, and where scans wait."""
    with own_clamd(*settings) as clamd:
        sockets.real("clamd", clamd.path)
        control = Clamd(Endpoint(path=str(clamd.path)))
        with ThreadPoolExecutor(1) as beside:
            reloading = beside.submit(control.reload)
            replies = send_many(postern, 12)
            reloading.result()
            replies += send_many(postern, 12)
        sockets.fake("clamd", CLEAN)

    assert {reply[:9] for reply in replies} == {"250 2.0.0"}
    assert len(hop.delivered) == 24


def test_a_scanner_that_says_clean_to_everything_is_a_fault_that_health_tells(
    postern: RunningFilter, sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A8, B8: EICAR and GTUBE go through the real engines; blind ones count as down."""
    sockets.fake("clamd", clamd_says(b"stream: OK\0"))
    monkeypatch.setenv("FILTER_CLAMD", str(sockets.path("clamd")))
    monkeypatch.setenv("FILTER_SPAMD", str(sockets.path("spamd")))
    probes = probe_all()

    blind = [name for name, probe in probes.items() if not probe.ok]
    assert any("EICAR" in probes[name].detail for name in blind)
    assert any("GTUBE" in probes[name].detail for name in blind)


def test_a_clamd_with_smaller_limits_than_ours_makes_large_mail_unchecked(
    postern: RunningFilter, hop: NextHop, sockets: Sockets, manage: Manage
) -> None:
    """A9: StreamMaxLength, MaxScanSize."""
    large = "x" * 900 + ("\r\n" + "x" * 900) * 2000
    for setting in ("StreamMaxLength 1M", "MaxScanSize 1M"):
        with own_clamd(setting) as clamd:
            sockets.real("clamd", clamd.path)
            assert send(postern, large).startswith("250 2.7.0 ")
            (entry,) = manage("mails", "list", "--limit", "1")
            assert entry["recipients"][0]["category"] == "unchecked"
            assert send(postern).startswith("250 2.0.0 ")
            sockets.fake("clamd", CLEAN)
    assert len(hop.delivered) == 2


def test_flapping_engines_lose_and_double_nothing(
    postern: RunningFilter, hop: NextHop, sockets: Sockets
) -> None:
    """A10, B3: half of all connections break; each gets one more, and every message counts once."""
    turns = {"clamd": 0, "spamd": 0}
    lock = threading.Lock()

    def flapping(name: str, play: Play) -> Play:
        def sometimes(connection: socket.socket) -> None:
            with lock:
                turns[name] += 1
                breaks = turns[name] % 4 in (1, 2)
            (fake_engine.hangs_up if breaks else play)(connection)

        return sometimes

    sockets.fake("clamd", flapping("clamd", CLEAN))
    sockets.fake("spamd", flapping("spamd", spamd_says(HAM)))
    replies = send_many(postern, 60)

    assert_each_once(replies, hop)
    assert any(reply.startswith("250") for reply in replies)


def test_more_mail_than_clamd_has_threads_waits_for_its_turn(
    postern: RunningFilter, hop: NextHop, sockets: Sockets
) -> None:
    """A11: MaxThreads 1, MaxQueue 1."""
    with own_clamd("MaxThreads 1", "MaxQueue 1") as clamd:
        sockets.real("clamd", clamd.path)
        replies = send_many(postern, 24, at_once=12)
        sockets.fake("clamd", CLEAN)
    assert_each_once(replies, hop)
    assert all(reply.startswith("250") for reply in replies)


# spamd


@pytest.fixture
def envelope() -> Envelope:
    return Envelope(
        mail_id=MailId(1),
        received_at=datetime(2026, 11, 24, tzinfo=UTC),
        peer="127.0.0.1",
        protocol="LMTP",
        mail_from=parse_address(b"sender@example.org"),
        recipients=(),
    )


@pytest.mark.parametrize(
    ("destiny", "reply", "copies"),
    [("tempfail", "451 4.3.0", 0), ("pass", "250 2.0.0", 1), ("discard", "250 2.7.0", 0)],
)
def test_what_becomes_of_mail_that_no_engine_scored_is_a_policy(
    postern: RunningFilter, hop: NextHop, sockets: Sockets, manage: Manage,
    destiny: str, reply: str, copies: int,
) -> None:  # fmt: skip
    """B1, BB-48: deferred unless a policy says otherwise; what passes is marked."""
    sockets.nobody("spamd")
    manage("policy", "set", "bob@example.com", f"spam_failure_destiny={destiny}")

    assert send(postern).startswith(reply)
    assert len(hop.delivered) == copies
    assert all(b"X-Postern-Unscanned: " in (copy.content or b"") for copy in hop.delivered)


@pytest.fixture(scope="module")
def poor_spamd() -> Iterator[OwnEngine]:
    """A real spamd with one child, a broken store for Bayes, and a DNS that never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        with own_spamd(
            "dns_available yes",
            f"dns_server 127.0.0.1:{port}",
            "rbl_timeout 1",
            "use_bayes 1",
            "header __RCVD_IN_TEST eval:check_rbl('test', 'zone.example.net.')",
            "tflags __RCVD_IN_TEST net",
            children=1,
            local=False,
            bayes=b"no database\n",
        ) as spamd:
            yield spamd


def test_mail_is_scored_although_bayes_and_dns_are_broken(
    poor_spamd: OwnEngine, envelope: Envelope, tmp_path: Path
) -> None:
    """B8, B9: the score comes from the rest of the rules."""
    spooled = SpooledMail(letter(0), "", tmp_path / "message", tmp_path)
    report = Spamd(Endpoint(path=str(poor_spamd.path))).scan(Letter(spooled, envelope), 120)

    assert report.rules
    assert not [rule.name for rule in report.rules if rule.name.startswith("BAYES_")]


def test_a_frozen_spamd_costs_its_deadline_and_mail_flows_when_it_thaws(
    postern: RunningFilter, hop: NextHop, sockets: Sockets, poor_spamd: OwnEngine
) -> None:
    """B2: SIGSTOP."""
    sockets.real("spamd", poor_spamd.path)
    poor_spamd.freeze()
    replies = send_many(postern, 2)
    poor_spamd.thaw()

    assert {reply[:9] for reply in replies} == {"451 4.3.0"}
    assert not hop.delivered
    sockets.fake("spamd", spamd_says(HAM))
    assert send(postern).startswith("250 2.0.0 ")


def test_a_busy_spamd_gets_no_more_than_it_can_take(
    postern: RunningFilter, hop: NextHop, sockets: Sockets
) -> None:
    """B6: the others wait for their turn, in time or until the deadline."""
    running, most, lock = 0, 0, threading.Lock()

    def play(connection: socket.socket) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        read_request(connection)
        time.sleep(0.05)
        with lock:
            running -= 1
        connection.sendall(HAM)

    sockets.fake("spamd", play)
    replies = send_many(postern, 24, at_once=12)

    assert {reply[:9] for reply in replies} == {"250 2.0.0"}
    assert most <= 2  # FILTER_SPAM_SCANS


def test_a_child_that_dies_in_the_middle_of_a_scan_gets_a_second_try(
    postern: RunningFilter, hop: NextHop, sockets: Sockets
) -> None:
    """B3: RST after our send."""
    plays = iter([fake_engine.hangs_up, spamd_says(HAM)])
    fake = sockets.fake("spamd", lambda connection: next(plays)(connection))

    assert send(postern).startswith("250 2.0.0 ")
    assert fake.asked == 2


def report(*lines: str) -> bytes:
    body = "\n".join(["POSTERN-REPORT 1", *lines, ""]).encode()
    head = f"SPAMD/1.1 0 EX_OK\r\nContent-length: {len(body)}\r\nSpam: False ; 0.1 / 6.3\r\n\r\n"
    return head.encode() + body


def test_a_result_in_time_counts_and_one_that_ran_out_of_time_says_so(
    postern: RunningFilter, hop: NextHop, sockets: Sockets, manage: Manage
) -> None:
    """B4: SpamAssassin's own mark of a partial result is among the rules; B2 shows what is late."""
    partial = report(
        "score 0.1 required 6.3 autolearn no prefix", "tests TIME_LIMIT_EXCEEDED=0.001,A=0.1"
    )

    def play(connection: socket.socket) -> None:
        read_request(connection)
        time.sleep(0.5)
        connection.sendall(partial)

    sockets.fake("spamd", play)
    assert send(postern).startswith("250 2.0.0 ")
    (entry,) = manage("mails", "list", "--limit", "1")
    assert entry["rules"] == {"TIME_LIMIT_EXCEEDED": 0.001, "A": 0.1}
    assert entry["score"] == 0.101


@pytest.mark.parametrize(
    "answer",
    [HAM.replace(b"0.1", b"nan"), HAM.replace(b"0.1", b"1e308"), HAM.replace(b" 0 EX_OK", b" 75 X"),
     HAM.replace(b"length: 0", b"length: 9"), HAM + b"x", b"HTTP/1.1 200 OK\r\n\r\n"],
)  # fmt: skip
def test_a_score_that_is_none_defers_the_mail(
    postern: RunningFilter, hop: NextHop, sockets: Sockets, answer: bytes
) -> None:
    """B5; the whole table is in tests/scan/test_spamd.py."""
    sockets.fake("spamd", spamd_says(answer))
    assert send(postern).startswith("451 4.3.0 ")
    assert not hop.delivered


def test_of_large_mail_the_beginning_is_scored_and_that_is_marked(
    postern: RunningFilter, hop: NextHop, sockets: Sockets, manage: Manage
) -> None:
    """B7, BB-49, S-3: 5 MB of text."""
    requests: list[int] = []

    def play(connection: socket.socket) -> None:
        requests.append(len(read_request(connection)))
        connection.sendall(HAM)

    sockets.fake("spamd", play)
    assert send(postern, "x" * 900 + ("\r\n" + "x" * 900) * 5500).startswith("250 2.0.0 ")
    (entry,) = manage("mails", "list", "--limit", "1")
    assert "__TRUNCATED" in entry["rules"]
    assert requests[0] < 300_000


# All of them


def test_every_row_of_the_matrix_stands_in_the_docstring_of_a_test() -> None:
    """A1 to A11 and B1 to B9: none may get lost when tests are moved."""
    named: set[str] = set()
    for file in (CHECKOUT / "tests").rglob("test_*.py"):
        for docstring in _docstrings(file.read_text(encoding="utf-8")):
            named |= set(re.findall(r"\b[AB]\d{1,2}\b", docstring))
    assert named >= ROWS


def _docstrings(source: str) -> list[str]:
    tests = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    return [ast.get_docstring(test) or "" for test in tests if test.name.startswith("test_")]
