"""Labels, hostile text, numbers: what is written on the screens."""

import math

import pytest

from appliance.policies.labels import GROUPS, LABELS, key_words, points, value_words
from appliance.ui.hostile import shown
from appliance.ui.words import CATEGORIES, OUTCOMES, STATES
from quarantine.models import UNKNOWN, HeldState
from smtpfilter.policy.settings import FIELDS, field_group
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.outcome import Outcome


def test_every_setting_has_a_label_and_a_group() -> None:
    assert set(LABELS) == set(FIELDS)
    assert set(GROUPS) == {field_group(name) for name in FIELDS}


def test_every_value_of_the_journal_has_a_word() -> None:
    assert set(CATEGORIES) == {str(category) for category in Category}
    assert set(OUTCOMES) == {str(outcome) for outcome in Outcome} | {UNKNOWN}
    assert set(STATES) == {str(state) for state in HeldState}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        (None, ""),
        ("invoice\u202efdp.exe", "invoice[U+202E]fdp.exe"),
        ("a\u200bb\ufeff", "a[U+200B]b[U+FEFF]"),
        ("\u2066x\u2069", "[U+2066]x[U+2069]"),
        ("a\x00\x1b", "a��"),
        ("نمی\u200cخواهم", "نمی\u200cخواهم"),
    ],
)  # fmt: skip
def test_what_deceives_the_reader_is_spelled_out(text: str | None, expected: str) -> None:
    """R-43: bidirectional controls in names and subjects are visible; scripts stay readable."""
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(6.3, "6.3"), (-999.0, "-999"), (0.0, "0"), (math.inf, "never")]
)  # fmt: skip
def test_points_are_written_as_people_do(value: float, expected: str) -> None:
    assert points(value) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("virus_lover", False, "No"),
        ("spam_kill_level", math.inf, "never"),
        ("spam_destiny", "discard", "Hold, or discard without a copy"),
        ("spam_quarantine_to", "", "Keep nothing"),
        ("message_size_limit", 0, "No limit of its own"),
        ("spam_subject_tag", "", "Nothing"),
    ],
)
def test_values_are_worded(name: str, value: object, expected: str) -> None:
    assert value_words(name, value) == expected


def test_keys_are_worded() -> None:
    assert key_words("@.") == "Everybody on this site"
    assert key_words(".example.com") == "example.com and all domains below it"
