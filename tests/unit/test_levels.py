"""The order of levels (T-2, T-3)."""

from math import inf

import pytest

from smtpfilter.policy.defaults import DEFAULTS
from smtpfilter.policy.levels import LEVELS, contradictions
from smtpfilter.policy.settings import (
    FIELDS,
)

TAG, TAG2, TAG3, KILL, DSN, CREDIBLE, ADMIN, QUARANTINE = LEVELS


def test_all_levels_have_a_place_in_the_order() -> None:
    assert set(LEVELS) == {name for name, kind in FIELDS.items() if kind == "level"}


@pytest.mark.parametrize(
    "levels",
    [
        {},
        {TAG: None, TAG2: 5.0, KILL: None},
        {TAG: 2.0, TAG2: 2.0, TAG3: 2.0, KILL: 2.0, DSN: 2.0, QUARANTINE: 2.0},
        {TAG: -999.0, TAG2: 6.3, TAG3: inf, KILL: 6.3, DSN: inf},
        {TAG: 1.0, TAG2: 5.0, TAG3: 6.0, KILL: 7.0, DSN: 8.0, CREDIBLE: 7.5, ADMIN: 7.0},
        {KILL: inf, DSN: 3.0, TAG2: 20.0},
        {DSN: 3.0, TAG3: 20.0},
        {DSN: 9.0, CREDIBLE: 8.0, ADMIN: 7.0, QUARANTINE: 6.0},
        {TAG: inf, TAG2: inf, KILL: 3.0},
    ],
)
def test_levels_that_rise_are_in_order(levels: dict[str, float | None]) -> None:
    """T-2: what is never reached or not set stands in nobody's way."""
    assert contradictions(levels) == []


@pytest.mark.parametrize(
    ("levels", "pairs"),
    [
        ({TAG: 7.0, TAG2: 6.0}, [(TAG, TAG2)]),
        ({TAG2: 8.0, TAG3: inf, KILL: 6.3}, [(TAG2, KILL)]),
        ({TAG: 8.0, TAG2: None, KILL: 6.3}, [(TAG, KILL)]),
        ({TAG2: 5.0, TAG3: 9.0, KILL: 6.3}, [(TAG3, KILL)]),
        ({TAG: 9.0, TAG2: 8.0, KILL: 6.3}, [(TAG, TAG2), (TAG, KILL), (TAG2, KILL)]),
        (
            {KILL: 6.3, DSN: 6.0, CREDIBLE: 5.0, ADMIN: 4.0, QUARANTINE: 3.0},
            [(KILL, DSN), (KILL, CREDIBLE), (KILL, ADMIN), (KILL, QUARANTINE)],
        ),
    ],
)
def test_levels_that_contradict_each_other_are_named(
    levels: dict[str, float | None], pairs: list[tuple[str, str]]
) -> None:
    """T-2."""
    assert contradictions(levels) == pairs


def test_the_starting_policy_is_in_order() -> None:
    """T-4."""
    assert not contradictions({name: getattr(DEFAULTS, name) for name in LEVELS})
