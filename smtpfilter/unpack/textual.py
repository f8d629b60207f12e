"""Files that are written into a text: what people or scripts take out of it (M9).

uuencode, yEnc and BinHex say that they are files; what scripts put together is a guess.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from smtpfilter.unpack.armor import armored
from smtpfilter.unpack.base64_readings import base64_octets
from smtpfilter.unpack.binhex import binhex_files
from smtpfilter.unpack.limits import Budget, Unlookable
from smtpfilter.unpack.smuggled import smuggled
from smtpfilter.unpack.uuencode import uu_files
from smtpfilter.unpack.yenc import yenc_files

_SHOWN = 4096  # octets that tell text from other data
_LONGEST = 50_000_000
_PAGE = re.compile(rb"<(?:!doctype|html|head|body|script|svg)\b", re.IGNORECASE)

_BASE64_FILE = re.compile(
    rb"(?:\A|(?<=[\r\n]))begin-base64 [0-7]{3,4} (?P<name>[^\r\n]*+)[\r\n]++"
    rb"(?P<data>[A-Za-z0-9+/\s]*+)"
)


@dataclass(frozen=True, slots=True)
class Find:
    """A file in a text.  `guess`: it only may be one."""

    name: bytes
    content: bytes
    mime_type: str = ""
    guess: bool = False


def finds(text: bytes, budget: Budget) -> Iterator[Find]:
    """Yield the files that are written into `text`.  Raises Unlookable."""
    if b"\0" in text[:_SHOWN]:
        text = text.replace(b"\0", b"")  # UTF-16, or what browsers pass over
        if not _PAGE.search(text, 0, _SHOWN):
            return
    if len(text) > _LONGEST:
        raise Unlookable("limits", "its text is too long to be searched for files")
    for find in _all(text, budget):
        budget.spend_part()
        budget.spend_bytes(len(find.content))
        yield find


def _all(text: bytes, budget: Budget) -> Iterator[Find]:
    if b"begin" in text.lower():
        yield from (Find(name, content) for name, content in uu_files(text))
        for match in _BASE64_FILE.finditer(text):
            yield Find(match["name"].strip(), base64_octets(b"".join(match["data"].split())))
    if b"=ybegin " in text:
        yield from (Find(name, content) for name, content in yenc_files(text))
    if b"converted with BinHex" in text:
        yield from (Find(name, content) for name, content in binhex_files(text, budget))
    yield from (Find(b"", content, guess=True) for content in armored(text))
    for mime_type, content in smuggled(text):
        yield Find(b"", content, mime_type, guess=True)
