"""clamd: what its answers mean; no misbehaviour of it passes as clean (A1 to A6, A8, A9)."""

import io
import socket
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.config import Endpoint
from smtpfilter.mail.findings import Unchecked, Virus
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.ports.engines import ConnectionBroke, ScannerFailed, Specimen, VirusScan
from smtpfilter.scan.clamd import Clamd, judge
from smtpfilter.scan.content import eicar
from tests.scan import fake_engine
from tests.scan.fake_engine import FakeEngine, Play, clamd_says

Spooled = Callable[[bytes], SpooledMail]
Engine = Callable[[Play], FakeEngine]

EICAR_FOUND = VirusScan(viruses=(Virus("Eicar-Test-Signature", "clamd"),))


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (b"stream: OK\0", VirusScan()),
        (b"stream: Eicar-Test-Signature FOUND\0", EICAR_FOUND),
        (b"stream: Eicar-Test-Signature.UNOFFICIAL FOUND\0", EICAR_FOUND),
        (b"stream: FOUND\0", VirusScan(viruses=(Virus("unnamed", "clamd"),))),
        (b"stream:  FOUND\0", VirusScan(viruses=(Virus("unnamed", "clamd"),))),
        (b"stream: a\xff\x07b FOUND\0", VirusScan(viruses=(Virus("a\ufffd\ufffdb", "clamd"),))),
        (b"stream: " + b"n" * 999 + b" FOUND\0", VirusScan(viruses=(Virus("n" * 256, "clamd"),))),
        (
            b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0",
            VirusScan(
                unchecked=(Unchecked("limits", "clamd: Heuristics.Limits.Exceeded.MaxFileSize"),)
            ),
        ),
        (
            b"stream: Heuristics.Encrypted.Zip FOUND\0",
            VirusScan(unchecked=(Unchecked("encrypted", "clamd: Heuristics.Encrypted.Zip"),)),
        ),
        (b"stream: (null) FOUND\0", VirusScan(unchecked=(Unchecked("limits", "clamd: (null)"),))),
        (
            b"INSTREAM size limit exceeded. ERROR\0",
            VirusScan(
                unchecked=(
                    Unchecked("limits", "clamd: the content is longer than its StreamMaxLength"),
                )
            ),
        ),
    ],
)
def test_definite_answers_are_clean_infected_or_unlookable(
    answer: bytes, meaning: VirusScan
) -> None:
    assert judge(answer) == meaning


GARBAGE = [
    b"",
    b"\0",
    b"stream: O",
    b"stream: OK",
    b"stream: OK\n",
    b"stream: OK\r\n\0",
    b"stream: OK \0",
    b"Stream: OK\0",
    b"stream: ok\0",
    b" stream: OK\0",
    b"stream: OK\0stream: OK\0",
    b"stream: OK\0stream: Eicar FOUND\0",
    b"stream: OK\0\0",
    b"x\0stream: OK\0",
    b"stream: Can't allocate memory ERROR\0",
    b"stream: Eicar FOUND",
    b"stream: EicarFOUND\0",
    b"UNKNOWN COMMAND\0",
    b"\xff\xfe\x00\x01",
    b"A" * 100_000,
]


@pytest.mark.parametrize("answer", GARBAGE, ids=[str(answer[:40]) for answer in GARBAGE])
def test_anything_else_is_a_failure_and_never_clean(answer: bytes) -> None:
    with pytest.raises(ScannerFailed):
        judge(answer)


@pytest.mark.parametrize("answer", GARBAGE, ids=[str(answer[:40]) for answer in GARBAGE])
def test_garbage_over_the_socket_is_a_failure_too(
    engine: Engine, spooled: Spooled, answer: bytes
) -> None:
    fake = engine(clamd_says(answer))
    with pytest.raises(ScannerFailed):
        Clamd(fake.endpoint).scan(Specimen(spooled(b"octets")), 5)


@given(
    st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: b"stream: " + b + b" FOUND\0")
)
def test_no_octets_but_the_exact_ones_are_clean(answer: bytes) -> None:
    try:
        meaning = judge(answer)
    except ScannerFailed:
        return
    assert answer == b"stream: OK\0" or meaning.viruses or meaning.unchecked
    assert all(0 < len(virus.name) <= 256 for virus in meaning.viruses or ())


def test_the_octets_arrive_as_they_are_and_an_answer_may_come_in_pieces(
    engine: Engine, spooled: Spooled
) -> None:
    content = bytes(range(256)) * 1000
    received = []

    def play(connection: socket.socket) -> None:
        received.append(fake_engine.read_stream(connection))
        for octet in b"stream: Eicar-Test-Signature FOUND\0":
            connection.sendall(bytes([octet]))

    assert Clamd(engine(play).endpoint).scan(Specimen(spooled(content)), 5) == EICAR_FOUND
    assert received == [content]


