"""From layers to an effective policy, field by field (P-1, P-2, K-2, K-11, BB-31)."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import Layer, PolicyBook
from smtpfilter.policy.resolve import is_local, resolve
from smtpfilter.policy.settings import DEFAULTS, FIELDS, NEVER, PolicySettings
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


def test_the_outermost_lock_counts() -> None:
    site = replace(layer("@.", spam_lover=False), locked=frozenset({"spam_lover"}))
    domain = replace(layer("example.com", spam_lover=True), locked=frozenset({"spam_lover"}))

    assert resolve(book(domain, site), address(ANN)).origins["spam_lover"] == "@."


def test_a_priority_of_an_import_goes_before_the_form_of_the_key() -> None:
    """P-1."""
    domain = replace(layer("example.com", spam_kill_level=5.0), priority=20)

    found = resolve(book(layer(ANN, spam_kill_level=8.0), domain), address(ANN))

    assert found.settings.spam_kill_level == 5.0


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
