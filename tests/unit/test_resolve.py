"""From layers to an effective policy, field by field (P-1, P-2, K-2, K-7, K-8, K-11, BB-31)."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.policy.defaults import DEFAULTS
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import Layer, PolicyBook, Profile
from smtpfilter.policy.resolve import is_local, resolve
from smtpfilter.policy.settings import (
    FIELDS,
    FOLLOWS_UNCHECKED,
    NEVER,
    PolicySettings,
)
from tests.unit.builders import ANN, OSCAR, address, book, layer

KEYS = (
    "user+ext@sub.example.com",
    "user@sub.example.com",
    "user+ext@",
    "user@",
    "sub.example.com",
    ".sub.example.com",
    ".example.com",
    ".com",
    "@.",
)
LOCAL_BOOK = PolicyBook(domains=frozenset({".example.com"}))


@pytest.mark.parametrize("most_specific", range(len(KEYS)), ids=KEYS)
def test_the_most_specific_key_with_a_value_gives_it(most_specific: int) -> None:
    """BB-31: all keys from this one upwards have a value, those below are NULL."""
    layers = tuple(
        layer(key, spam_kill_level=float(n) if n >= most_specific else None)
        for n, key in enumerate(KEYS)
    )

    found = resolve(replace(LOCAL_BOOK, layers=layers[::-1]), address("User+Ext@sub.example.com"))

    assert found.settings.spam_kill_level == float(most_specific)
    assert found.origins["spam_kill_level"] == KEYS[most_specific]


def test_different_fields_come_from_different_layers() -> None:
    """P-2."""
    stored = book(
        layer(ANN, spam_tag2_level=4.0),
        layer("example.com", spam_tag2_level=5.0, spam_kill_level=9.0),
        layer("@.", spam_kill_level=10.0, virus_lover=True),
    )

    found = resolve(stored, address(ANN))

    assert found.settings.spam_tag2_level == 4.0
    assert found.settings.spam_kill_level == 9.0
    assert found.settings.virus_lover is True
    assert found.origins["virus_lover"] == "@."
    assert found.origins["spam_tag_level"] == "default"


def test_false_zero_and_empty_are_values_and_end_the_search() -> None:
    """K-7, P-3."""
    stored = book(
        layer(ANN, spam_lover=False, message_size_limit=0, spam_quarantine_to=""),
        layer("@.", spam_lover=True, message_size_limit=5, spam_quarantine_to="quarantine"),
    )

    settings = resolve(stored, address(ANN)).settings

    assert settings.spam_lover is False
    assert settings.message_size_limit == 0
    assert settings.spam_quarantine_to == ""


def test_own_field_goes_before_the_named_policy_and_that_before_the_next_layer() -> None:
    named = Layer(
        "example.com",
        PolicySettings(spam_kill_level=7.0),
        policy_name="strict",
        policy_settings=PolicySettings(spam_kill_level=3.0, spam_tag2_level=2.0),
    )

    found = resolve(book(named, layer("@.", spam_tag2_level=9.0)), address(ANN))

    assert found.settings.spam_kill_level == 7.0
    assert found.origins["spam_kill_level"] == "example.com"
    assert found.settings.spam_tag2_level == 2.0
    assert found.origins["spam_tag2_level"] == "example.com (policy strict)"


def test_a_locked_field_wins_over_more_specific_layers() -> None:
    locking = replace(
        layer("example.com", virus_lover=False), locked=frozenset({"virus_lover", "spam_lover"})
    )
    stored = book(
        layer(ANN, virus_lover=True, spam_lover=True, unchecked_lover=True),
        locking,
        layer("@.", spam_lover=False),
    )

    found = resolve(stored, address(ANN))

    assert found.settings.virus_lover is False
    assert found.origins["virus_lover"] == "example.com"
    assert found.settings.spam_lover is False, "locked without a value: what stands above counts"
    assert found.origins["spam_lover"] == "@."
    assert found.settings.unchecked_lover is True


def test_a_lock_of_unchecked_destiny_holds_its_four_kinds() -> None:
    """Who may not let unchecked mail pass may not let encrypted mail pass either."""
    kind = "unchecked_encrypted_destiny"
    domain = replace(
        layer("example.com", unchecked_destiny=Destiny.REJECT),
        locked=frozenset({"unchecked_destiny"}),
    )
    own = layer(ANN, unchecked_destiny=Destiny.PASS, **{kind: Destiny.PASS})

    found = resolve(book(own, domain), address(ANN))
    assert getattr(found.settings, kind) is Destiny.REJECT
    assert (found.origins[kind], found.locks[kind]) == ("example.com", "example.com")
    assert set(found.locks) == {"unchecked_destiny", *FOLLOWS_UNCHECKED}

    own_lock = replace(own, locked=frozenset({kind}))
    assert resolve(book(own_lock, domain), address(ANN)).locks[kind] == "example.com"
    above = layer("@.", **{kind: Destiny.TEMPFAIL})
    found = resolve(book(own, domain, above), address(ANN))
    assert getattr(found.settings, kind) is Destiny.TEMPFAIL, "what stands above the lock counts"


def test_the_outermost_lock_counts() -> None:
    site = replace(layer("@.", spam_lover=False), locked=frozenset({"spam_lover"}))
    domain = replace(layer("example.com", spam_lover=True), locked=frozenset({"spam_lover"}))

    assert resolve(book(domain, site), address(ANN)).origins["spam_lover"] == "@."


def test_a_priority_of_an_import_goes_before_the_form_of_the_key() -> None:
    """P-1."""
    domain = replace(layer("example.com", spam_kill_level=5.0), priority=20)

    found = resolve(book(layer(ANN, spam_kill_level=8.0), domain), address(ANN))

    assert found.settings.spam_kill_level == 5.0


def test_a_priority_is_compared_with_what_the_other_keys_forms_say() -> None:
    """P-1: 9 for user-ext@domain, by the site's delimiter; of equals the more specific counts."""
    extended = "ann-x@example.com"
    domain = layer("example.com", spam_kill_level=5.0)

    def level(number: int, delimiter: str) -> float | None:
        stored = book(
            layer(extended, spam_kill_level=9.0),
            replace(domain, priority=number),
            recipient_delimiter=delimiter,
        )
        return resolve(stored, address(extended)).settings.spam_kill_level

    assert [level(9, "-"), level(10, "-"), level(9, "+"), level(8, "+")] == [9.0, 5.0, 5.0, 9.0]


