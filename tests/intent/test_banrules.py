"""Ban rule sets: edited, back to what was shipped, and tried before they count (B-1 to B-8)."""

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from appliance.policies.banrules import shipped_rules
from appliance.policies.trying import MOST_BYTES
from smtpfilter.policy.ban_sets import BUILT_IN


def _file(folder: Path, rules: object) -> str:
    file = folder / "rules.json"
    file.write_text(json.dumps(rules), encoding="utf-8")
    return str(file)


def test_every_shipped_set_can_be_stored_as_it_is(run: Any, tmp_path: Path) -> None:
    """B-8: what is shipped can be edited."""
    for name in BUILT_IN:
        shown = run("banrules", "show", name, "--json").document["rules"]
        assert run("banrules", "set", name, "--file", _file(tmp_path, shown)).code == 0
        assert run("banrules", "show", name, "--json").document["rules"] == shown


def test_an_edited_shipped_set_counts_in_its_place_until_it_is_removed(run: Any) -> None:
    """A set of the site replaces the built-in one of its name."""
    run("banrules", "set", "current", r"!^invoice\.exe$")

    assert len(run("banrules", "show", "current", "--json").document["rules"]) == 1
    assert (
        run("explain", "ann@example.com", "--banned", "x.exe", "--json").document["category"]
        == "clean"
    )
    (row,) = [s for s in run("banrules", "list", "--json").document if s["name"] == "current"]
    assert (row["rules"], row["built_in"], row["own"]) == (1, True, True)

    assert run("banrules", "remove", "current").code == 0
    assert run("banrules", "show", "current", "--json").document["rules"] == shipped_rules(
        "current"
    )
    assert run("banrules", "remove", "current").err == "the set 'current' is as it was shipped\n"


def test_a_set_that_policies_name_is_not_removed(run: Any) -> None:
    """B-4: it would ban nothing, and nobody would see it."""
    run("banrules", "set", "ours", "x")
    run("policy", "set", "example.com", "banned_rulenames=+ours")

    done = run("banrules", "remove", "ours")

    assert (done.code, done.err) == (1, "the set 'ours' is used by example.com\n")
    run("policy", "unset", "example.com", "banned_rulenames")
    assert run("banrules", "remove", "ours").code == 0


def test_rules_have_comments_and_may_look_at_paths_or_be_silent(run: Any, tmp_path: Path) -> None:
    """B-5, B-7."""
    rules = [
        {"pattern": r"^.*\tT=zip\b", "banned": True, "comment": "in a zip", "path": True},
        {"pattern": r"\.exe$", "banned": True, "comment": "", "silent": True},
    ]

    done = run("banrules", "set", "ours", "--file", _file(tmp_path, rules), "--json")

    assert done.document["rules"] == rules
    assert "path" in run("banrules", "show", "ours").out


def test_the_name_of_a_file_is_not_taken_for_a_pattern(run: Any, tmp_path: Path) -> None:
    """It would replace the set by a rule that bans nothing, and nobody would see it."""
    file = _file(tmp_path, [{"pattern": "x", "banned": True}])

    done = run("banrules", "set", "current", file)

    assert (done.code, done.err) == (2, f"{file} is a file: give it as --file {file}\n")
    assert run("banrules", "set", "current", "x", "--file", file).code == 2
    assert run("banrules", "set", "ours", r"\.json").code == 0


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"pattern": "("}, "rule 1: This is no regular expression"),
        ({"pattern": "(a+)+$"}, "rule 1: This expression takes too long"),
        ({"pattern": ""}, "rule 1: A pattern has between 1"),
        ({"pattern": "x", "path": "yes"}, "true or false"),
        ({"pattern": "x", "comment": 5}, "a comment is text"),
        ({"pattern": "x", "comment": "c" * 201}, "at most 200"),
        ({"pattern": "x", "colour": "red"}, "unknown 'colour'"),
        ({}, "rule 1 has no pattern"),
    ],
)
def test_a_rule_that_is_none_is_refused_with_its_number(
    run: Any, tmp_path: Path, rule: object, why: str
) -> None:
    done = run("banrules", "set", "ours", "--file", _file(tmp_path, [rule]))

    assert done.code == 1
    assert why in done.err


@pytest.mark.parametrize("name", ["a,b", "a/b", "+a", " ", "x" * 101])
def test_a_name_that_no_policy_could_name_is_refused(run: Any, name: str) -> None:
    assert run("banrules", "set", name, "x").code == 1


def _tried(run: Any, *arguments: str) -> list[tuple[bool, str, int]]:
    parts = run("banrules", "try", *arguments, "--json").document["parts"]
    return [(part["banned"], part["set"], part["number"]) for part in parts]


def test_a_name_is_tried_and_the_first_rule_that_matches_is_told(run: Any) -> None:
    """B-3, BB-13: exceptions stand first; recipient's own rules before the site's."""
    run("banrules", "set", "ours", r"!^invoice\.exe$", r"\.(exe|xyz)$")
    names = ("invoice.exe", "x.exe", "letter.txt")

    assert _tried(run, "--set", "ours", *names) == [
        (False, "ours", 1),
        (True, "ours", 2),
        (False, "", 0),
    ]
    run("policy", "set", "ann@example.com", "banned_rulenames=+ours")
    assert _tried(run, "--recipient", "ann@example.com", "a.xyz") == [(True, "ours", 2)]
    assert _tried(run, "a.xyz") == [(False, "", 0)]
    assert [tried[:2] for tried in _tried(run, "a.exe")] == [(True, "current")]
    text = run("banrules", "try", "--set", "ours", "invoice.exe", "letter.txt").out
    assert text == (
        "passes  invoice.exe\n        by rule 1 of ours (^invoice\\.exe$)\n"
        "passes  letter.txt  (no rule matches)\n"
    )


def test_a_file_is_tried_with_what_is_inside(run: Any, tmp_path: Path) -> None:
    """B-1, B-2, BB-12: unpacked by the filter's own children."""
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("harmless.txt", "x")
        archive.writestr("inner.exe", "MZ")

    done = run("banrules", "try", "--file", str(tmp_path / "a.zip"), "--json").document

    assert done["unchecked"] == []
    banned = [part["path"] for part in done["parts"] if part["banned"]]
    assert len(banned) == 1
    assert "a.zip | " in banned[0]
    assert "inner.exe" in banned[0]


def test_a_message_is_tried_as_it_is(run: Any, tmp_path: Path) -> None:
    mail = tmp_path / "mail.eml"
    mail.write_text("Subject: x\r\nContent-Type: message/partial\r\n\r\nx\r\n")

    (part,) = run("banrules", "try", "--file", str(mail), "--json").document["parts"]

    assert part["banned"]
    assert "message/partial" in part["path"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 2),
        (("a.exe", "--file", "b"), 2),
        (("a.exe", "--set", "none"), 1),
        (("--file", "/nowhere"), 1),
        (("a.exe", "--recipient", "@"), 1),
    ],
)
def test_what_cannot_be_tried_is_refused(run: Any, arguments: tuple[str, ...], code: int) -> None:
    assert run("banrules", "try", *arguments).code == code


def test_a_file_that_is_too_large_is_not_looked_into(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as opened:
        opened.truncate(MOST_BYTES + 1)

    done = run("banrules", "try", "--file", str(file))

    assert (done.code, done.err) == (1, "the file has more than 20 MiB\n")
