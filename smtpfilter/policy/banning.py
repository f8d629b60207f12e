"""Which attachments are forbidden: ordered rules on names and types (B-1 to B-8).

A rule set is a sequence of regular expressions.  For each leaf of the message the rules are tried
in order on every string of every node from the root to the leaf; the first that matches decides, so
exceptions stand first.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from smtpfilter.mail.findings import Part
from smtpfilter.policy.ban_sets import BUILT_IN
from smtpfilter.policy.layers import BanRule, PolicyBook

LONGEST_PATTERN = 1000  # characters


class BadPattern(ValueError):
    """The text is no pattern; `args[0]` is a sentence that says what is wrong."""


def rules_for(book: PolicyBook, rulenames: str) -> tuple[BanRule, ...]:
    """Return the rules of the named sets, in order; the site's rules stand before the built-in ones
    of the same name.

    `rulenames`: names by comma (the field banned_rulenames).  Unknown names are no rules (B-4).
    """
    names = (name.strip() for name in rulenames.split(","))
    return tuple(
        rule for name in names for rule in (*book.ban_sets.get(name, ()), *BUILT_IN.get(name, ()))
    )


@lru_cache(maxsize=8)  # the recipients of a message mostly share their rules
def banned_paths(
    rules: tuple[BanRule, ...], parts: tuple[Part, ...]
) -> tuple[tuple[str, str], ...]:
    """Return (path, reason) of every forbidden part; the reason is the rule's comment and the
    leaf's strings (B-6).
    """
    patterns = [
        (rule, pattern) for rule in rules if (pattern := _compiled(rule.pattern)) is not None
    ]
    found = ((part, _deciding(patterns, part)) for part in parts)
    return tuple(
        (part.banned_path, _reason(rule, part)) for part, rule in found if rule and rule.banned
    )


def check_pattern(text: str) -> None:
    """Raise BadPattern where `text` cannot be a rule's pattern."""
    if not text or len(text) > LONGEST_PATTERN:
        raise BadPattern(f"A pattern has between 1 and {LONGEST_PATTERN} characters.")
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadPattern(f"This is no regular expression: {error}.") from None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Return the pattern, None where it is none: screens refuse those, an import may still bring
    one.
    """
    try:
        check_pattern(pattern)
    except BadPattern:
        return None
    return re.compile(pattern)


def _deciding(patterns: Sequence[tuple[BanRule, re.Pattern[str]]], part: Part) -> BanRule | None:
    strings = [string for node in part.nodes for string in node]
    return next((rule for rule, pattern in patterns if _matches(pattern, strings)), None)


def _matches(pattern: re.Pattern[str], strings: Iterable[str]) -> bool:
    return any(pattern.search(string) for string in strings)


def _reason(rule: BanRule, part: Part) -> str:
    leaf = ",".join(part.nodes[-1]) if part.nodes else part.name
    return f"{rule.comment}: {leaf}" if rule.comment else leaf