def from_source(source: str, key: str, priority: int | None = None, **settings: Any) -> Layer:
    return replace(layer(key, **settings), source=source, priority=priority)


def test_at_one_key_a_layer_made_by_hand_goes_before_those_of_sources_and_they_by_name() -> None:
    """K-8, P-10: field by field; a more specific key counts first whatever its source."""
    stored = book(
        from_source("staff", ANN, spam_kill_level=3.0, spam_tag2_level=3.0, spam_tag_level=3.0),
        from_source("ldap", ANN, spam_kill_level=2.0, spam_tag2_level=2.0),
        layer(ANN, spam_kill_level=1.0),
        layer("example.com", spam_kill_level=9.0, spam_tag3_level=9.0),
    )

    found = resolve(stored, address(ANN)).settings

    assert found.spam_kill_level == 1.0
    assert found.spam_tag2_level == 2.0
    assert found.spam_tag_level == 3.0
    assert found.spam_tag3_level == 9.0


def test_a_priority_counts_for_its_key_that_of_a_layer_by_hand_first() -> None:
    """K-8, P-1."""
    domain = layer("example.com", spam_kill_level=5.0)
    stored = book(
        layer(ANN, spam_kill_level=8.0),
        domain,
        from_source("ldap", "example.com", 20, spam_kill_level=6.0),
    )

    assert resolve(stored, address(ANN)).settings.spam_kill_level == 5.0

    stored = book(*stored.layers[:1], replace(domain, priority=1), *stored.layers[2:])
    assert resolve(stored, address(ANN)).settings.spam_kill_level == 8.0


