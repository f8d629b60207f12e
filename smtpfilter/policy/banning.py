"""Which attachments are forbidden: ordered rules on names and types (B-1 to B-7).

A rule set is a sequence of regular expressions.  For each leaf of the message the rules are tried
in order on every string of every node from the root to the leaf, a rule on paths on the description
of them all (part_path.py), in which ^ and $ stand at each line and . stays within one, as with
Perl's m///m.  The first that matches decides, so exceptions stand first.

Names are hostile, and a careless expression takes ages on some of them.  So expressions get a
little time for each string: one that needs more counts as matching where it bans, and as not
matching where it excepts.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import regex

from smtpfilter.mail.findings import Part
from smtpfilter.policy.ban_sets import BUILT_IN
from smtpfilter.policy.layers import BanRule, PolicyBook
from smtpfilter.policy.part_path import LONGEST_NAME, described

LONGEST_PATTERN = 1000  # characters
MOST_REPEATS = 1_000_000  # of what stands before {n}: they are written out when compiling
MOST_SECONDS = 0.1  # of computing, for one expression on one string; microseconds are usual
EXTENDS = "+"  # before a list of names: they stand before the inherited ones

# On such names an expression shows whether it tries the same characters in too many ways.
_TIRING = tuple(character * LONGEST_NAME + "\x01" for character in "aA0 .-_x")
_COUNT = re.compile(r"\{(?:\d*,)?(\d+)\}")


class BadPattern(ValueError):
    """The text is no pattern; `args[0]` is a sentence that says what is wrong."""


@dataclass(frozen=True, slots=True)
class Ban:
    """A forbidden part: its path as people see it, why it is forbidden, and the rule that decided.

    `reason`: the rule's comment and the leaf's strings (B-6).
    """

    path: str
    reason: str
    rule: BanRule


def rule_names(rulenames: str) -> tuple[str, ...]:
    """Return the names in a value of banned_rulenames, each once, without the + that extends."""
    names = (name.strip() for name in rulenames.strip().removeprefix(EXTENDS).split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def rules_for(book: PolicyBook, rulenames: str) -> tuple[BanRule, ...]:
    """Return the rules of the named sets, in order; a set of the site takes the place of the
    built-in one of its name.

    `rulenames`: an effective value of banned_rulenames.  Unknown names are no rules (B-4).
    """
    sets = {**BUILT_IN, **book.ban_sets}
    return tuple(rule for name in rule_names(rulenames) for rule in sets.get(name, ()))


@lru_cache(maxsize=8)  # the recipients of a message mostly share their rules
def banned_paths(rules: tuple[BanRule, ...], parts: tuple[Part, ...]) -> tuple[Ban, ...]:
    """Return every forbidden part."""
    trials = _trials(rules)
    found = ((part, _deciding(trials, part)) for part in parts)
    return tuple(
        Ban(part.banned_path, _reason(trial, part), trial.rule)
        for part, trial in found
        if trial and trial.rule.banned
    )


def deciding_rule(rules: Sequence[BanRule], part: Part) -> BanRule | None:
    """Return the rule that decides about `part`, be it an exception; None where none matches."""
    trial = _deciding(_trials(rules), part)
    return trial.rule if trial else None


def check_pattern(text: str) -> None:
    """Raise BadPattern where `text` cannot be a rule's pattern."""
    pattern = _compile(text)
    try:
        for name in _TIRING:
            pattern.search(name, timeout=MOST_SECONDS)
    except TimeoutError:
        raise BadPattern(
            "This expression takes too long on long names: do not repeat what repeats itself, as"
            " in (a+)+."
        ) from None


def _compile(text: str, flags: int = 0) -> regex.Pattern[str]:
    if not 0 < len(text) <= LONGEST_PATTERN:
        raise BadPattern(f"A pattern has between 1 and {LONGEST_PATTERN} characters.")
    repeats = math.prod(max(1, int(count)) for count in _COUNT.findall(text))
    if repeats > MOST_REPEATS:
        raise BadPattern(f"The numbers in braces make more than {MOST_REPEATS} repetitions.")
    try:
        return regex.compile(text, flags)
    except (regex.error, OverflowError, RecursionError) as error:
        raise BadPattern(f"This is no regular expression: {error}.") from None


@lru_cache(maxsize=1024)
def compiled(pattern: str, path: bool = False) -> regex.Pattern[str] | None:
    """Return the pattern, None where it is none: screens refuse those, an import may still bring
    one.  Whoever searches with it gives it MOST_SECONDS.
    """
    try:
        return _compile(pattern, regex.MULTILINE if path else 0)
    except BadPattern:
        return None


@dataclass(slots=True)
class _Trial:
    """One rule at work on one message: each string is looked at once, and none any more after one
    that took too long.
    """

    rule: BanRule
    pattern: regex.Pattern[str]
    late: bool = False
    known: dict[str, bool] = field(default_factory=dict)

    def matches(self, strings: Iterable[str]) -> bool:
        return any(map(self._matches, strings))

    def _matches(self, string: str) -> bool:
        if string not in self.known:
            self.known[string] = self._search(string)
        return self.known[string]

    def _search(self, string: str) -> bool:
        try:
            if not self.late:
                return self.pattern.search(string, timeout=MOST_SECONDS) is not None
        except TimeoutError:
            self.late = True
        return self.rule.banned


def _trials(rules: Iterable[BanRule]) -> list[_Trial]:
    return [
        _Trial(rule, pattern)
        for rule in rules
        if (pattern := compiled(rule.pattern, rule.path)) is not None
    ]


def _deciding(trials: Sequence[_Trial], part: Part) -> _Trial | None:
    strings = [string[-LONGEST_NAME:] for node in part.nodes for string in node]
    path = [described(part)] if any(trial.rule.path for trial in trials) else []
    return next(
        (trial for trial in trials if trial.matches(path if trial.rule.path else strings)), None
    )


def _reason(trial: _Trial, part: Part) -> str:
    leaf = ",".join(part.nodes[-1]) if part.nodes else part.name
    reason = f"{trial.rule.comment}: {leaf}" if trial.rule.comment else leaf
    return f"{reason} (its rule took too long to tell)" if trial.late else reason
