"""Sophie: what its replies mean, and what it is asked (V-1, V-9, BB-44)."""

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.findings import Virus
from smtpfilter.ports.engines import BrokeInScan, ConnectionBroke, ScannerFailed, VirusScan
from smtpfilter.scan.content import eicar
from smtpfilter.scan.sophie import Sophie, judge
from tests.doubles import scanners
from tests.scan import fake_engine
from tests.scan.fake_engine import FakeEngine, Play
from tests.scan.specimens import specimen

Engine = Callable[[Play], FakeEngine]


def infected(*names: str) -> VirusScan:
    return VirusScan(viruses=tuple(Virus(name, "sophie") for name in names))


EICAR = infected("EICAR-AV-Test")
FAILURE = None


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (b"0", VirusScan()),
        (b"0\n", VirusScan()),
        (b"0\r\n", VirusScan()),
        (b"0\0", VirusScan()),
        (b"00:", VirusScan()),
        (b"0:nothing\n", VirusScan()),
        (b"1", infected("unnamed")),
        (b"1\n", infected("unnamed")),
        (b"1:\n", infected("unnamed")),
        (b"1:EICAR", infected("EICAR")),
        (b"1:x\n\0", infected("x")),
        (b"1:a\xff\x07b\n", infected("a\ufffd\ufffdb")),
        (b"1:one\n1:two\n1:one\n", infected("one", "two")),
        (b"0\n1:late\n", infected("late")),
        (b"-1:Timeout\n1:x\n", infected("x")),
        (b"", FAILURE),
        (b"\n", FAILURE),
        (b"\0", FAILURE),
        (b"-1", FAILURE),
        (b"-1:Timeout\n", FAILURE),
        (b"0\n-1:Timeout\n", FAILURE),
        (b"2:x", FAILURE),
        (b"10:x", FAILURE),
        (b"01", FAILURE),
        (b"0x", FAILURE),
        (b" 0", FAILURE),
        (b"clean\n", FAILURE),
        (b"1x\n", FAILURE),
    ],
)
def test_only_exact_replies_are_definite(reply: bytes, meaning: VirusScan | None) -> None:
    """V-9, BB-44: everything that is no 0 and no 1 is a failure."""
    if meaning is FAILURE:
        with pytest.raises(ScannerFailed):
            judge(reply)
    else:
        assert judge(reply) == meaning


@given(st.binary(max_size=60) | st.text("01:-\n\r\0x", max_size=12).map(str.encode))
def test_no_octets_but_noughts_are_clean(reply: bytes) -> None:
    """BB-44: whatever comes, it is a failure, a virus with a name, or nothing but 0."""
    try:
        scan = judge(reply)
    except ScannerFailed:
        return
    lines = [line for line in re.split(rb"[\r\n\0]", reply) if line]
    assert scan.viruses or all(line.split(b":")[0].strip(b"0") == b"" for line in lines)
    assert all(virus.name for virus in scan.viruses or ())


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0", b""], ids=["LF", "CRLF", "NUL", "none"])
@pytest.mark.parametrize(
    ("message", "parts", "scan"),
    [
        (b"all is well", (), VirusScan()),
        (b"all is well", (b"a", b"b"), VirusScan()),
        (b"all is well", (b"a", eicar()), EICAR),
        (eicar(), (b"a",), EICAR),
        (eicar(), (), EICAR),
    ],
)
def test_parts_and_message_are_looked_at(
    engine: Engine,
    tmp_path: Path,
    end: bytes,
    message: bytes,
    parts: tuple[bytes, ...],
    scan: VirusScan,
) -> None:
    """V-1, V-9: whatever ends a reply, or nothing."""
    double = scanners.Sophie(end)
    sophie = Sophie(engine(double).endpoint)
    assert sophie.scan(specimen(tmp_path, message, *parts), 5) == scan
    assert not double.complaints


def test_it_is_asked_about_the_folder_and_then_the_message(engine: Engine, tmp_path: Path) -> None:
    """V-9: an absolute path, a folder with a slash behind it, and LF."""
    double = scanners.Sophie()
    Sophie(engine(double).endpoint).scan(specimen(tmp_path, b"mail", b"part"), 5)
    folder = os.fsencode(tmp_path)
    assert double.asked == [folder + b"/parts/\n", folder + b"/message\n"]


def test_a_path_that_it_cannot_read_is_a_failure(engine: Engine, tmp_path: Path) -> None:
    shown = specimen(tmp_path, b"mail", b"part")
    shown.mail.path.unlink()
    with pytest.raises(ScannerFailed, match="-1:No such file"):
        Sophie(engine(scanners.Sophie()).endpoint).scan(shown, 5)


def test_a_reply_may_come_in_pieces(engine: Engine, tmp_path: Path) -> None:
    def play(connection: socket.socket) -> None:
        connection.recv(4096)
        for octet in b"1:EICAR\r\n":
            connection.sendall(bytes([octet]))

    assert Sophie(engine(play).endpoint).scan(specimen(tmp_path, b"mail"), 5) == infected("EICAR")


def says(reply: bytes) -> Play:
    def play(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(reply)

    return play


def test_a_reply_counts_for_its_own_question_only(engine: Engine, tmp_path: Path) -> None:
    """A4: the second answer on the first connection is none about the message."""
    replies = [b"0\n", b"-1:Timeout\n"]
    fake = engine(lambda connection: says(replies.pop(0))(connection))
    with pytest.raises(ScannerFailed, match="Timeout"):
        Sophie(fake.endpoint).scan(specimen(tmp_path, b"mail", b"part"), 5)
    assert fake.asked == 2


@pytest.mark.parametrize(
    ("play", "error"),
    [
        (fake_engine.hangs_up, ConnectionBroke),
        (says(b""), BrokeInScan),
        (fake_engine.hangs, ScannerFailed),
        (says(b"x" * 20000), ScannerFailed),
        (says(b"\n"), ScannerFailed),
    ],
    ids=["hangs up", "no answer", "silence", "too long", "empty line"],
)
def test_misbehaviour_is_a_failure_in_time(
    engine: Engine, tmp_path: Path, play: Play, error: type[ScannerFailed]
) -> None:
    """BB-44, A1, A2."""
    with pytest.raises(error):
        Sophie(engine(play).endpoint).scan(specimen(tmp_path, b"mail"), 0.4)
