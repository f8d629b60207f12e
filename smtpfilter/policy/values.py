"""What people write for a setting, read and checked, one function for each kind of value.

Each returns the value or raises BadValue, whose text completes the sentence "... is not".
"""

import re
from collections.abc import Callable
from typing import Any

from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.lookup import DELIMITERS, BadKey, is_bare, parse_key
from smtpfilter.policy.routes import BadRoute, parse_forward_method

MOST_BYTES = 1 << 40
LONGEST_TAG = 200  # characters of a subject tag: what stands behind it must stay readable

_EXTENSION = re.compile(r"[A-Za-z0-9!#$%&'*/=?^_`{|}~+-]+(\.[A-Za-z0-9!#$%&'*/=?^_`{|}~+-]+)*")
_FIELD_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322 2.2
_PREFERENCE_NAME = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._@+-]{0,99})?")
FROM_SQL = "sql:"  # amavisd-new's word for preferences that lie in a database
_LANGUAGE = re.compile(r"([a-z]{2})(?:[-_]([a-z]{2}))?", re.IGNORECASE | re.ASCII)

Parser = Callable[[str], Any]


class BadValue(ValueError):
    """The text is no value of this field; `args[0]` says what is."""


def flag(text: str) -> bool:
    if text.lower() in ("yes", "true", "on", "1"):
        return True
    if text.lower() in ("no", "false", "off", "0"):
        return False
    raise BadValue("yes or no")


def level(text: str) -> float:
    """Return a score; "never" is infinity."""
    if text.lower() == "never":
        return float("inf")
    try:
        return points(text)
    except BadValue as error:
        raise BadValue(f"{error}, or never") from None


def points(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise BadValue("a number") from None
    if not -10000 <= number <= 10000:
        raise BadValue("a number between -10000 and 10000")
    return number


def destiny(text: str) -> Destiny:
    try:
        return Destiny(text.lower())
    except ValueError:
        raise BadValue("one of pass, discard, bounce, reject, tempfail") from None


def octets(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > MOST_BYTES:
        raise BadValue("a whole number of octets, 0 for no limit")
    return int(text)


def plain(text: str) -> str:
    """Return any text that is one line (P6: nothing may begin another header field)."""
    if not text.isprintable():
        raise BadValue("text without control characters")
    return text


def subject_tag(text: str) -> str:
    """Return the text as it is: a blank at its end keeps it apart from the subject."""
    if len(plain(text)) > LONGEST_TAG:
        raise BadValue(f"a text of at most {LONGEST_TAG} characters")
    return text


def copy_place(text: str) -> str:
    word = text.strip().lower()
    if word not in ("quarantine", ""):
        raise BadValue("`quarantine`, or empty to keep nothing")
    return word


def extension(text: str) -> str:
    """Return an address extension; a delimiter before it is left out, the site has its own."""
    word = text.strip().lstrip(DELIMITERS)
    if text.strip() and not (len(word) <= 60 and _EXTENSION.fullmatch(word)):
        raise BadValue("an address extension such as spam: letters and digits, no @, no spaces")
    return word


def admins(text: str) -> str:
    """Return addresses by comma, each with a domain."""
    text = text.strip()
    words = [word.strip() for word in text.split(",")] if text else []
    if not text.isprintable() or not all(map(_is_mailbox, words)):
        raise BadValue("one or several addresses by comma, such as admin@example.com, or empty")
    return text


def _is_mailbox(word: str) -> bool:
    try:
        key = parse_key(word)
    except BadKey:
        return False
    return "@" in key and not is_bare(key) and key != "@." and not set(key) & set(' "')


def forward_method(text: str) -> str:
    try:
        parse_forward_method(text)
    except BadRoute:
        raise BadValue(
            "next hops by comma, such as smtp:[10.0.0.1]:25 or lmtp:/path/of/socket, or empty"
        ) from None
    return plain(text.strip())


def field_names(text: str) -> str:
    text = text.strip()
    if text.lower() == "all":
        return "all"
    if text and not all(_FIELD_NAME.fullmatch(word.strip()) for word in text.split(",")):
        raise BadValue("`all`, names of header fields by comma such as X-Spam-Flag, or empty")
    return text


def virus_names(text: str) -> str:
    text = text.strip()
    if text.lower() in ("all", "article", ""):
        return text.lower()
    if not text.isprintable() or not all(word.strip() for word in text.split(",")):
        raise BadValue("`all`, `article`, names of viruses by comma, or empty for none")
    return text


def language(text: str) -> str:
    """Return a language as in "en" or "pt-BR"."""
    match = _LANGUAGE.fullmatch(text.strip())
    if match is None:
        raise BadValue("a language of two letters, such as en, de or pt-BR")
    region = f"-{match[2].upper()}" if match[2] else ""
    return match[1].lower() + region


def rulenames(text: str) -> str:
    """Return names of ban rule sets by comma, with + before the first to extend the inherited ones
    (B-4).
    """
    text = text.strip()
    names = [name.strip() for name in text.removeprefix("+").split(",")]
    complete = all(names) or names == [""]
    if not text.isprintable() or not complete or any(name.startswith("+") for name in names):
        raise BadValue("names of ban rule sets by comma, with + before the first at most, or empty")
    return text


BY_KIND: dict[str, Parser] = {
    "flag": flag,
    "level": level,
    "points": points,
    "destiny": destiny,
    "bytes": octets,
    "text": plain,
}


def preference_name(text: str) -> str:
    if not _PREFERENCE_NAME.fullmatch(text):
        raise BadValue("a name of letters, digits and . _ @ + -, or empty")
    return text


def preference_source(text: str) -> str:
    if text.lower() not in ("", FROM_SQL):
        raise BadValue(f"{FROM_SQL} or empty: SpamAssassin reads preferences from the database")
    return text.lower()
