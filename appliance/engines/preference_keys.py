"""The SpamAssassin preferences that may be set for a name, each with the form of its value (Q4).

Everything that is not here is refused: SpamAssassin knows settings that run programs, read files
or add regular expressions of their own.  A value is one line without "#", since what lies in the
database is read as lines of a configuration.  required_score is missing on purpose: levels are
Postern's policy.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from appliance.errors import Refused, Unknown
from smtpfilter.policy import values

LONGEST_VALUE = 500  # characters
MOST_STARS = 3  # in one address: SpamAssassin tries all ways to fill them, for every message

_ADDRESS = re.compile(r"[A-Za-z0-9._+=~*?@-]{1,254}")
_RULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_NUMBER = re.compile(r"-?[0-9]{1,4}(?:\.[0-9]{1,3})?")
_LANGUAGE = re.compile(r"all|[a-z]{2,3}(?:[._-][a-z0-9]{1,8})?")
_RULE_POINTS = (1, 4)  # one number for all four sets of scores, or one for each


@dataclass(frozen=True, slots=True)
class Key:
    """`form`: how a value is written, for people.  `clean` returns the value as it is stored.

    `many`: the preference may stand there several times, each time with another value; `subject`
    returns the part of a value that may stand there only once.
    """

    name: str
    form: str
    help: str
    clean: Callable[[str], str]
    many: bool = False

    def subject(self, value: str) -> str:
        """Return what of `value` must be unique under the key."""
        if not self.many:
            return ""
        return value.split()[0] if self.name == "score" else value


def find_key(name: str) -> Key:
    """Return the key of this name.  Raises Unknown."""
    try:
        return KEYS[name.strip().lower()]
    except KeyError:
        if name.strip().lower() == "required_score":
            raise Unknown("required_score is not used: set spam_tag2_level in a policy") from None
        listed = ", ".join(KEYS)
        raise Unknown(f"there is no preference {name!r}; there are: {listed}") from None


def clean_value(key: Key, text: str) -> str:
    """Return the value as SpamAssassin reads it.  Raises Refused."""
    value = key.clean(text.strip())
    if len(value) > LONGEST_VALUE:
        raise Refused(f"{key.name}: a value has at most {LONGEST_VALUE} characters")
    return value


def _yes_no(text: str) -> str:
    try:
        return "1" if values.flag(text) else "0"
    except values.BadValue:
        raise Refused(f"{text!r} is neither yes nor no") from None


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise Refused(f"{text!r} is no number: write it as 5 or -1.5")
    return text


def _addresses(text: str) -> str:
    words = text.split()
    odd = next((word for word in words if not _ADDRESS.fullmatch(word)), "")
    if odd or not words:
        raise Refused(f"{odd!r} is no address: write ann@example.com or *@example.com")
    starry = next((word for word in words if word.count("*") > MOST_STARS), "")
    if starry:
        raise Refused(f"{starry!r} has more than {MOST_STARS} of *: write several addresses")
    return " ".join(words)


def _score(text: str) -> str:
    rule, *points = text.split() or [""]
    if not _RULE.fullmatch(rule):
        raise Refused(f"{rule!r} is no name of a rule: write HTML_MESSAGE 0.5")
    if len(points) not in _RULE_POINTS:
        raise Refused("after the rule's name stands one number, or four")
    return " ".join((rule, *map(_number, points)))


def _languages(text: str) -> str:
    words = text.lower().split()
    odd = next((word for word in words if not _LANGUAGE.fullmatch(word)), "")
    if odd or not words:
        raise Refused(f"{odd!r} is no language: write en de, or all")
    return " ".join(words)


_GLOBS = "addresses, with * and ?"
_SWITCH = "yes or no"

KEYS = {
    key.name: key
    for key in (
        Key("welcomelist_from", _GLOBS, "Senders that are welcome: -100 points.", _addresses, True),
        Key("blocklist_from", _GLOBS, "Senders that are not: 100 points.", _addresses, True),
        Key("whitelist_from", _GLOBS, "The older name of welcomelist_from.", _addresses, True),
        Key("blacklist_from", _GLOBS, "The older name of blocklist_from.", _addresses, True),
        Key("welcomelist_auth", _GLOBS, "The same for proven senders only.", _addresses, True),
        Key("welcomelist_to", _GLOBS, "Recipients who want all: -6 points.", _addresses, True),
        Key("score", "RULE POINTS", "What a rule is worth; 0 switches it off.", _score, True),
        Key("use_bayes", _SWITCH, "Let Bayes score.", _yes_no),
        Key("use_bayes_rules", _SWITCH, "Let the rules of Bayes count.", _yes_no),
        Key("bayes_auto_learn", _SWITCH, "Let Bayes learn by itself.", _yes_no),
        Key("skip_rbl_checks", _SWITCH, "Ask no DNS block lists.", _yes_no),
        Key("use_razor2", _SWITCH, "Ask Razor2, where network tests are on.", _yes_no),
        Key("use_pyzor", _SWITCH, "Ask Pyzor, where network tests are on.", _yes_no),
        Key("use_dcc", _SWITCH, "Ask DCC, where network tests are on.", _yes_no),
        Key("ok_languages", "languages, or all", "Languages that are welcome.", _languages),
        Key("ok_locales", "languages, or all", "Character sets that are welcome.", _languages),
    )
}
