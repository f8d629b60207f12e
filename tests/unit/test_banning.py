"""Forbidden names and types (B-1 to B-8, BB-12 to BB-14)."""

# ruff: noqa: E501 - one row of a table is one line

from typing import Any

import pytest

from smtpfilter.policy.banning import (
    BUILT_IN,
    BadPattern,
    banned_paths,
    check_pattern,
    rules_for,
)
from smtpfilter.policy.layers import BanRule
from tests.unit.builders import book, part

ROOT = ("multipart/mixed",)
ZIP = ("application/zip", ".zip", "a.zip")


def banned(name: str, *nodes: tuple[str, ...], **sets: Any) -> tuple[tuple[str, str], ...]:
    return banned_paths(rules_for(book(ban_sets=sets), name), (part(*nodes),))


@pytest.mark.parametrize(
    "name",
    [
        "invoice.pdf.exe", "x.txt.bat", "letter.doc.pif", "SETUP.EXE", "run.exe.", "run.exe . ", "run....exe", "RUN~1.EXE",
        "dir/run.exe", "add.xll", "app.hta", "disk.vhd", "doc.docm", "keys.reg", "lib.dll", "mac.command",
        "q.iqy", "run.jse", "shortcut.lnk", "task.wsf", "theme.scf", "tool.jar", "voice.mp3.js",
        "w.settingcontent-ms", "readme.txt.{00021401-0000-0000-C000-000000000046}", "a.iso", "b.img", "c.one", "d.ps1",
        "e.msi", "f.chm", "g.library-ms", "h.xlsm",
    ],
)  # fmt: skip
def test_the_current_set_forbids_the_name(name: str) -> None:
    """BB-12, B-8."""
    assert banned("current", ROOT, ("application/octet-stream", name))


@pytest.mark.parametrize(
    "strings",
    [
        ("application/octet-stream", ".exe", ".exe-ms", "a.txt"),
        ("application/octet-stream", ".elf"),
        ("application/pdf", ".lnk", "a.pdf"),
        ("application/x-msdownload",),
        ("Application/X-MSDownload", "a.bin"),
        ("application/hta",),
        ("message/partial",),
        ("message/external-body",),
    ],
)
def test_the_current_set_forbids_the_type_whatever_the_name(strings: tuple[str, ...]) -> None:
    """BB-14."""
    assert banned("current", ROOT, strings)


@pytest.mark.parametrize(
    "strings",
    [
        ("text/plain", "notes.txt"),
        ("application/zip", ".zip", "a.zip"),
        ("application/pdf", ".pdf", "report.exe-summary.pdf"),
        ("application/vnd.ms-excel", ".doc", "old.xls"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".zip", "a.docx"),
        ("text/x-patch", "0001-fix.com-handler.patch"),
        ("image/png", ".png", "www.example.com logo.png"),
        ("text/x-python", "setup.py"),
        ("message/rfc822",),
        ("text/plain",),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["current", "article"])
def test_ordinary_files_pass(name: str, strings: tuple[str, ...]) -> None:
    assert not banned(name, ROOT, strings)


@pytest.mark.parametrize(
    ("strings", "forbidden"),
    [
        (("application/octet-stream", "a.txt.vbs"), True),
        (("application/octet-stream", "a.txt.dll"), True),
        (("application/octet-stream", "LIB.DLL"), False),
        (("application/octet-stream", "x.WSH"), True),
        (("application/octet-stream", ".js"), False),
        (("application/octet-stream", "a.jse"), True),
        (("application/octet-stream", ".exe"), True),
        (("application/octet-stream", ".lha"), True),
        (("application/ms-tnef", ".tnef"), True),
        (("application/x-msdownload",), True),
        (("message/partial",), True),
        (("message/external-body",), True),
        (("application/octet-stream", "a.iso"), False),
    ],
)
def test_the_article_s_set_does_what_its_expressions_say(
    strings: tuple[str, ...], forbidden: bool
) -> None:
    assert bool(banned("article", ROOT, strings)) is forbidden


def test_the_path_shows_where_the_file_lies_and_the_reason_why() -> None:
    """B-6."""
    found = banned("current", ROOT, ZIP, ("application/octet-stream", ".exe", "x.exe"))

    assert found == (
        (
            "multipart/mixed | application/zip,.zip,a.zip | application/octet-stream,.exe,x.exe",
            "dangerous extension: application/octet-stream,.exe,x.exe",
        ),
    )


def test_the_first_rule_that_matches_decides() -> None:
    """B-3, BB-13: rules are the outer loop, so an exception covers what stands after it only."""
    allow, ban = BanRule(r"^a\.exe$", banned=False), BanRule(r"\.exe$")
    leaf = ("application/octet-stream", "b.exe", "a.exe")

    assert not banned("own", ROOT, leaf, own=(allow, ban))
    assert banned("own", ROOT, leaf, own=(ban, allow))


def test_an_exception_for_a_container_covers_what_is_in_it() -> None:
    """B-3, BB-13."""
    rules = (BanRule(r"^\.zip$", banned=False), BanRule(r"\.exe$"))

    assert not banned("own", ROOT, ZIP, ("x", "x.exe"), own=rules)
    assert banned("own", ROOT, ("x", "x.exe"), own=rules)


def test_sets_are_joined_in_the_order_of_their_names() -> None:
    """B-4: the site's rules stand before the built-in ones of the same name; unknown names are no
    rules.
    """
    own = BanRule("own")
    stored = book(ban_sets={"current": (own,), "more": (BanRule("more"),)})

    rules = rules_for(stored, "more, nosuch ,current")

    assert rules == (BanRule("more"), own, *BUILT_IN["current"])
    assert rules_for(stored, "") == ()


def test_a_broken_pattern_is_ignored_when_mail_comes() -> None:
    assert banned("own", ROOT, ("x", "x.exe"), own=(BanRule("("), BanRule(r"\.exe$")))


@pytest.mark.parametrize("text", ["", "(", "a" * 1001, "*"])
def test_a_broken_pattern_is_refused_on_a_screen(text: str) -> None:
    with pytest.raises(BadPattern, match=r"\.$"):
        check_pattern(text)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_patterns_of_the_built_in_sets_are_valid(name: str) -> None:
    for rule in BUILT_IN[name]:
        check_pattern(rule.pattern)
        assert rule.comment
