""".env.example tells every install setting with the default that really holds."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from smtpfilter.config import FilterConfig


class Recorder(Mapping[str, str]):
    """An empty environment that remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@pytest.fixture
def example(checkout: Path) -> dict[str, str]:
    lines = (checkout / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_it_names_every_setting_of_the_filter_and_no_other(example: dict[str, str]) -> None:
    recorder = Recorder()
    FilterConfig.from_environment(recorder)
    files = {"FILTER_PID_FILE", "FILTER_SCANNERS_FILE"}  # settings by themselves
    asked = {name for name in recorder.asked if not name.endswith("_FILE")} | files
    assert {name for name in example if name.startswith("FILTER_")} == asked - {
        "APPLIANCE_HOSTNAME"
    }


def test_its_values_are_the_defaults(example: dict[str, str]) -> None:
    given = {n: v for n, v in example.items() if n.startswith(("FILTER_", "APPLIANCE_"))}
    assert FilterConfig.from_environment(given) == FilterConfig.from_environment({})


def test_it_names_every_setting_of_the_web_side(checkout: Path, example: dict[str, str]) -> None:
    settings = (checkout / "appliance" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r"\benv\.\w+\(\s*\"([A-Z_]+)\"", settings))
    assert read
    assert read <= example.keys()


def test_each_setting_is_told_in_words(checkout: Path) -> None:
    lines = (checkout / ".env.example").read_text(encoding="utf-8").splitlines()
    silent = [
        line
        for before, line in pairwise(lines)
        if re.match(r"[A-Z]", line) and not before.startswith("# ")
    ]
    assert silent == []