def test_a_profile_goes_before_all_layers_and_their_locks_the_last_of_several_first() -> None:
    """E-5."""
    site = replace(layer("@.", spam_lover=False), locked=frozenset({"spam_lover"}))
    stored = book(
        layer(ANN, spam_kill_level=1.0, virus_lover=True),
        site,
        profiles={
            "by port": Profile("by port", PolicySettings(spam_lover=True, spam_kill_level=5.0)),
            "by login": Profile(
                "by login", PolicySettings(spam_kill_level=6.0, unchecked_destiny=Destiny.REJECT)
            ),
            "other": Profile("other", PolicySettings(virus_lover=False)),
        },
    )

    found = resolve(stored, address(ANN), ("by port", "by login"))

    assert (found.settings.spam_kill_level, found.origins["spam_kill_level"]) == (
        6.0,
        "profile by login",
    )
    assert (found.settings.spam_lover, found.origins["spam_lover"]) == (True, "profile by port")
    assert (found.settings.virus_lover, found.origins["virus_lover"]) == (True, ANN)
    assert found.settings.unchecked_limits_destiny is Destiny.REJECT
    assert found.origins["unchecked_limits_destiny"] == "profile by login"


def test_who_locks_a_field_is_told() -> None:
    site = replace(layer("@."), locked=frozenset({"spam_lover"}))
    domain = replace(layer("example.com"), locked=frozenset({"spam_lover", "virus_lover"}))

    found = resolve(book(domain, site), address(ANN))

    assert found.locks == {"spam_lover": "@.", "virus_lover": "example.com"}


@pytest.mark.parametrize(
    ("values", "expected", "origin"),
    [
        pytest.param([None, None, None], "current", "default", id="nobody says anything"),
        pytest.param(["a,b", "c", None], "a,b", ANN, id="in place of the others"),
        pytest.param(["+a, b", "c", "d"], "a,b,c", ANN, id="before those of the domain"),
        pytest.param(["+a", "+b", "c"], "a,b,c", ANN, id="both before those of the site"),
        pytest.param(["+a", None, None], "a,current", ANN, id="before the default"),
        pytest.param([None, "+a", "+b"], "a,b,current", "example.com", id="from the domain on"),
        pytest.param(["", "a", "b"], "", ANN, id="none at all"),
        pytest.param(["+", "a", "b"], "a", "example.com", id="nothing before the domain's"),
        pytest.param(["+a", "", "b"], "a", ANN, id="before nothing"),
        pytest.param([" +b", "a,b", None], "b,a", ANN, id="a set that comes twice counts once"),
    ],
)
def test_ban_rule_sets_replace_or_extend_what_is_inherited(
    values: list[str | None], expected: str, origin: str
) -> None:
    """B-4."""
    keys = (ANN, "example.com", "@.")
    stored = book(*(layer(key, banned_rulenames=v) for key, v in zip(keys, values, strict=True)))

    found = resolve(stored, address(ANN))

    assert found.settings.banned_rulenames == expected
    assert found.origins["banned_rulenames"] == origin


def test_named_policies_profiles_and_locks_extend_ban_rule_sets_too() -> None:
    """B-4."""
    named = replace(
        layer(ANN, banned_rulenames="+own"),
        policy_name="strict",
        policy_settings=PolicySettings(banned_rulenames="+named"),
    )
    site = layer("@.", banned_rulenames="site")
    locked = replace(
        layer("example.com", banned_rulenames="+domain"), locked=frozenset({"banned_rulenames"})
    )
    outbound = {"out": Profile("out", PolicySettings(banned_rulenames="+out"))}

    def names(stored: PolicyBook, *profiles: str) -> tuple[str | None, str]:
        found = resolve(replace(stored, profiles=outbound), address(ANN), profiles)
        return found.settings.banned_rulenames, found.origins["banned_rulenames"]

    assert names(book(named, site)) == ("own,named,site", ANN)
    assert names(book(named, site), "out") == ("out,own,named,site", "profile out")
    assert names(book(named, locked, site)) == ("domain,site", "example.com")
    assert names(book(replace(named, settings=PolicySettings()), site)) == (
        "named,site",
        f"{ANN} (policy strict)",
    )


