"""What a person may write for a setting, and how it is shown."""

from dataclasses import fields

import pytest

from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.settings import (
    FIELDS,
    NEVER,
    BadValue,
    PolicySettings,
    field_group,
    field_help,
    format_value,
    parse_value,
)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("virus_lover", "yes", True),
        ("virus_lover", "NO", False),
        ("virus_lover", "1", True),
        ("virus_lover", "off", False),
        ("spam_kill_level", "8", 8.0),
        ("spam_kill_level", "-0.5", -0.5),
        ("spam_kill_level", "Never", NEVER),
        ("virus_destiny", "Reject", Destiny.REJECT),
        ("spam_subject_tag2", "***SPAM*** ", "***SPAM*** "),
        ("spam_quarantine_to", "", ""),
        ("message_size_limit", "65536", 65536),
    ],
)
def test_values_are_read(name: str, text: str, value: object) -> None:
    assert parse_value(name, text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("virus_lover", "maybe"),
        ("virus_lover", ""),
        ("spam_kill_level", "high"),
        ("spam_kill_level", "nan"),
        ("spam_kill_level", "inf"),
        ("spam_kill_level", "10001"),
        ("virus_destiny", "hold"),
        ("virus_destiny", "bounce"),
        ("spam_subject_tag", "a\r\nX-Evil: 1"),
        ("spam_subject_tag", "a\x00"),
        ("message_size_limit", "-1"),
        ("message_size_limit", "1e6"),
        ("message_size_limit", "²"),
        ("message_size_limit", str((1 << 40) + 1)),
    ],
)
def test_what_is_no_value_is_refused_with_words(name: str, text: str) -> None:
    with pytest.raises(BadValue, match=r"\w"):
        parse_value(name, text)


def test_an_unknown_field_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        parse_value("nosuch", "1")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(NEVER, "never"), (6.3, 6.3), (Destiny.PASS, "pass"), (True, True), ("", ""), (None, None)],
)
def test_values_are_shown_as_json_can_hold_them(value: object, shown: object) -> None:
    assert format_value(value) == shown  # type: ignore[arg-type]
    assert type(format_value(value)) is type(shown)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_explains_itself(name: str) -> None:
    assert field_help(name).endswith(".")
    assert field_group(name)
    assert {field.default for field in fields(PolicySettings)} == {None}
