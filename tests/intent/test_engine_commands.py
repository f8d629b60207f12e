"""The commands that ask the engines: explain, scanners, learn."""

import os
from pathlib import Path
from typing import Any

import pytest

from smtpfilter.policy.settings import FIELDS


def test_explain_answers_with_verdict_reasons_and_origins(run: Any) -> None:
    run("policy", "set", "example.com", "spam_kill_level=8")

    answer = run("explain", "Ann+x@example.com", "--score", "8", "--json").document

    assert (answer["destiny"], answer["category"]) == ("discard", "spam")
    assert "example.com" in answer["reasons"][0]
    assert answer["settings"]["spam_kill_level"] == {"value": 8.0, "origin": "example.com"}
    assert list(answer["settings"]) == list(FIELDS)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("a\nb@example.com",), 1),
        (("<>",), 1),
        (("ann@example.com", "--sender", "@"), 1),
        (("ann@example.com", "--message", "/nowhere"), 1),
        (("ann@example.com", "--message", "/nowhere", "--score", "5"), 2),
        (("ann@example.com", "--score", "high"), 2),
        ((), 2),
    ],
)
def test_explain_refuses_what_it_cannot_answer(
    run: Any, arguments: tuple[str, ...], code: int
) -> None:
    assert run("explain", *arguments).code == code


def test_a_scanner_that_does_not_answer_is_listed_as_failing(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILTER_CLAMD", "/nowhere/clamd")
    monkeypatch.delenv("FILTER_SPAMD", raising=False)

    (row,) = run("scanners", "list", "--json").document

    assert (row["name"], row["address"], row["ok"]) == ("clamd", "/nowhere/clamd", False)
    assert row["detail"].startswith("fails: ")


def test_a_scanner_that_finds_its_sample_is_listed_as_working(run: Any) -> None:
    rows = run("scanners", "list", "--json").document

    assert {"spamd": True}.items() <= {row["name"]: row["ok"] for row in rows}.items()


def test_a_message_is_learned_once(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(
        f"Message-ID: <{os.urandom(8).hex()}@example.org>\r\nSubject: Lunch\r\n\r\n"
        "Shall we meet at noon at the corner, as always?\r\n".encode()
    )

    assert run("learn", "ham", str(file), "--json").document == {
        "learned": 1,
        "known_before": 0,
        "failed": 0,
    }
    assert run("learn", "ham", str(file), "--json").document == {
        "learned": 0,
        "known_before": 1,
        "failed": 0,
    }


def test_nothing_is_learned_from_a_file_that_is_not_there(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILTER_SPAMD", "/nowhere/spamd")

    assert "cannot read" in run("learn", "spam", "/nowhere/mail.eml").err
    monkeypatch.delenv("FILTER_SPAMD")
    assert run("learn", "spam", "/nowhere/mail.eml").code == 1
