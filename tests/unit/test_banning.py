"""Forbidden names and types (B-1 to B-9, BB-12 to BB-14)."""

# ruff: noqa: E501 - one row of a table is one line

from dataclasses import replace
from typing import Any

import pytest

from smtpfilter.mail.findings import Part
from smtpfilter.policy.ban_sets import BUILT_IN
from smtpfilter.policy.banning import (
    BadPattern,
    Ban,
    banned_paths,
    check_pattern,
    deciding_rule,
    rule_names,
    rules_for,
)
from smtpfilter.policy.layers import BanRule
from smtpfilter.policy.part_path import described
from tests.unit.builders import book, part

ROOT = ("multipart/mixed",)
ZIP = ("application/zip", ".zip", "a.zip")


def banned(name: str, *nodes: tuple[str, ...], **sets: Any) -> tuple[Ban, ...]:
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
        ("text/csv", ".asc", "figures.csv"),
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
    rule = BanRule(r"\.exe$", comment="program")

    found = banned("own", ROOT, ZIP, ("application/octet-stream", ".exe", "x.exe"), own=(rule,))

    assert found == (
        Ban(
            "multipart/mixed | application/zip,.zip,a.zip | application/octet-stream,.exe,x.exe",
            "program: application/octet-stream,.exe,x.exe",
            rule,
        ),
    )


def test_every_forbidden_part_is_told_with_the_rule_that_decided() -> None:
    """B-1, B-5, B-6: leaves are judged one by one; the rule says whether the sender hears of it."""
    silent, loud = BanRule("^a$", silent=True), BanRule("^b$", comment="because")
    parts = (part(ROOT, ("x/y", "b")), part(ROOT, ("x/y", "c")), part(ROOT, ("x/y", "a")))

    found = banned_paths((silent, loud), parts)

    assert [(ban.rule, ban.reason) for ban in found] == [
        (loud, "because: x/y,b"),
        (silent, "x/y,a"),
    ]


def test_a_container_is_judged_through_what_is_in_it() -> None:
    """B-1, B-2: all strings of all nodes, names within an archive with their folders."""
    leaf = ("text/plain", ".asc", "dir/notes.txt")

    assert banned("own", ROOT, ZIP, leaf, own=(BanRule(r"^\.zip$"),))
    assert banned("own", ROOT, ZIP, leaf, own=(BanRule(r"^dir/"),))
    assert not banned("own", ROOT, own=(BanRule(r"\.zip$"),))


def test_what_could_not_be_looked_into_has_a_mark_of_its_own() -> None:
    """B-2, B-8: a rule on UNDECIPHERABLE."""
    assert banned("own", ROOT, (*ZIP, "UNDECIPHERABLE"), own=(BanRule("^UNDECIPHERABLE$"),))


def test_upper_and_lower_case_differ_unless_the_rule_says_otherwise() -> None:
    """B-5."""
    assert not banned("own", ROOT, ("x", "A.EXE"), own=(BanRule(r"\.exe$"),))
    assert banned("own", ROOT, ("x", "A.EXE"), own=(BanRule(r"(?i)\.exe$"),))


def test_of_a_very_long_name_the_end_counts() -> None:
    name = "a" * 5000 + ".exe"

    assert banned("own", ROOT, ("x", name), own=(BanRule(r"\.exe$"),))


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
    """B-4: unknown names are no rules, and a name that comes twice counts once."""
    stored = book(ban_sets={"own": (BanRule("own"),), "more": (BanRule("more"),)})

    rules = rules_for(stored, "more, nosuch ,own,article,more")

    assert rules == (BanRule("more"), BanRule("own"), *BUILT_IN["article"])
    assert rules_for(stored, "") == ()


def test_a_set_of_the_site_takes_the_place_of_the_built_in_one_of_its_name() -> None:
    """B-4: rows of a set that is shipped can be changed and removed."""
    stored = book(ban_sets={"current": (BanRule("own"),), "article": ()})

    assert rules_for(stored, "current,article") == (BanRule("own"),)


@pytest.mark.parametrize(
    ("text", "names"),
    [("", ()), ("+", ()), (" a , b", ("a", "b")), ("+a,,b,a", ("a", "b")), (" +a", ("a",))],
)
def test_names_in_a_setting(text: str, names: tuple[str, ...]) -> None:
    assert rule_names(text) == names


PATH = replace(
    part(
        ("multipart/mixed",),
        ("application/zip", ".zip", "a.zip"),
        ("application/octet-stream", ".exe", ".exe-ms", "dir/x.exe", "UNDECIPHERABLE"),
    ),
    path="1.2.1",
)


def test_a_path_is_described_a_line_for_each_node() -> None:
    """B-7."""
    assert described(PATH).split("\n") == [
        "P=1\tL=1\tM=multipart/mixed",
        "P=1.2\tL=1/2\tM=application/zip\tT=zip\tN=a.zip",
        "P=1.2.1\tL=1/2/1\tM=application/octet-stream\tT=exe\tT=exe-ms\tN=dir/x.exe\tA=U",
    ]


