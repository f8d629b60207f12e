"""Findings as JSON, and text made visible (P6)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.findings import (
    VERSION,
    Authentication,
    BadHeader,
    Findings,
    Part,
    Rule,
    Signature,
    SpamReport,
    Unchecked,
    Virus,
    visible,
)

_TEXT = st.text(max_size=10).map(visible)
_FLOATS = st.floats(-1000, 1000)
_PARTS = st.builds(
    Part,
    path=_TEXT,
    nodes=st.lists(st.lists(_TEXT).map(tuple), max_size=3).map(tuple),
    name=_TEXT,
    mime_type=_TEXT,
    size_bytes=st.integers(0),
    sha256=_TEXT,
    short_types=st.lists(_TEXT, max_size=2).map(tuple),
)
_AUTHENTICATION = st.builds(
    Authentication,
    spf=_TEXT,
    spf_domain=_TEXT,
    signatures=st.lists(st.builds(Signature, _TEXT, _TEXT, _TEXT), max_size=2).map(tuple),
    from_domain=_TEXT,
    dmarc=_TEXT,
    dmarc_policy=_TEXT,
    proven=st.lists(_TEXT, max_size=2).map(tuple),
)
_REPORTS = st.builds(
    SpamReport,
    _FLOATS,
    st.lists(st.builds(Rule, _TEXT, _FLOATS, _TEXT), max_size=2).map(tuple),
    preferences=_TEXT,
)
_FINDINGS = st.builds(
    Findings,
    parts=st.none() | st.lists(_PARTS, max_size=2).map(tuple),
    viruses=st.none()
    | st.lists(st.builds(Virus, _TEXT, _TEXT, st.none() | _FLOATS), max_size=2).map(tuple),
    spam=st.none() | _REPORTS,
    spam_for=st.dictionaries(_TEXT, _REPORTS, max_size=2),
    bad_headers=st.none()
    | st.lists(st.builds(BadHeader, st.integers(1, 8), _TEXT), max_size=2).map(tuple),
    unchecked=st.lists(st.builds(Unchecked, st.just("limits"), _TEXT), max_size=2).map(tuple),
    scanner_failure=st.none() | _TEXT,
    spam_failure=st.none() | _TEXT,
    authentication=st.none() | _AUTHENTICATION,
)


@given(_FINDINGS)
def test_findings_survive_json(findings: Findings) -> None:
    assert Findings.from_json(json.loads(json.dumps(findings.to_json()))) == findings


def test_findings_of_a_newer_version_are_refused() -> None:
    with pytest.raises(ValueError, match=f"knows {VERSION}"):
        Findings.from_json({"version": VERSION + 1})


@given(st.text(alphabet=st.characters()))
def test_visible_text_can_be_stored_anywhere(text: str) -> None:
    shown = visible(text)

    shown.encode("utf-8")
    assert "\0" not in shown
    assert len(shown) == min(len(text), 2000)


def test_visible_text_is_cut_at_2000_characters() -> None:
    assert visible("a" * 2001) == "a" * 2000
    assert visible("abc", 2) == "ab"


def test_findings_of_an_older_version_are_read() -> None:
    """S-1, V-4: when parts had no types, names no points, and everybody shared one report."""
    part = {"path": "1", "nodes": [["text/plain"]], "name": "", "mime_type": "text/plain"}
    old = {
        "parts": [part | {"size_bytes": 1}],
        "viruses": [{"name": "Klez", "scanner": "clamd"}],
        "spam": {"score": 1.0, "rules": []},
    }

    found = Findings.from_json(old)
    assert found.parts == (Part("1", (("text/plain",),), "", "text/plain", 1),)
    assert found.infections == (Virus("Klez", "clamd"),)
    assert found.report_for("") == SpamReport(1.0)


def test_the_version_is_recorded() -> None:
    assert Findings().to_json()["version"] == VERSION


def test_who_has_preferences_has_a_report_of_his_own() -> None:
    """S-1: a failure counts for those who have no report."""
    site, own = SpamReport(1.0), SpamReport(2.0)
    found = Findings(spam=site, spam_for={"ann": own}, spam_failure="timed out")
    assert found.report_for("ann") == own
    assert found.spam_failure_for("ann") is None
    assert found.report_for("bob") is None
    assert found.spam_failure_for("bob") == "timed out"
