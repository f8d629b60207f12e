"""Every rule that a decision follows is tested, or its difference is explained.

The rules are those of the behaviour specification of amavisd-new, sections 2(a) to
2(k), 2(n), 2(q) and 2(r).
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = {
    "K": 12,
    "P": 10,
    "L": 7,
    "T": 11,
    "C": 8,
    "F": 9,
    "N": 7,
    "O": 15,
    "W": 9,
    "B": 11,
    "H": 5,
    "V": 12,
    "S": 12,
    "X": 9,
    "PP": 3,
}
_NAMED = re.compile(r"\b(PP|[KPLTCFNOWBHVSX])-(\d+)(?: to (?:\1-)?(\d+))?\b")


def named_in(text: str) -> set[str]:
    """Return the rules that `text` names, one by one or as "K-1 to K-4"."""
    return {
        f"{letter}-{number}"
        for letter, first, last in _NAMED.findall(text)
        for number in range(int(first), int(last or first) + 1)
    }


@pytest.fixture(scope="module")
def explained() -> set[str]:
    tests = (p for p in (ROOT / "tests").rglob("test_*.py") if p != Path(__file__))
    texts = [path.read_text() for path in tests] + [(ROOT / "DIFFERENCES.md").read_text()]
    return named_in("\n".join(texts))


@pytest.mark.parametrize(
    "rule", [f"{k}-{n}" for k, most in RULES.items() for n in range(1, most + 1)]
)
def test_the_rule_is_tested_or_its_difference_explained(explained: set[str], rule: str) -> None:
    assert rule in explained
