"""What a person may look at of a held message: header section, plain text, HTML as source text.

The octets are hostile.  Only the beginning is parsed, every loop is bounded, and what cannot be
read is left out: the raw download shows it.  Nothing here is ever HTML; the text is visible() text.
"""

import email
import email.policy
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from smtpfilter.mail.findings import visible

READ_BYTES = 1 << 20  # of the message, at most
TEXT_CHARACTERS = 60_000  # of each part shown
TEXT_PARTS = 20
HEADER_BYTES = 1 << 16

# Codecs of Python that are no charset of mail, or that take quadratic time.
_NO_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf_7"}


@dataclass(frozen=True, slots=True)
class Preview:
    """`plain`, `html`: texts of the parts in their order.  `cut`: there is more than is shown."""

    headers: str
    plain: tuple[str, ...]
    html: tuple[str, ...]
    cut: bool


def preview(octets: bytes) -> Preview:
    """Return what can be shown of the message that begins with `octets`; never raises on it."""
    head = octets[:READ_BYTES]
    texts = _texts(head)
    plain = tuple(text for kind, text in texts if kind == "text/plain")
    html = tuple(text for kind, text in texts if kind == "text/html")
    cut = len(octets) > READ_BYTES or any(len(text) >= TEXT_CHARACTERS for _, text in texts)
    return Preview(_headers(head), plain, html, cut)


def _headers(head: bytes) -> str:
    section, _, _ = head.replace(b"\r\n", b"\n").partition(b"\n\n")
    return _decode(section[:HEADER_BYTES], "utf-8")


def _texts(head: bytes) -> list[tuple[str, str]]:
    try:
        message = email.message_from_bytes(head, policy=email.policy.compat32)
        return [_text(part) for part in _text_parts(message)]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []  # a structure that the standard library cannot follow


def _text_parts(message: Message) -> Iterator[Message]:
    found = 0
    for part in message.walk():
        if found < TEXT_PARTS and _is_text(part):
            found += 1
            yield part


def _is_text(part: Message) -> bool:
    shown = part.get_content_type() in ("text/plain", "text/html") and not part.is_multipart()
    return shown and part.get_content_disposition() != "attachment"


def _text(part: Message) -> tuple[str, str]:
    payload = part.get_payload(decode=True)
    octets = payload if isinstance(payload, bytes) else b""
    return part.get_content_type(), _decode(octets, str(part.get_content_charset() or "utf-8"))


def _decode(octets: bytes, charset: str) -> str:
    """Return the text; where the charset is unknown or a lie, what is readable as UTF-8."""
    name = charset.lower().replace("-", "_")
    try:
        text = octets.decode("utf-8" if name in _NO_CHARSETS else charset, "replace")
    except (LookupError, ValueError):
        text = octets.decode("utf-8", "replace")
    return visible(text, TEXT_CHARACTERS)
