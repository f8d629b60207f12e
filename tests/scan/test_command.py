"""Scanners that are programs: exit codes, patterns, arguments, limits (V-3, V-8, V-11)."""

import re
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.findings import Unchecked, Virus
from smtpfilter.ports.engines import BrokeInScan, ScannerFailed, VirusScan
from smtpfilter.scan.command import Command, Criterion, arguments
from smtpfilter.scan.content import eicar
from tests.scan.specimens import specimen

Script = Callable[..., Command]
FAILURE = None


def infected(*names: str) -> VirusScan:
    return VirusScan(viruses=tuple(Virus(name, "scan") for name in names))


def codes(*values: int, pattern: str = "") -> Criterion:
    return Criterion(frozenset(values), re.compile(pattern.encode(), re.M) if pattern else None)


NAME = re.compile(rb"^.*?: (?!Infected Archive)(.*) FOUND$", re.M)


@pytest.mark.parametrize(
    ("code", "output", "meaning"),
    [
        (0, b"", VirusScan()),
        (0, b"all OK\n", VirusScan()),
        (1, b"/x/0001: Eicar FOUND\n", infected("Eicar")),
        (1, b"/x/0001: A FOUND\n/x/0002: B FOUND\n/x: A FOUND\n", infected("A", "B")),
        (1, b"", infected("unnamed")),
        (1, b"/x/0001: Infected Archive FOUND\n", infected("unnamed")),
        (0, b"a VIRUS, but no exit code for it", infected("unnamed")),
        (77, b"VIRUS", infected("unnamed")),
        (-11, b"VIRUS", infected("unnamed")),
        (
            1,
            b"/x/0001: Heuristics.Limits.Exceeded.MaxFiles FOUND\n",
            VirusScan(
                unchecked=(Unchecked("limits", "scan: Heuristics.Limits.Exceeded.MaxFiles"),)
            ),
        ),
        (2, b"no database", FAILURE),
        (255, b"", FAILURE),
        (-11, b"", FAILURE),
    ],
)
def test_infected_is_tested_before_clean_and_anything_else_is_a_failure(
    code: int, output: bytes, meaning: VirusScan | None
) -> None:
    """V-3, V-8: clamscan's codes; a virus without a name is "unnamed"."""
    scanner = Command(
        "scan", (), clean=codes(0), infected=codes(1, pattern="VIRUS"), virus_name=NAME
    )
    if meaning is FAILURE:
        with pytest.raises(ScannerFailed):
            scanner.judge(code, output)
    else:
        assert scanner.judge(code, output) == meaning


@pytest.mark.parametrize(
    ("clean", "code", "output", "is_clean"),
    [
        (codes(0), 0, b"", True),
        (codes(0, 2), 2, b"", True),
        (codes(0, pattern="^done$"), 0, b"x\ndone\ny", True),
        (codes(0, pattern="^done$"), 0, b"", False),
        (codes(0, pattern="^done$"), 3, b"done", False),
        (codes(pattern="^done$"), 3, b"done", True),
        (codes(), 0, b"", False),
    ],
)
def test_clean_is_only_what_says_all_that_it_should(
    clean: Criterion, code: int, output: bytes, is_clean: bool
) -> None:
    """V-3: without a criterion for clean nothing is."""
    scanner = Command("scan", (), clean=clean, infected=codes(9))
    if is_clean:
        assert scanner.judge(code, output) == VirusScan()
    else:
        with pytest.raises(ScannerFailed, match=f"exit code {code}"):
            scanner.judge(code, output)


@given(st.integers(-64, 255), st.binary(max_size=80))
def test_no_output_makes_a_wrong_exit_code_clean(code: int, output: bytes) -> None:
    scanner = Command("scan", (), clean=codes(0), infected=codes(1), virus_name=NAME)
    try:
        scan = scanner.judge(code, output)
    except ScannerFailed:
        assert code not in (0, 1)
        return
    assert code == 0 or scan.viruses or scan.unchecked
    assert all(0 < len(virus.name) <= 256 for virus in scan.viruses or ())