def test_a_second_answer_makes_the_first_worthless(engine: Engine, spooled: Spooled) -> None:
    fake = engine(clamd_says(b"stream: OK\0", b"stream: Eicar FOUND\0"))
    with pytest.raises(ScannerFailed):
        Clamd(fake.endpoint).scan(Specimen(spooled(b"octets")), 5)


def test_an_engine_that_keeps_the_connection_open_has_answered(
    engine: Engine, spooled: Spooled
) -> None:
    def play(connection: socket.socket) -> None:
        fake_engine.read_stream(connection)
        connection.sendall(b"stream: OK\0")
        fake_engine.stops_reading(connection)

    assert Clamd(engine(play).endpoint).scan(Specimen(spooled(b"octets")), 5) == VirusScan()


def test_a_missing_socket_is_worth_a_second_try(spooled: Spooled) -> None:
    with pytest.raises(ConnectionBroke, match="cannot connect"):
        Clamd(Endpoint(path="/nonexistent/clamd.sock")).scan(Specimen(spooled(b"octets")), 5)


@pytest.mark.parametrize("size", [10, 10_000_000], ids=["small", "large"])
def test_hanging_up_without_an_answer_is_worth_a_second_try(
    engine: Engine, spooled: Spooled, size: int
) -> None:
    with pytest.raises(ConnectionBroke):
        Clamd(engine(fake_engine.hangs_up).endpoint).scan(Specimen(spooled(b"x" * size)), 5)


@pytest.mark.parametrize("play", [fake_engine.hangs, fake_engine.stops_reading])
def test_hanging_ends_at_the_deadline(engine: Engine, spooled: Spooled, play: Play) -> None:
    with pytest.raises(ScannerFailed):
        Clamd(engine(play).endpoint).scan(Specimen(spooled(b"x" * 5_000_000)), 0.3)


def test_dribbling_ends_at_the_deadline(engine: Engine, spooled: Spooled) -> None:
    """Every octet comes in time; the whole does not."""

    def play(connection: socket.socket) -> None:
        fake_engine.read_stream(connection)
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    with pytest.raises(ScannerFailed, match=r"within 0\.3 seconds"):
        Clamd(engine(play).endpoint).scan(Specimen(spooled(b"octets")), 0.3)


def test_a_full_backlog_is_waited_for_until_the_deadline(spooled: Spooled, tmp_path: Path) -> None:
    """A unix socket whose backlog is full answers EAGAIN at once instead of letting us wait."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as waiting:
        listening.bind(path)
        listening.listen(0)
        waiting.connect(path)
        with pytest.raises(ScannerFailed, match=r"within 0\.2 seconds"):
            Clamd(Endpoint(path=path)).scan(Specimen(spooled(b"octets")), 0.2)


@pytest.mark.parametrize("play", [fake_engine.hangs_up, fake_engine.hangs])
def test_commands_to_a_broken_engine_fail_in_words(engine: Engine, play: Play) -> None:
    clamd = Clamd(engine(play).endpoint, 0.3)
    for command in (clamd.ping, clamd.reload):
        with pytest.raises(ScannerFailed):
            command()


# The real one


def test_the_real_clamd_answers_commands_and_finds_eicar(real_clamd: Endpoint) -> None:
    clamd = Clamd(real_clamd)
    clamd.ping()
    clamd.reload()
    assert clamd.version().startswith("ClamAV ")


def _zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("test.com", content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("octets", "scan"),
    [
        (b"", VirusScan()),
        (b"Subject: hello\r\n\r\nall is well\r\n", VirusScan()),
        (b"x" * 1_000_000, VirusScan()),
        (eicar(), EICAR_FOUND),
        (b"Subject: hello\r\n\r\n" + eicar() + b"\r\n", EICAR_FOUND),
        (_zipped(eicar()), EICAR_FOUND),
    ],
    ids=["empty", "clean", "large", "eicar", "eicar in a mail", "eicar in a zip"],
)
def test_the_real_clamd_tells_clean_from_infected(
    real_clamd: Endpoint, spooled: Spooled, octets: bytes, scan: VirusScan
) -> None:
    assert Clamd(real_clamd).scan(Specimen(spooled(octets)), 30) == scan


def test_the_real_clamd_refuses_a_message_above_its_limit_as_a_finding(
    real_clamd: Endpoint, spooled: Spooled
) -> None:
    scan = Clamd(real_clamd).scan(Specimen(spooled(b"x" * 90_000_000)), 60)
    assert [item.kind for item in scan.unchecked] == ["limits"]
