"""A setting as amavisd's tables and directories write it (P-3)."""

import re
from typing import Any

from appliance.policies.edit import parse_values
from smtpfilter.policy.settings import FIELDS

_FALSE = re.compile(r"(?i)(n|f|no|false|off|0+|)[ \0]*|[\s\0]*")
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")


def is_true(text: str) -> bool:
    """Tell what a boolean means: "N", "F", blanks, zeros are false, all else is true (P-3).

    "no", "false" and "off" are false, too, which amavisd takes for true.
    """
    return _FALSE.fullmatch(text) is None


def typed_value(name: str, text: str) -> Any:
    """Return the value of the field `name` (a field of PolicySettings) that `text` says.

    A number is what the text begins with, and "" is 0 (P-3); text that begins with none is
    refused, since a level of 0 is nobody's wish.  Raises Refused.
    """
    kind = FIELDS[name]
    if kind == "flag":
        return is_true(text)
    if kind in ("level", "points", "bytes"):
        text = leading_number(text)
    if kind == "bytes":
        text = text.partition(".")[0]
    return parse_values({name: text})[name]


def leading_number(text: str) -> str:
    """Return the number that `text` begins with, "0" where it is blank, else `text` itself."""
    found = _NUMBER.match(text)
    if not text.strip():
        return "0"
    return found[1] if found else text
