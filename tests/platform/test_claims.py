"""What the corpus report takes for seen and for missed: found versus expected, mail by mail."""

from typing import Any

import pytest

from appliance.stack.claims import KINDS, claims
from appliance.stack.corpus_report import Trial, report
from appliance.stack.samples import Sample
from appliance.stack.sending import Answer


def sample(expect: str, eicar: str = "no", **what: Any) -> Sample:
    return Sample("x/y.eml", "x", eicar, expect, b"Subject: x\r\n\r\nx\r\n", **what)


def entry(
    *names: str, kinds: tuple[str, ...] = (), bad_header: bool = False, **fields: Any
) -> dict[str, Any]:
    """Return what the journal has of a mail with one part of these words."""
    part = {"nodes": [["text/plain", *names]], "name": "", "short_types": []}
    findings = {
        "parts": [part],
        "unchecked": [{"kind": kind, "text": ""} for kind in kinds],
        "bad_headers": [{"minor": 1, "text": ""}] if bad_header else [],
    }
    recipients = [{"category": "clean", "outcome": "delivered"}]
    return {"findings": findings, "recipients": recipients, "score": None} | fields


VIRUS = {"viruses": ["Eicar"]}


@pytest.mark.parametrize(
    ("mail", "seen", "missed"),
    [
        (sample("virus", "yes"), entry(**VIRUS), []),
        (sample("virus", "yes"), entry(kinds=("ambiguous",)), ["virus"]),
        (sample("virus", "yes"), {}, ["virus"]),
        (sample("virus", "clamtest"), entry(), []),
        (sample("virus|limit", "yes"), entry(kinds=("limits",)), []),
        (sample("virus|limit", "yes"), entry(kinds=("encrypted",)), ["virus"]),
        (sample("virus|clean"), entry(), []),
        (sample("virus,banned", "yes"), entry(**VIRUS), ["banned"]),
        (sample("virus|badheader", "ambiguous"), entry(), ["ambiguous"]),
        (sample("virus|badheader", "ambiguous"), entry(bad_header=True), []),
        (sample("virus|badheader", "ambiguous"), entry(kinds=("ambiguous",)), []),
        (sample("uncheckable"), entry(), ["unchecked"]),
        (sample("uncheckable|no-crash"), entry(), []),
        (sample("limit"), entry(kinds=("undecodable",)), ["limit"]),
        (sample("score"), entry(), ["score"]),
        (sample("score"), entry(score=0.0), []),
        (sample("score"), entry(kinds=("ambiguous",)), []),
        (sample("score"), entry(bad_header=True), ["score"]),
        (sample("no-crash,decode"), entry(), []),
        (sample("banned", banned_names=("a.exe",)), entry("b.exe", banned=["p"]), []),
        (sample("banned", banned_names=("a.exe",)), entry("a.txt", banned=["p"]), ["name"]),
        (
            sample("banned", banned_names=("run．exe",), banned_types=("exe-ms",)),
            entry(".exe-ms", banned=["p"]),
            [],
        ),
        (sample("report", banned_types=("hta",)), entry("x.hta"), []),
        (sample("report", banned_types=("office-macro",)), entry(".doc"), ["type"]),
        (
            sample("name-found|badheader", banned_names=("name ending in .zip, hidden",)),
            entry("x.zip"),
            [],
        ),
        (
            sample("name-found|badheader", banned_names=("name ending in .zip, hidden",)),
            entry("x.txt"),
            ["ambiguous"],
        ),
    ],
)
def test_a_claim_is_met_by_what_was_seen(
    mail: Sample, seen: dict[str, Any], missed: list[str]
) -> None:
    made = claims(mail, seen)

    assert [claim.kind for claim in made if not claim.met] == missed
    assert {claim.kind for claim in made} <= set(KINDS)


def trial(mail: Sample, seen: dict[str, Any], answer: str = "250 Ok", **what: Any) -> Trial:
    code, text = answer.split(" ", 1)
    return Trial(mail, Answer(int(code), text), seen, what.pop("copies", None), **what)


@pytest.mark.parametrize(
    ("one", "wrong"),
    [
        (trial(sample("no-crash"), entry()), False),
        (trial(sample("no-crash"), entry(), "554 no"), True),
        (trial(sample("loop|no-crash"), {}, "554 loop"), False),
        (trial(sample("no-crash"), entry(), "451 later"), True),
        (trial(sample("no-crash"), {}), True),
        (trial(sample("no-crash"), entry(), copies=()), True),
        (trial(sample("no-crash"), entry(kinds=("failed",))), True),
        (trial(sample("no-crash"), entry(**VIRUS)), True),
        (trial(sample("no-crash"), entry(viruses=["Heuristics.Zip"])), False),
        (trial(sample("virus", "yes"), entry()), True),
    ],
)
def test_whatever_is_missed_or_wrong_fails_the_run(
    one: Trial, wrong: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regressions fail the build: `./postern corpus` ends with 1."""
    assert report([one], []) is wrong
    assert ("x/y.eml: " in capsys.readouterr().out) is wrong


def test_an_exception_in_the_log_fails_the_run_and_the_slowest_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert report([trial(sample(""), entry(), seconds=7.5)], ["ValueError"])
    assert "7.50 s  x/y.eml" in capsys.readouterr().out