def test_bare_user_keys_are_for_local_domains_only() -> None:
    """K-2."""
    stored = book(layer("postmaster@", virus_lover=True))

    assert resolve(stored, address("postmaster@example.com")).settings.virus_lover is True
    assert resolve(stored, address("postmaster@outside.example")).settings.virus_lover is False


@pytest.mark.parametrize(
    ("domains", "text", "local"),
    [
        ({"example.com"}, "a@example.com", True),
        ({"example.com"}, "a@EXAMPLE.com.", True),
        ({"example.com"}, "a@sub.example.com", False),
        ({".example.com"}, "a@sub.example.com", True),
        ({".example.com"}, "a@example.com", True),
        ({".example.com"}, "a@notexample.com", False),
        ({"xn--exmple-cua.org"}, "a@exämple.org", True),
        ({"example.com"}, "postmaster", False),
        (set(), "a@example.com", False),
    ],
)
def test_local_domains(domains: set[str], text: str, local: bool) -> None:
    """K-11."""
    stored = PolicyBook(domains=frozenset(domains))

    assert is_local(stored, address(text)) is local
    assert resolve(stored, address(text)).local is local


def test_unchecked_kinds_follow_unchecked_destiny_where_no_layer_sets_them() -> None:
    stored = book(
        layer("example.com", unchecked_destiny=Destiny.REJECT),
        layer("@.", unchecked_limits_destiny=Destiny.PASS),
    )

    found = resolve(stored, address(ANN))

    assert found.settings.unchecked_encrypted_destiny is Destiny.REJECT
    assert found.origins["unchecked_encrypted_destiny"] == "example.com"
    assert found.settings.unchecked_limits_destiny is Destiny.PASS
    assert found.origins["unchecked_limits_destiny"] == "@."


def test_every_field_of_an_effective_policy_is_filled() -> None:
    found = resolve(PolicyBook(), address(OSCAR))

    assert all(getattr(found.settings, field.name) is not None for field in fields(PolicySettings))
    assert set(found.origins) == set(FIELDS)


_VALUES = {
    "virus_lover": st.booleans(),
    "spam_kill_level": st.sampled_from([0.0, 6.3, NEVER]),
    "spam_destiny": st.sampled_from(Destiny),
    "spam_subject_tag": st.sampled_from(["", "x"]),
}
_SETTINGS = st.builds(
    PolicySettings, **{name: st.none() | values for name, values in _VALUES.items()}
)
_LAYERS = st.builds(
    Layer,
    key=st.sampled_from(KEYS),
    settings=_SETTINGS,
    policy_name=st.just("named"),
    policy_settings=_SETTINGS,
    locked=st.frozensets(st.sampled_from(sorted(_VALUES)), max_size=2),
)


@given(st.lists(_LAYERS, unique_by=lambda stored: stored.key, max_size=4))
def test_every_value_is_the_one_stored_at_its_origin(layers: list[Layer]) -> None:
    found = resolve(replace(LOCAL_BOOK, layers=tuple(layers)), address(KEYS[0]))

    by_key = {stored.key: stored for stored in layers}
    for name in _VALUES:
        key, named, _ = found.origins[name].partition(" (policy ")
        if key == "default":
            source = DEFAULTS
        else:
            source = by_key[key].policy_settings if named else by_key[key].settings
        assert getattr(source, name) is not None
        assert getattr(found.settings, name) == getattr(source, name)
