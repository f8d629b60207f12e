"""One SMTP reply as a value (RFC 5321 4.2, enhanced status codes of RFC 3463).

Replies of the next hop keep the text that it gave; our own never contain internals.
"""

import re
from dataclasses import dataclass

LONGEST_TEXT = 450  # characters; keeps every reply line under RFC 5321's 512 octets (F-1)

_LINE = re.compile(
    r"(?P<code>[2-5][0-9]{2})[ -]?"
    r"(?:(?P<enhanced>[245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |$))?(?P<text>.*)",
    re.S,
)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Reply:
    """`code` 200..599, `enhanced` like "2.0.0" or "" where the peer gave none, `text` printable
    ASCII.
    """

    code: int
    enhanced: str
    text: str

    def __str__(self) -> str:
        return " ".join(word for word in (str(self.code), self.enhanced, self.text) if word)

    @property
    def accepted(self) -> bool:
        return 200 <= self.code < 300

    @property
    def temporary(self) -> bool:
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        return 500 <= self.code < 600


def reply(code: int, enhanced: str, text: str) -> Reply:
    """Return a reply whose text is safe to put on the wire: printable ASCII, at most 450
    characters.
    """
    return Reply(code, enhanced, _UNPRINTABLE.sub(" ", text).strip()[:LONGEST_TEXT])


def parse_reply(line: str) -> Reply | None:
    """Return the reply in `line` (continuation lines already joined by blanks), or None where it is
    none.
    """
    match = _LINE.fullmatch(line)
    if not match:
        return None
    return reply(int(match["code"]), match["enhanced"] or "", match["text"])
