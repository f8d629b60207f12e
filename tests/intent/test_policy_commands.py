"""Locks, named policies, priorities and rows of sources, as the command `policy` meets them."""

from typing import Any

import pytest

from appliance.domains.models import Domain
from appliance.policies.models import NamedPolicy, PolicyLayer, SenderRule
from appliance.policies.transfer import export_rows
from smtpfilter.policy.settings import FIELDS

LDAP = "ldap-main"


@pytest.mark.parametrize(
    ("levels", "wrong"),
    [
        (("spam_tag_level=7",), "spam_tag_level 7.0 is above spam_tag2_level 6.3"),
        (("spam_tag2_level=7",), "spam_tag2_level 7.0 is above spam_kill_level 6.3"),
        (("spam_tag3_level=7",), "spam_tag3_level 7.0 is above spam_kill_level 6.3"),
        (("spam_tag3_level=5",), "spam_tag2_level 6.3 is above spam_tag3_level 5.0"),
        (("spam_dsn_cutoff_level=5",), "spam_kill_level 6.3 is above spam_dsn_cutoff_level 5.0"),
        (
            ("spam_crediblefrom_dsn_cutoff_level=5",),
            "spam_kill_level 6.3 is above spam_crediblefrom_dsn_cutoff_level 5.0",
        ),
        (
            ("spam_notifyadmin_cutoff_level=5",),
            "spam_kill_level 6.3 is above spam_notifyadmin_cutoff_level 5.0",
        ),
        (
            ("spam_quarantine_cutoff_level=5",),
            "spam_kill_level 6.3 is above spam_quarantine_cutoff_level 5.0",
        ),
        (("spam_kill_level=never",), ""),
        (("spam_tag2_level=never",), ""),
        (("spam_tag3_level=6.3", "spam_quarantine_cutoff_level=6.3"), ""),
        (("spam_tag2_level=4", "spam_kill_level=5", "spam_dsn_cutoff_level=5"), ""),
    ],
)
def test_levels_are_checked_for_their_order(run: Any, levels: tuple[str, ...], wrong: str) -> None:
    """T-2: tag <= tag2 <= tag3 <= kill <= cut-offs; "never" is in nobody's way."""
    done = run("policy", "set", "@.", *levels)

    assert (done.code, done.err.strip()) == (1 if wrong else 0, wrong)


SHIPPED = ("careful", "mark only", "not filtered", "standard", "strict")


def test_a_locked_field_is_refused_below_with_the_name_of_the_layer_that_locks_it(run: Any) -> None:
    run("policy", "set", "example.com", "spam_lover=yes")
    done = run("policy", "lock", "@.", "spam_lover", "virus_lover", "--json")
    assert done.document["locked"] == ["spam_lover", "virus_lover"]

    for verb in (
        ("set", "ann@example.com", "spam_lover=no"),
        ("lock", "example.com", "spam_lover"),
    ):
        refused = run("policy", *verb)
        assert refused.code == 1
        assert refused.err == "spam_lover is locked by @.: change it there, or unlock it there\n"
    assert run("policy", "set", "@.", "spam_lover=no").code == 0
    assert run("policy", "unset", "example.com", "spam_lover").code == 0, "what is hidden may go"

    assert run("policy", "unlock", "@.", "spam_lover").code == 0
    assert run("policy", "unlock", "@.", "spam_lover").err == "spam_lover is not locked at @.\n"
    assert run("policy", "set", "ann@example.com", "spam_lover=no").code == 0
    assert run("policy", "lock", "@.", "spam_level").code == 2


def test_a_lock_of_unchecked_destiny_is_one_of_its_kinds_too(run: Any) -> None:
    """The kinds would go before it."""
    run("policy", "lock", "@.", "unchecked_destiny")
    refused = run("policy", "set", "example.com", "unchecked_limits_destiny=pass")
    assert refused.err == (
        "unchecked_limits_destiny is locked by @.: change it there, or unlock it there\n"
    )
    run("policy", "unlock", "@.", "unchecked_destiny")


def test_a_layer_of_locks_alone_stays_until_it_is_unlocked(run: Any) -> None:
    run("policy", "lock", "example.com", "spam_lover")
    assert PolicyLayer.objects.filter(key="example.com").exists()

    run("policy", "unlock", "example.com", "spam_lover")
    assert not PolicyLayer.objects.filter(key="example.com").exists()


