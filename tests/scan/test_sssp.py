"""Sophos' savdid: its answers in SSSP, and what it is asked (V-1, V-10, A5)."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.findings import Virus
from smtpfilter.ports.engines import BrokeInScan, ConnectionBroke, ScannerFailed, VirusScan
from smtpfilter.scan.content import eicar
from smtpfilter.scan.sssp import Sssp, judge
from tests.doubles import scanners
from tests.scan import fake_engine
from tests.scan.fake_engine import FakeEngine, Play
from tests.scan.specimens import specimen

Engine = Callable[[Play], FakeEngine]
ACC = b"ACC 0001/1"
FAILURE = None


def infected(*names: str) -> VirusScan:
    return VirusScan(viruses=tuple(Virus(name, "sssp") for name in names))


@pytest.mark.parametrize(
    ("lines", "meaning"),
    [
        ([ACC, b"DONE OK"], VirusScan()),
        ([ACC, b"DONE OK 0000 The function call succeeded"], VirusScan()),
        ([ACC, b"EVENT FILE /x/message", b"OK 0000 /x/message", b"DONE OK 0000"], VirusScan()),
        ([ACC, b"VIRUS EICAR /x/message", b"DONE OK 0203 Virus found"], infected("EICAR")),
        ([ACC, b"VIRUS A /x", b"VIRUS B /y", b"VIRUS A /z", b"DONE OK"], infected("A", "B")),
        ([ACC, b"VIRUS A /x", b"DONE FAIL 0212"], infected("A")),
        ([ACC, b"VIRUS", b"DONE OK"], infected("unnamed")),
        ([ACC, b"VIRUS a\x07b /x", b"DONE OK"], infected("a\ufffdb")),
        ([ACC, b"DONE OK 0203 Virus found"], FAILURE),
        ([ACC, b"DONE FAIL 0212 Encrypted"], FAILURE),
        ([ACC, b"FAIL 0212 /x/0001", b"DONE OK 0000"], FAILURE),
        ([ACC, b"DONE OK", b"DONE OK"], FAILURE),
        ([ACC, b"DONE OKAY"], FAILURE),
        ([ACC, b"DONE"], FAILURE),
        ([ACC, b"DONE OK", b"more"], FAILURE),
        ([b"DONE OK"], FAILURE),
        ([b"REJ 4"], FAILURE),
        ([ACC], FAILURE),
        ([], FAILURE),
    ],
)
def test_only_exact_answers_are_definite(lines: list[bytes], meaning: VirusScan | None) -> None:
    """V-10: a VIRUS line is infected, DONE OK clean, anything else a failure."""
    if meaning is FAILURE:
        with pytest.raises(ScannerFailed):
            judge(lines)
    else:
        assert judge(lines) == meaning


@given(
    st.lists(
        st.binary(max_size=30) | st.sampled_from([ACC, b"DONE OK", b"DONE FAIL 1", b"VIRUS x /y"])
    )
)
def test_no_lines_but_an_accepted_done_ok_are_clean(lines: list[bytes]) -> None:
    try:
        scan = judge(lines)
    except ScannerFailed:
        return
    clean = lines[0].startswith(b"ACC ") and lines[-1].startswith(b"DONE OK") if lines else False
    assert all(virus.name for virus in scan.viruses or ())
    assert scan.viruses or scan.unchecked or clean


@pytest.mark.parametrize(
    ("message", "parts", "names"),
    [
        (b"all is well", (b"a",), ()),
        (b"all is well", (b"a", eicar()), ("EICAR-AV-Test",)),
        (eicar(), (), ("EICAR-AV-Test",)),
    ],
)
def test_the_message_and_its_parts_are_looked_at(
    engine: Engine, tmp_path: Path, message: bytes, parts: tuple[bytes, ...], names: tuple[str, ...]
) -> None:
    """V-1, V-10: by one request about the folder, its path percent-encoded."""
    folder = tmp_path / "a b%\xe9"
    folder.mkdir()
    double = scanners.Savdid()
    scan = Sssp(engine(double).endpoint).scan(specimen(folder, message, *parts), 5)
    assert scan == infected(*names)
    assert not double.complaints
    assert double.asked == [f"SSSP/1.0 SCANDIRR {tmp_path}/a%20b%25%C3%A9\r\n".encode()]


def says(greeting: bytes, answer: bytes = b"") -> Play:
    def play(connection: socket.socket) -> None:
        connection.sendall(greeting)
        if answer:
            connection.recv(4096)
            connection.sendall(answer)

    return play


HELLO = b"OK SSSP/1.0\r\n"


@pytest.mark.parametrize(
    ("play", "error"),
    [
        (fake_engine.hangs_up, ConnectionBroke),
        (fake_engine.hangs, ScannerFailed),
        (says(b"220 smtp\r\n"), ScannerFailed),
        (says(b"OK SSSP/1.1\r\n"), ScannerFailed),
        (says(HELLO, b"ACC 1\r\n"), BrokeInScan),
        (says(HELLO, b"ACC 1\r\nDONE OK\r\n"), BrokeInScan),
        (says(HELLO, b"REJ 4\r\n"), ScannerFailed),
        (says(HELLO, b"x" * 10000), ScannerFailed),
        (says(HELLO, b"ACC 1\r\n" + b"OK\r\n" * 20001), ScannerFailed),
    ],
)
def test_misbehaviour_is_a_failure_in_time(
    engine: Engine, tmp_path: Path, play: Play, error: type[ScannerFailed]
) -> None:
    """A1, A2, A5."""
    with pytest.raises(error):
        Sssp(engine(play).endpoint).scan(specimen(tmp_path, b"mail"), 0.4)
