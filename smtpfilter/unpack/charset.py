"""Octets in a declared character set as text, by a list of character sets that mail uses.

Python's codecs are looked up by name and import modules; names come from mail.  So only names on
the list are passed on (M13), and what they cannot decode shows as U+FFFD.
"""

import re

_FAMILIES = re.compile(
    r"(?:utf-?(?:7|8|16|16le|16be|32|32le|32be)|us-?ascii|ascii|iso-?8859-?\d{1,2}"
    r"|(?:windows-?|cp)\d{3,4}|koi8-?[rut]|gb2312|gbk|gb18030|hz-gb-2312|big5(?:-?hkscs)?"
    r"|euc-?(?:jp|kr|cn)|iso-?2022-?(?:jp(?:-[123])?|kr)|shift[_-]?jis|tis-?620|macintosh|mac-roman)"
)
_ALIASES = {"windows-874": "cp874", "euc-cn": "gb2312", "macintosh": "mac-roman"}


def decode(octets: bytes, charset: str) -> str:
    """Return `octets` as text; an unknown `charset` is read as undeclared text."""
    name = charset.strip().lower()
    if not _FAMILIES.fullmatch(name):
        return undeclared(octets)
    try:
        return octets.decode(_ALIASES.get(name, name), "replace")
    except (LookupError, UnicodeError):
        return undeclared(octets)


def undeclared(octets: bytes) -> str:
    """Return octets that nobody declared: UTF-8 where they are, else Latin-1."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")
