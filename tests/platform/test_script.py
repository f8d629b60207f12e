"""`./postern` itself: the index of work, in a shell that may have any locale and any folder."""

import os
import subprocess
from pathlib import Path

import pytest

VERBS = ("run", "demo", "test", "check", "bench", "corpus", "manage", "help")


def postern(
    checkout: Path, *arguments: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(checkout / "postern"), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("arguments", [("help",), ("--help",), ()], ids=["help", "--help", "none"])
def test_help_names_every_verb_on_one_screen(checkout: Path, arguments: tuple[str, ...]) -> None:
    done = postern(checkout, *arguments)
    assert done.returncode == 0
    assert all(f"\n  {verb} " in done.stdout for verb in VERBS)
    assert len(done.stdout.splitlines()) <= 24


def test_an_unknown_verb_is_a_usage_error(checkout: Path) -> None:
    done = postern(checkout, "rnu")
    assert done.returncode == 2
    assert "no such verb: rnu" in done.stderr


def test_the_script_is_plain_posix_shell(checkout: Path) -> None:
    subprocess.run(["dash", "-n", str(checkout / "postern")], check=True)
    assert (checkout / "postern").read_text(encoding="utf-8").startswith("#!/bin/sh\n")


def test_it_finds_its_checkout_from_any_folder_and_through_a_link(
    checkout: Path, tmp_path: Path
) -> None:
    link = tmp_path / "a link with blanks"
    link.symlink_to(checkout / "postern")
    done = subprocess.run(
        [str(link), "manage", "version"], cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_it_runs_nothing_that_lies_in_the_folder_of_the_caller(
    checkout: Path, tmp_path: Path
) -> None:
    (tmp_path / "appliance").mkdir()
    (tmp_path / "appliance" / "__init__.py").write_text("raise SystemExit('a stranger')\n")
    done = postern(checkout, "manage", "version", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_finds_the_servers_that_the_path_of_an_ordinary_user_lacks(checkout: Path) -> None:
    found = subprocess.run(
        ["sh", "-c", '. "$0" help >/dev/null; command -v spamd', str(checkout / "postern")],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == "/usr/sbin/spamd\n"


def test_an_unknown_command_is_a_usage_error(checkout: Path) -> None:
    done = postern(checkout, "manage", "plicy", "list")
    assert done.returncode == 2
    assert "Unknown command: 'plicy'" in done.stderr


def test_continuous_integration_calls_the_test_verb(checkout: Path) -> None:
    assert "exec ./postern test\n" in (checkout / ".ci" / "run").read_text(encoding="utf-8")


@pytest.fixture
def bare_machine(tmp_path: Path) -> dict[str, str]:
    """An environment of an ordinary user on whose machine nothing is installed."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {
        "dpkg-query": "exit 1",
        "id": "echo 1000",
        "apt-get": f"touch '{tmp_path}/apt-get-was-run'",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
        (programs / name).chmod(0o755)
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}


@pytest.mark.parametrize(
    ("verb", "wanted"), [("run", "clamav-daemon"), ("test", "chromium")], ids=["run", "test"]
)
def test_without_packages_an_ordinary_user_is_told_the_one_line_to_run(
    checkout: Path, tmp_path: Path, bare_machine: dict[str, str], verb: str, wanted: str
) -> None:
    done = subprocess.run(
        [str(checkout / "postern"), verb],
        env=bare_machine,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("apt-get install ")]
    assert done.returncode == 1
    assert len(lines) == 1
    assert wanted in lines[0].split()
    assert not (tmp_path / "apt-get-was-run").exists()
