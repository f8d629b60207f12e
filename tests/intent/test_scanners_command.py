"""`manage.py scanners`: every entry with its role in force and what it answers; roles."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.engines.models import ScannerRole
from tests.doubles.scanners import Sophie
from tests.scan.fake_engine import FakeEngine

FILE = """
[[scanner]]
name = "grep"
protocol = "command"
role = "backup"
command = ["/bin/grep", "-rqs", "EICAR-STANDARD", "{}"]
clean_codes = [1]
infected_codes = [0]

[[scanner]]
name = "blind"
protocol = "command"
command = ["/bin/true", "{}"]
clean_codes = [0]
infected_codes = [1]
"""


@pytest.fixture
def sophie(tmp_path: Path) -> Iterator[FakeEngine]:
    fake = FakeEngine(None, Sophie())
    yield fake
    fake.stop()


@pytest.fixture
def machine(tmp_path: Path, sophie: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a Sophie and two programs."""
    file = tmp_path / "scanners.toml"
    file.write_text(FILE)
    monkeypatch.setenv("FILTER_SCANNERS_FILE", str(file))
    monkeypatch.setenv("FILTER_SOPHIE", str(sophie.endpoint))
    monkeypatch.delenv("FILTER_CLAMD")
    monkeypatch.delenv("FILTER_SPAMD")
    return file


def test_each_is_listed_with_its_role_in_force_and_its_answer(
    run: Any, machine: Path, sophie: FakeEngine
) -> None:
    """V-3, A8: one that calls EICAR clean fails."""
    ScannerRole.objects.create(name="blind", role="off")
    rows = run("scanners", "list", "--json").document
    told = [(r["name"], r["kind"], r["protocol"], r["role"], r["address"], r["ok"]) for r in rows]
    assert told == [
        ("sophie", "virus", "sophie", "primary", str(sophie.endpoint), True),
        ("grep", "virus", "command", "backup", "/bin/grep", True),
        ("blind", "virus", "command", "off", "/bin/true", False),
    ]
    assert "does not find the EICAR test file" in rows[2]["detail"]
    assert "sophie" in run("scanners", "list").out


def test_a_role_is_set_for_the_next_message(run: Any, machine: Path) -> None:
    """V-2: recorded, and refused where nobody would be left."""
    assert run("scanners", "role", "grep", "primary", "--json").document == {
        "name": "grep",
        "role": "primary",
    }
    assert ScannerRole.objects.get().role == "primary"
    assert run("scanners", "role", "nobody", "primary").code == 2
    assert run("scanners", "role", "grep", "main").code == 1
    for name in ("sophie", "blind"):
        assert run("scanners", "role", name, "off").code == 0
    assert "virus_scanning" in run("scanners", "role", "grep", "off").err


def test_no_scanner_is_said_in_words(run: Any, machine: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("FILTER_SCANNERS_FILE")
    monkeypatch.delenv("FILTER_SOPHIE")
    assert run("scanners", "list").out == "no scanner is configured\n"


def test_a_mistake_in_the_file_is_one_line(run: Any, machine: Path) -> None:
    """The filter does not start with it, either."""
    machine.write_text("[[scanner]]\nname = 'x'\n")
    for words in (("scanners", "list"), ("runfilter",)):
        done = run(*words)
        assert done.code == 2
        assert "scanner 1 'x': protocol: write a text" in done.err
        assert len(done.err.splitlines()) == 1
