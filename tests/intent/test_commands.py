"""The commands of the intent storey: their JSON, their exit codes, what they refuse."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.domains.models import Domain
from appliance.policies.models import PolicyChange, PolicyLayer
from smtpfilter.policy.settings import FIELDS


def test_policy_set_makes_the_layer_and_show_prints_it(run: Any) -> None:
    done = run("policy", "set", "@Example.COM", "spam_kill_level=5", "virus_lover=yes", "--json")

    assert done.code == 0
    assert done.document == {
        "key": "example.com",
        "settings": {"spam_kill_level": 5.0, "virus_lover": True},
        "locked": [],
    }
    assert run("policy", "show", "example.com", "--json").document == done.document
    assert not Domain.objects.exists(), "a layer makes no local domain"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("spam_kill_level=never", "never"),
        ("spam_kill_level=-3", -3.0),
        ("bypass_spam_checks=no", False),
        ("virus_destiny=Reject", "reject"),
        ("spam_destiny=bounce", "bounce"),
        ("dmarc_reject_points=-2.5", -2.5),
        ("spam_subject_tag2=***SPAM=*** ", "***SPAM=*** "),
        ("spam_quarantine_to=", ""),
        ("message_size_limit=1048576", 1048576),
    ],
)
def test_values_are_written_as_people_write_them(run: Any, written: str, shown: object) -> None:
    name = written.partition("=")[0]

    assert run("policy", "set", "ann@", written, "--json").document["settings"] == {name: shown}


@pytest.mark.parametrize(
    ("assignment", "why"),
    [
        ("virus_destiny=drop", "one of pass, discard, bounce, reject, tempfail"),
        ("spam_kill_level=nan", "a number between"),
        ("spam_kill_level=high", "a number, or never"),
        ("virus_lover=perhaps", "yes or no"),
        ("message_size_limit=1.5", "a whole number of octets"),
        ("spam_subject_tag=a\nb", "without control characters"),
        ("spam_subject_tag=" + "x" * 201, "at most 200"),
    ],
)
def test_a_value_that_is_none_is_refused_and_changes_nothing(
    run: Any, assignment: str, why: str
) -> None:
    done = run("policy", "set", "@.", "spam_tag2_level=1", assignment, "--json")

    assert done.code == 1
    assert why in done.document["error"]
    assert PolicyLayer.objects.get(key="@.").spam_tag2_level == 6.3


@pytest.mark.parametrize("verb", [("set", "@.", "spam_level=5"), ("unset", "@.", "spam_level")])
def test_an_unknown_field_is_a_mistake_in_usage_and_lists_the_fields(
    run: Any, verb: tuple[str, ...]
) -> None:
    done = run("policy", *verb)

    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert all(name in done.err for name in FIELDS)


@pytest.mark.parametrize(
    "arguments", [(), ("frobnicate",), ("set", "@."), ("set", "@.", "spam_kill_level")]
)
def test_a_command_that_is_none_is_a_mistake_in_usage(run: Any, arguments: tuple[str, ...]) -> None:
    assert run("policy", *arguments).code == 2


def test_levels_of_a_layer_that_contradict_each_other_are_refused(run: Any) -> None:
    """Nothing enforces an order in amavisd (T-2); within one layer it cannot be meant."""
    done = run("policy", "set", "@.", "spam_kill_level=3")

    assert (done.code, done.err) == (1, "spam_tag2_level 6.3 is above spam_kill_level 3.0\n")
    assert PolicyLayer.objects.get(key="@.").spam_kill_level == 6.3


def test_levels_that_contradict_inherited_ones_are_obeyed_with_a_note(run: Any) -> None:
    done = run("policy", "set", "example.com", "spam_kill_level=3")

    assert done.code == 0
    assert done.err == "note: spam_tag2_level 6.3 (from @.) is above spam_kill_level 3.0\n"
    assert PolicyLayer.objects.get(key="example.com").spam_kill_level == 3


def test_unset_lets_the_field_be_inherited_and_an_empty_layer_goes(run: Any) -> None:
    run("policy", "set", "ann@example.com", "spam_lover=yes")
    done = run("policy", "unset", "ann@example.com", "spam_lover", "--json")

    assert done.document == {"key": "ann@example.com", "settings": {}, "locked": []}
    assert not PolicyLayer.objects.filter(key="ann@example.com").exists()
    assert [change.verb for change in PolicyChange.objects.all()] == ["policy change"] * 2


def test_the_site_layer_stays_even_if_it_is_empty(run: Any) -> None:
    assert run("policy", "unset", "@.", *FIELDS).code == 0
    assert PolicyLayer.objects.filter(key="@.").exists()


@pytest.mark.parametrize("key", ["", "a b", "user@a b", "<>", "ex..ample", "a\0b", "\udcff@x.de"])
def test_what_is_no_lookup_key_is_refused(run: Any, key: str) -> None:
    done = run("policy", "set", key, "spam_lover=yes")

    assert done.code == 1
    assert len(done.err.splitlines()) == 1
    assert PolicyLayer.objects.count() == 1


def test_policy_fields_documents_every_field(run: Any) -> None:
    rows = run("policy", "fields", "--json").document

    assert [row["field"] for row in rows] == list(FIELDS)
    assert all(row["help"] for row in rows)


def test_the_sender_list_shows_what_was_added(run: Any) -> None:
    run("senders", "add", "@example.com", "@Bad.example", "block")
    run("senders", "add", "ann@example.com", "bob@good.example", "-2.5", "--expires", "2031-01-01")
    run("senders", "add", "example.com", "<>", "allow")
    run("senders", "add", "example.com", "bad.example", "allow")

    assert run("senders", "list", "--json").document == [
        _rule("ann@example.com", "bob@good.example", "score", -2.5, "2031-01-01T00:00:00Z"),
        _rule("example.com", "", "allow"),
        _rule("example.com", "bad.example", "allow"),
    ]
    assert run("senders", "remove", "example.com", "<>").code == 0
    assert run("senders", "remove", "example.com", "<>").code == 1
    assert len(run("senders", "list", "example.com", "--json").document) == 1


def _rule(
    key: str, sender: str, action: str, points: float = 0.0, expires_at: str | None = None
) -> dict[str, object]:
    return {
        "key": key,
        "sender": sender,
        "action": action,
        "points": points,
        "expires_at": expires_at,
        "authenticated": False,
        "hits": 0,
        "last_hit_at": None,
        "source": "",
    }


@pytest.mark.parametrize("action", ["perhaps", "nan", "inf", "1001"])
def test_a_sender_action_that_is_none_is_refused(run: Any, action: str) -> None:
    assert run("senders", "add", "@.", "bob@example.org", action).code == 1


@pytest.mark.parametrize(
    ("command", "written", "stored"),
    [
        ("domains", "BÜCHER.de", {"name": "xn--bcher-kva.de"}),
        ("domains", ".example.com", {"name": ".example.com"}),
        ("networks", "192.0.2.7", {"cidr": "192.0.2.7/32", "profile": ""}),
        ("networks", "2001:db8::/32", {"cidr": "2001:db8::/32", "profile": ""}),
        ("networks", "! 192.0.2.0/24", {"cidr": "!192.0.2.0/24", "profile": ""}),
        ("mailboxes", "Ann@Example.com", {"address": "ann@example.com", "owners": []}),
    ],
)
def test_rows_are_added_in_canonical_form_once_and_removed(
    run: Any, command: str, written: str, stored: dict[str, object]
) -> None:
    assert run(command, "add", written).code == 0
    assert run(command, "list", "--json").document == [stored]
    again = run(command, "add", written, "--json")
    assert (again.code, "already" in again.document["already"]) == (0, True)
    assert run(command, "remove", written).code == 0
    assert run(command, "remove", written).code == 1
    assert run(command, "list", "--json").document == []


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("domains", "ann@example.com"),
        ("domains", "@."),
        ("mailboxes", "example.com"),
        ("mailboxes", "ann@"),
        ("networks", "192.0.2.7/24"),
        ("networks", "example.com"),
    ],
)
def test_rows_of_a_wrong_form_are_refused(run: Any, command: str, written: str) -> None:
    assert run(command, "add", written).code == 1
    assert run(command, "list", "--json").document == []


def test_ban_rules_are_kept_in_their_order_with_exceptions(run: Any) -> None:
    run("banrules", "set", "ours", r"!^invoice\.exe$", r"\.exe$")

    assert run("banrules", "show", "ours", "--json").document == {
        "name": "ours",
        "rules": [
            {"pattern": r"^invoice\.exe$", "banned": False, "comment": ""},
            {"pattern": r"\.exe$", "banned": True, "comment": ""},
        ],
    }
    assert run("banrules", "set", "ours", "(").code == 1
    assert run("banrules", "set", "a,b", "x").code == 1
    assert {s["name"] for s in run("banrules", "list", "--json").document} >= {"ours", "current"}
    assert run("banrules", "remove", "current").code == 1
    assert run("banrules", "remove", "ours").code == 0


def test_settings_are_changed_by_name(run: Any) -> None:
    assert run("settings", "set", "recipient_delimiter", "-").code == 0
    assert run("settings", "list", "--json").document["recipient_delimiter"] == "-"
    changed = run("settings", "set", "retention_days", "20").out.splitlines()
    assert [line.split()[:2] for line in changed] == [["retention_days", "20"]]
    assert run("settings", "set", "recipient_delimiter", "x").code == 1
    assert run("settings", "set", "retention_days", "0").code == 1
    assert run("settings", "set", "colour", "red").code == 2


def test_a_sender_is_traced_until_it_is_not(run: Any) -> None:
    assert run("settings", "trace", "Bob@Example.org").code == 0
    assert run("settings", "trace", "<>").code == 0
    assert run("settings", "traced", "--json").document == [
        {"sender": "<>"},
        {"sender": "bob@example.org"},
    ]
    assert run("settings", "untrace", "bob@example.org").code == 0
    assert run("settings", "untrace", "bob@example.org").code == 1


def test_without_a_database_every_command_says_so_in_one_line(checkout: Path) -> None:
    environ = os.environ | {"DATABASE_URL": "postgres://nobody@/none?host=/nowhere"}
    done = subprocess.run(
        [sys.executable, checkout / "manage.py", "policy", "list"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 3
    assert done.stderr.startswith("no database: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_who_has_seen_enough_gets_no_traceback(checkout: Path) -> None:
    """As `policy fields | head` does."""
    environ = os.environ | {"DATABASE_URL": "postgres://nobody@/none?host=/nowhere"}
    unread, pipe = os.pipe()
    os.close(unread)
    done = subprocess.run(
        [sys.executable, checkout / "manage.py", "policy", "fields"],
        env=environ,
        stdout=pipe,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(pipe)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_ban_rule_set_that_does_not_exist_is_refused_where_it_is_named(run: Any) -> None:
    refused = run("policy", "set", "example.com", "banned_rulenames=curent", "--json")
    assert refused.code == 1
    assert refused.document["error"] == (
        "banned_rulenames: there is no ban rule set 'curent'; there are: article, current, debian"
    )
    assert run("banrules", "set", "ours", r"\.xyz$").code == 0
    assert run("policy", "set", "example.com", "banned_rulenames=ours, current").code == 0
    assert run("policy", "set", "example.com", "banned_rulenames=").code == 0
