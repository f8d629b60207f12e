"""What is done about one kind of finding, as one choice: the two flags that amavisd knows, bypass
and lover, with the levels that keep a spam check learning while it delivers all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smtpfilter.policy.levels import RISING
from smtpfilter.policy.settings import FIELDS

ACT, MARK, LEARN, SKIP = "act", "mark", "learn", "skip"
CHOICES = {
    ACT: "Check and act",
    MARK: "Check, mark, deliver",
    LEARN: "Check, learn, deliver",
    SKIP: "Do not check",
}
MEANINGS = {
    ACT: "What a check finds is stopped, as “What happens” says.",
    MARK: "What a check finds is marked, and delivered all the same.",
    LEARN: "For spam: every level is 999, so nothing is marked or stopped, and SpamAssassin goes on"
    " learning. Each message still costs a scan.",
    SKIP: "Nothing is looked for, so nothing is found. Without the spam check nothing is learned"
    " either: “Check, learn, deliver” is mostly the better choice.",
}
UNREACHED = 999.0  # a level that no mail reaches, while scores go on (the article's advice)
LEARNING_LEVELS = RISING[1:]  # the X-Spam header may stand there


@dataclass(frozen=True, slots=True)
class Treatment:
    """`consequences`: a sentence per choice."""

    name: str
    label: str
    bypass: str
    lover: str
    consequences: Mapping[str, str]

    @property
    def fields(self) -> tuple[str, str]:
        return self.bypass, self.lover


def _told(what: str, not_checked: str) -> dict[str, str]:
    return {
        ACT: f"{what} is stopped.",
        MARK: f"{what} is marked and delivered.",
        LEARN: f"{what} is scored and learned from, and delivered unmarked.",
        SKIP: not_checked,
    }


TREATMENTS = (
    Treatment(
        "treat_virus",
        "Viruses",
        "bypass_virus_checks",
        "virus_lover",
        _told("Infected mail", "Infected mail is delivered, and nobody is told."),
    ),
    Treatment(
        "treat_spam",
        "Spam",
        "bypass_spam_checks",
        "spam_lover",
        _told("Spam", "Spam is delivered unmarked, and nothing is learned from any mail."),
    ),
    Treatment(
        "treat_banned",
        "Banned files",
        "bypass_banned_checks",
        "banned_files_lover",
        _told("Mail with banned files", "Programs and the like are delivered as they are."),
    ),
    Treatment(
        "treat_header",
        "Bad headers",
        "bypass_header_checks",
        "bad_header_lover",
        _told("Mail with a bad header section", "A bad header section goes unnoticed."),
    ),
)
SPAM = TREATMENTS[1]
BY_NAME = {treatment.name: treatment for treatment in TREATMENTS}
_HOME = {treatment.bypass: treatment.name for treatment in TREATMENTS}
_FLAGS = {name for treatment in TREATMENTS for name in treatment.fields}

LINES = tuple(_HOME.get(name, name) for name in FIELDS if name in _HOME or name not in _FLAGS)
"""The lines of a form, in order: a choice in the place of its two flags, then every other field."""


def meanings() -> list[tuple[str, str]]:
    """Return (label, meaning) of each choice."""
    return [(label, MEANINGS[name]) for name, label in CHOICES.items()]


def fields_of(line: str) -> tuple[str, ...]:
    """Return the settings that a line of the form is about."""
    return BY_NAME[line].fields if line in BY_NAME else (line,)


def offered(treatment: Treatment) -> list[tuple[str, str]]:
    """Return (choice, label) for what can be chosen; only spam is learned."""
    return [(name, label) for name, label in CHOICES.items() if name != LEARN or treatment is SPAM]


def chosen(
    treatment: Treatment, own: Mapping[str, Any], beside: Mapping[str, Any] | None = None
) -> str:
    """Return the choice that the settings `own` (typed or JSON) amount to, "" where they say
    nothing; what only one of the flags says counts with what stands `beside` it.
    """
    if all(own.get(name) is None for name in treatment.fields):
        return ""
    both = {**(beside or {}), **{name: value for name, value in own.items() if value is not None}}
    if both.get(treatment.bypass):
        return SKIP
    if both.get(treatment.lover):
        return MARK
    learns = treatment is SPAM and all(_unreached(own.get(name)) for name in LEARNING_LEVELS)
    return LEARN if learns else ACT


def settings_of(treatment: Treatment, choice: str, before: str) -> dict[str, str | None]:
    """Return field -> what a person would write for the choice, None to inherit; levels that an
    earlier choice of LEARN has set are inherited again.
    """
    flags: dict[str, tuple[str | None, str | None]] = {
        "": (None, None),
        ACT: ("no", "no"),
        MARK: ("no", "yes"),
        LEARN: ("no", "no"),
        SKIP: ("yes", "no"),
    }
    values = dict(zip(treatment.fields, flags[choice], strict=True))
    if LEARN in (choice, before):
        level = f"{UNREACHED:g}" if choice == LEARN else None
        values |= dict.fromkeys(LEARNING_LEVELS, level)
    return values


def _unreached(level: Any) -> bool:
    return level == "never" or (isinstance(level, int | float) and level >= UNREACHED)