def test_a_name_cannot_pretend_to_be_another_field_or_node() -> None:
    """B-7: names are hostile; what comes after a short type or a name is a name."""
    node = (
        "x/y",
        "UNDECIPHERABLE",
        ".asc",
        "a\tT=exe\r\nP=9\tM=image/png",
        "image/png",
        ".png",
        "b" * 2000,
    )

    (line,) = described(part(node)).split("\n")

    assert line.split("\t") == [
        "P=1", "L=1", "M=x/y", "A=U", "T=asc", "N=a T=exe  P=9 M=image/png", "N=image/png", "N=.png",
        "N=" + "b" * 1000,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "forbidden"),
    [
        pytest.param(r"^.*\tT=zip\t.*\n(.*\n)*.*\tT=exe\b", True, id="program inside a zip"),
        pytest.param(r"\tT=rar\t.*\n(.*\n)*.*\tT=exe\b", False, id="program inside a rar"),
        pytest.param(r"^(.*\t)?M=application/zip(\t.*)?$", True, id="^ and $ stand at each line"),
        pytest.param(r"M=application/zip.*T=exe", False, id="a point stays within its line"),
        pytest.param(r"(?s)M=application/zip.*T=exe", True, id="unless the rule says otherwise"),
        pytest.param(r"(?x) ^ (.*\t)? A= [^\t\n]* U", True, id="could not be looked into"),
        pytest.param(r"^\.exe$", False, id="the strings of other rules are not looked at"),
    ],
)
def test_a_rule_may_look_at_the_whole_path(pattern: str, forbidden: bool) -> None:
    """B-7."""
    assert bool(banned_paths((BanRule(pattern, path=True),), (PATH,))) is forbidden


def test_rules_on_paths_and_on_strings_stand_in_one_order() -> None:
    """B-3, B-7: here an exception for programs in a zip stands before a rule against programs."""
    rules = (BanRule(r"T=zip\t.*\n.*T=exe", banned=False, path=True), BanRule(r"^\.exe$"))
    alone = part(("multipart/mixed",), ("application/octet-stream", ".exe"))

    assert [ban.path for ban in banned_paths(rules, (PATH, alone))] == [alone.banned_path]


def test_the_rule_that_decides_about_a_part_may_be_an_exception() -> None:
    """B-3."""
    allow, ban = BanRule("^a$", banned=False), BanRule("^[ab]$")

    assert deciding_rule((allow, ban), part(ROOT, ("x/y", "a"))) == allow
    assert deciding_rule((allow, ban), part(ROOT, ("x/y", "b"))) == ban
    assert deciding_rule((allow, ban), part(ROOT, ("x/y", "c"))) is None


def test_without_any_rule_nothing_is_forbidden() -> None:
    """B-9: so it is where a recipient names no set; bypass and lover are decided in verdict/."""
    assert banned_paths((), (PATH,)) == ()


def test_a_part_without_strings_is_named_by_its_name() -> None:
    bare = Part("1", (), "x", "", 0)

    (ban,) = banned_paths((BanRule("^$", path=True),), (bare,))

    assert (ban.path, ban.reason) == ("", "x")


ENDLESS = r"(a+)+$"
TRAP = "a" * 900 + "!"


@pytest.mark.parametrize("banning", [True, False])
def test_a_rule_that_takes_too_long_on_a_name_forbids_it(banning: bool) -> None:
    """A hostile name must neither stop the filter nor slip through: exceptions fail, too."""
    rules = (BanRule(ENDLESS, banned=banning), BanRule(r"!$"))
    parts = tuple(part(ROOT, ("x", f"{number}{TRAP}")) for number in range(3))

    found = banned_paths(rules, parts)

    assert [ban.rule for ban in found] == [rules[0] if banning else rules[1]] * 3
    assert ("took too long" in found[0].reason) is banning


def test_a_broken_pattern_is_ignored_when_mail_comes() -> None:
    assert banned("own", ROOT, ("x", "x.exe"), own=(BanRule("("), BanRule(r"\.exe$")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "(",
        "a" * 1001,
        "*",
        "(" * 500 + ")" * 500,
        ENDLESS,
        r"(\w+\s?)+$",
        "((a{1000}){1000}){1000}",
        "a{0,99999999999999999999}",
    ],
)
def test_a_broken_pattern_is_refused_on_a_screen(text: str) -> None:
    with pytest.raises(BadPattern, match=r"\.$"):
        check_pattern(text)


@pytest.mark.parametrize(
    "text", ["a", "a" * 1000, "a{1000000}", "(a{1}){1000000}", "(b{1,1000}){1000}", r"a{2}\{"]
)
def test_what_stays_within_the_limits_is_taken(text: str) -> None:
    check_pattern(text)


def test_an_expression_that_tries_too_much_is_refused_with_advice() -> None:
    with pytest.raises(BadPattern) as caught:
        check_pattern(ENDLESS)

    assert str(caught.value) == (
        "This expression takes too long on long names: do not repeat what repeats itself, as in"
        " (a+)+."
    )


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_patterns_of_the_built_in_sets_are_valid(name: str) -> None:
    for rule in BUILT_IN[name]:
        check_pattern(rule.pattern)
        assert rule.comment
