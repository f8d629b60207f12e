"""clamd and hidden files: each is shown after the message, and all findings count (V-1, V-7)."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.config import Endpoint
from smtpfilter.mail.findings import Unchecked, Virus
from smtpfilter.ports.engines import BrokeInScan, ScannerFailed, VirusScan
from smtpfilter.scan.clamd import Clamd, Session, judge
from smtpfilter.scan.content import eicar
from smtpfilter.scan.wire import Deadline
from tests.scan.fake_engine import FakeEngine, Play, clamd_says, clamd_session, read_content
from tests.scan.specimens import specimen

Engine = Callable[[Play], FakeEngine]
TOO_LARGE = VirusScan(
    unchecked=(Unchecked("limits", "clamd: the content is longer than its StreamMaxLength"),)
)


def found(*names: str) -> VirusScan:
    return VirusScan(viruses=tuple(Virus(name, "clamd") for name in names))


def clean(number: int, content: bytes) -> bytes:
    return b"%d: stream: OK\0" % number


def test_the_message_and_then_every_hidden_file_is_shown_over_one_connection(
    engine: Engine, tmp_path: Path
) -> None:
    """V-1, V-7."""
    seen: list[bytes] = []

    def answer(number: int, content: bytes) -> bytes:
        seen.append(content)
        return clean(number, content)

    fake = engine(clamd_session(answer))
    large = bytes(range(256)) * 1000
    assert Clamd(fake.endpoint).scan(specimen(tmp_path, b"mail", large, b""), 5) == VirusScan()
    assert seen == [b"mail", large, b""]
    assert fake.asked == 1


def test_a_message_without_hidden_files_is_one_stream(engine: Engine, tmp_path: Path) -> None:
    fake = engine(clamd_says(b"stream: OK\0"))
    shown = specimen(tmp_path, b"mail", b"part", hidden=False)
    assert Clamd(fake.endpoint).scan(shown, 5) == VirusScan()


def test_findings_of_all_are_joined_each_once(engine: Engine, tmp_path: Path) -> None:
    """V-12, A5."""
    said = [
        b"A FOUND",
        b"OK",
        b"B FOUND",
        b"A FOUND",
        b"Heuristics.Encrypted.Zip FOUND",
        b"Heuristics.Encrypted.Zip FOUND",
    ]
    fake = engine(clamd_session(lambda number, _: b"%d: stream: %s\0" % (number, said[number - 1])))
    scan = Clamd(fake.endpoint).scan(specimen(tmp_path, b"mail", *[b"x"] * 5), 5)
    assert scan == VirusScan(
        viruses=found("A", "B").viruses,
        unchecked=(Unchecked("encrypted", "clamd: Heuristics.Encrypted.Zip"),),
    )


WRONG = [
    b"stream: OK\0",
    b"1: stream: OK\0",
    b"02: stream: OK\0",
    b"2:stream: OK\0",
    b" 2: stream: OK\0",
    b"3: stream: OK\0",
    b"2: stream: OK\n",
    b"2: stream: OK\x003: stream: OK\0",
    b"2: stream: OK\x002: stream: Eicar FOUND\0",
    b"2: \0",
    b"\0",
    b"2: UNKNOWN COMMAND\0",
    b"x" * 5000,
]


@pytest.mark.parametrize("answer", WRONG)
def test_only_the_answer_to_the_question_counts(
    engine: Engine, tmp_path: Path, answer: bytes
) -> None:
    """A4, A5: also where another answer came before it."""

    def answers(number: int, content: bytes) -> bytes:
        return answer if number == 2 else clean(number, content)

    with pytest.raises(ScannerFailed):
        Clamd(engine(clamd_session(answers)).endpoint).scan(specimen(tmp_path, b"m", b"x"), 0.4)


def test_an_answer_more_than_was_asked_makes_all_worthless(engine: Engine, tmp_path: Path) -> None:
    """A5: one of them is not about what it seems to be about."""

    def answers(number: int, content: bytes) -> bytes:
        more = b"3: stream: OK\0" if number == 2 else b""
        return clean(number, content) + more

    with pytest.raises(ScannerFailed):
        Clamd(engine(clamd_session(answers)).endpoint).scan(specimen(tmp_path, b"m", b"x"), 5)


def test_hanging_up_between_two_contents_is_worth_a_second_try(
    engine: Engine, tmp_path: Path
) -> None:
    def play(connection: socket.socket) -> None:
        file = connection.makefile("rb")
        file.read(11)
        connection.sendall(clean(1, read_content(file)))
        read_content(file)

    with pytest.raises(BrokeInScan):
        Clamd(engine(play).endpoint).scan(specimen(tmp_path, b"mail", b"part"), 5)


def test_a_file_that_is_gone_is_a_failure(engine: Engine, tmp_path: Path) -> None:
    shown = specimen(tmp_path, b"mail", b"part")
    shown.files[0].path.unlink()
    with pytest.raises(ScannerFailed, match="cannot be read"):
        Clamd(engine(clamd_session(clean)).endpoint).scan(shown, 5)


@given(st.binary(max_size=60), st.sampled_from([b"", b"stream: ", b"stream: OK", b"\0"]))
def test_no_octets_but_the_exact_ones_are_clean(tail: bytes, head: bytes) -> None:
    """BB-45: what follows the number is judged as an answer by itself is."""
    try:
        scan = judge(head + tail)
    except ScannerFailed:
        return
    assert head + tail == b"stream: OK\0" or scan.viruses or scan.unchecked


# The real one


@pytest.mark.parametrize(
    ("message", "parts", "scan"),
    [
        (b"Subject: a\r\n\r\nall is well", (b"a", b"", b"b" * 300_000), VirusScan()),
        (b"Subject: a\r\n\r\nall is well", (b"a", eicar(), b"b"), found("Eicar-Test-Signature")),
        (eicar(), (b"a",), found("Eicar-Test-Signature")),
        (eicar(), (eicar(),), found("Eicar-Test-Signature")),
    ],
    ids=["clean", "hidden", "open", "both"],
)
def test_the_real_clamd_finds_what_is_hidden(
    real_clamd: Endpoint, tmp_path: Path, message: bytes, parts: tuple[bytes, ...], scan: VirusScan
) -> None:
    """BB-8: EICAR in a file that the raw message does not show."""
    assert Clamd(real_clamd).scan(specimen(tmp_path, message, *parts), 30) == scan


def test_the_real_clamd_looks_at_the_rest_after_a_file_that_is_too_long(
    real_clamd: Endpoint, tmp_path: Path
) -> None:
    """A9: too long a file is a finding, and hides nothing that follows it."""
    shown = specimen(tmp_path, b"mail", b"x" * 90_000_000, eicar())
    assert Clamd(real_clamd).scan(shown, 60) == VirusScan(
        viruses=found("Eicar-Test-Signature").viruses, unchecked=TOO_LARGE.unchecked
    )


def test_the_real_clamd_leaves_no_connection_open(real_clamd: Endpoint, tmp_path: Path) -> None:
    clamd, shown = Clamd(real_clamd), specimen(tmp_path, b"mail", b"a")
    clamd.scan(shown, 30)
    before = len(list(Path("/proc/self/fd").iterdir()))
    clamd.scan(shown, 30)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_session_numbers_each_connection_from_one(real_clamd: Endpoint) -> None:
    session = Session(real_clamd, Deadline(30))
    assert session.ask(b"a") == session.ask(b"b") == b"stream: OK\0"
    session.close()
    assert session.ask(b"c") == b"stream: OK\0"
    session.end()
    session.close()