def test_a_named_policy_is_set_used_and_removed(run: Any) -> None:
    """P-1: a layer's own fields go before those of its named policy."""
    assert run("policy", "use", "example.com", "soft").code == 1
    made = run("policy", "named", "set", "soft", "spam_kill_level=9", "spam_lover=yes", "--json")
    assert made.document == {
        "name": "soft",
        "settings": {"spam_lover": True, "spam_kill_level": 9.0},
    }
    run("policy", "use", "example.com", "soft")
    run("policy", "set", "example.com", "spam_kill_level=8")

    settings = run("explain", "ann@example.com", "--json").document["settings"]
    assert settings["spam_kill_level"] == {"value": 8.0, "origin": "example.com"}
    assert settings["spam_lover"] == {"value": True, "origin": "example.com (policy soft)"}
    names = [row["name"] for row in run("policy", "named", "list", "--json").document]
    assert names == sorted([*SHIPPED, "soft"])

    in_use = run("policy", "named", "remove", "soft")
    assert (in_use.code, in_use.err) == (1, "the named policy 'soft' is used by example.com\n")
    run("policy", "use", "example.com", "--none")
    assert run("policy", "named", "unset", "soft", "spam_lover").code == 0
    assert run("policy", "named", "show", "soft", "--json").document["settings"] == {
        "spam_kill_level": 9.0
    }
    assert run("policy", "named", "remove", "soft").code == 0
    assert [policy.name for policy in NamedPolicy.objects.all()] == list(SHIPPED)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("use", "example.com"), 2),
        (("named",), 2),
        (("named", "set", "x", "spam_level=1"), 2),
        (("named", "set", "x", "spam_kill_level=1", "spam_tag2_level=2"), 1),
        (("named", "set", " ", "spam_lover=yes"), 1),
        (("named", "show", "x"), 1),
        (("named", "unset", "x", "spam_lover"), 1),
        (("priority", "example.com", "high"), 2),
        (("priority", "example.com", "1000001"), 1),
    ],
)
def test_what_cannot_be_is_refused(run: Any, arguments: tuple[str, ...], code: int) -> None:
    assert run("policy", *arguments).code == code
    assert NamedPolicy.objects.count() == len(SHIPPED)
    assert PolicyLayer.objects.count() == 1


def test_a_priority_overrides_the_order_of_the_keys(run: Any) -> None:
    """P-1: the override column, for imports."""
    run("policy", "set", "example.com", "spam_subject_tag=domain")
    run("policy", "set", "ann@example.com", "spam_subject_tag=ann")

    def tag() -> Any:
        settings = run("explain", "ann@example.com", "--json").document["settings"]
        return settings["spam_subject_tag"]["value"]

    assert tag() == "ann"
    assert run("policy", "priority", "example.com", "9", "--json").document["priority"] == 9
    assert tag() == "domain"
    assert run("policy", "priority", "example.com", "none").code == 0
    assert tag() == "ann"


@pytest.fixture
def read(db: None) -> None:
    """A layer, an entry and a domain that a source has brought."""
    PolicyLayer.objects.create(key="example.com", source=LDAP, spam_kill_level=9, virus_lover=True)
    SenderRule.objects.create(
        key="example.com", sender="bad.example", action="block", source=LDAP, hits=3
    )
    Domain.objects.create(name="example.com", source=LDAP)


def test_rows_of_a_source_are_shown_with_it_and_not_exported(run: Any, read: None) -> None:
    """K-8."""
    (layer,) = [row for row in run("policy", "list", "--json").document if "source" in row]
    assert layer["settings"] == {"virus_lover": True, "spam_kill_level": 9.0}
    shown = run("policy", "show", "example.com", "--json").document
    assert (shown["settings"], shown["read"]) == ({}, [layer])
    assert "example.com, read from ldap-main" in run("policy", "show", "example.com").out
    (rule,) = run("senders", "list", "--json").document
    assert (rule["source"], rule["hits"]) == (LDAP, 3)

    assert run("domains", "list", "--json").document == [{"name": "example.com", "source": LDAP}]
    assert run("domains", "list").out == "example.com, read from ldap-main\n"
    export = export_rows()
    assert [row["key"] for row in export["layers"]] == ["@."]
    assert (export["senders"], export["domains"]) == ([], [])


def test_what_is_made_by_hand_stands_beside_and_before_what_a_source_says(
    run: Any, read: None
) -> None:
    """K-8: the layer made by hand counts first; the source's row is never touched."""
    run("policy", "set", "example.com", "spam_kill_level=8")
    run("senders", "add", "example.com", "bad.example", "allow")

    settings = run("explain", "ann@example.com", "--json").document["settings"]
    assert settings["spam_kill_level"]["value"] == 8.0
    assert settings["virus_lover"]["value"] is True
    run("policy", "unset", "example.com", *FIELDS)
    run("senders", "remove", "example.com", "bad.example")
    assert PolicyLayer.objects.get(key="example.com").source == LDAP
    assert SenderRule.objects.get().source == LDAP


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("senders", "remove", "example.com", "bad.example"),
            "bad.example is read from ldap-main: change it there",
        ),
        (("domains", "remove", "example.com"), "example.com is read from ldap-main"),
    ],
)
def test_rows_of_a_source_are_not_changed_by_hand(
    run: Any, read: None, arguments: tuple[str, ...], sentence: str
) -> None:
    done = run(*arguments)

    assert done.code == 1
    assert sentence in done.err


def test_an_entry_may_count_only_for_a_proven_sender(run: Any) -> None:
    """W-8: an allow entry that cannot be abused."""
    run("senders", "add", "@.", "bank.example", "allow", "--authenticated")

    (rule,) = run("senders", "list", "--json").document
    assert rule["authenticated"] is True
    assert "allow if proven" in run("senders", "list").out
    assert run("senders", "add", "@.", "<>", "allow", "--authenticated").code == 1