def test_a_word_with_a_place_in_it_is_repeated(tmp_path: Path) -> None:
    """V-3, V-1: {} is the folder of parts, and the message; {}/* is every file."""
    shown = specimen(tmp_path, b"mail", b"a", b"b")
    folder, mail = f"{tmp_path}/parts/", f"{tmp_path}/message"
    assert list(arguments(("s", "-r", "{}", "--in={}"), shown)) == [
        "s", "-r", folder, mail, f"--in={folder}", f"--in={mail}",
    ]  # fmt: skip
    assert list(arguments(("s", "{}/*"), shown)) == ["s", mail, f"{folder}0001", f"{folder}0002"]
    assert list(arguments(("s", "{}"), specimen(tmp_path, b"mail"))) == ["s", mail]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Return a function that makes a scanner of a shell script's text."""

    def make(text: str, *words: str) -> Command:
        file = tmp_path / "scan.sh"
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(stat.S_IRWXU)
        return Command(
            "scan", (str(file), *words), clean=codes(0), infected=codes(1), virus_name=NAME
        )

    return make


@pytest.mark.parametrize(
    ("message", "parts", "scan"),
    [
        (b"all is well", (b"a",), VirusScan()),
        (b"all is well", (b"a", eicar()), infected("Eicar-Test")),
        (eicar(), (), infected("Eicar-Test")),
    ],
)
def test_a_program_looks_at_parts_and_message(
    script: Script, tmp_path: Path, message: bytes, parts: tuple[bytes, ...], scan: VirusScan
) -> None:
    """V-11: with its output on both streams."""
    scanner = script(
        'grep -rqs EICAR-STANDARD "$@" || exit 0; echo "x: Eicar-Test FOUND" >&2; exit 1', "{}"
    )
    folder = tmp_path / "mail"
    folder.mkdir()
    assert scanner.scan(specimen(folder, message, *parts), 10) == scan


def test_no_shell_sees_the_words_and_no_variable_of_ours_the_program(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """V-11."""
    monkeypatch.setenv("DATABASE_URL", "secret")
    scanner = script(
        f'env >{tmp_path}/env; printf "%s\\n" "$@" >{tmp_path}/words', "$(id); *", "{}"
    )
    scanner.scan(specimen(tmp_path, b"mail"), 10)
    assert (tmp_path / "words").read_text() == f"$(id); *\n{tmp_path}/message\n"
    assert "secret" not in (tmp_path / "env").read_text()


def test_it_reads_nothing_from_us(script: Script, tmp_path: Path) -> None:
    assert script("cat >/dev/null", "{}").scan(specimen(tmp_path, b"mail"), 10) == VirusScan()


@pytest.mark.parametrize("ignores", ["", "trap '' TERM; "])
def test_at_the_deadline_the_whole_group_is_killed(
    script: Script, tmp_path: Path, ignores: str
) -> None:
    """A2: with the children that it started."""
    scanner = script(f"{ignores}sleep 60 & echo $! >{tmp_path}/child; wait", "{}")
    started = time.monotonic()
    with pytest.raises(ScannerFailed, match=r"within 0\.5 seconds"):
        scanner.scan(specimen(tmp_path, b"mail"), 0.5)
    assert time.monotonic() - started < 30
    assert _is_gone(int((tmp_path / "child").read_text()))


def test_what_it_leaves_behind_is_killed(script: Script, tmp_path: Path) -> None:
    scanner = script(f"sleep 60 >/dev/null 2>&1 & echo $! >{tmp_path}/child", "{}")
    assert scanner.scan(specimen(tmp_path, b"mail"), 10) == VirusScan()
    assert _is_gone(int((tmp_path / "child").read_text()))


def _is_gone(pid: int) -> bool:
    """Tell whether it ends soon: killed, or a zombie that nobody has reaped yet."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.02)
    return False


def test_endless_output_is_a_failure(script: Script, tmp_path: Path) -> None:
    """V-11: its output is limited; what was cut off could have been a name."""
    with pytest.raises(ScannerFailed, match="printed more"):
        script("exec yes", "{}").scan(specimen(tmp_path, b"mail"), 20)


def test_a_program_that_crashes_may_have_died_of_the_content(
    script: Script, tmp_path: Path
) -> None:
    """A6."""
    with pytest.raises(BrokeInScan, match="SIGSEGV"):
        script("kill -SEGV $$", "{}").scan(specimen(tmp_path, b"mail"), 10)


def test_a_program_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    scanner = Command("scan", ("/nonexistent", "{}"), clean=codes(0), infected=codes(1))
    with pytest.raises(ScannerFailed, match="cannot be started: No such file"):
        scanner.scan(specimen(tmp_path, b"mail"), 10)


def test_no_scan_leaves_a_file_open(script: Script, tmp_path: Path) -> None:
    scanner, shown = script("exit 0", "{}"), specimen(tmp_path, b"mail")
    scanner.scan(shown, 10)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        scanner.scan(shown, 10)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
