"""Is the header section well formed?  The complaints of kinds 1 to 8 (C-1, H-1 to H-3)."""

import re
from collections.abc import Iterator
from itertools import islice

from smtpfilter.mail import words
from smtpfilter.mail.findings import BadHeader, visible
from smtpfilter.mail.message import Field, Message

MOST_COMPLAINTS = 100
LONGEST_LINE = 998  # octets without CRLF, RFC 5322 2.1.1

MIME, RAW_8BIT, CONTROL, BLANK_LINE, LONG_LINE, SYNTAX, MISSING, DUPLICATE = range(1, 9)

REQUIRED = ("Date", "From")  # RFC 5322 3.6
ONCE = (  # RFC 5322 3.6, RFC 2045 3, RFC 3834 5
    *("Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject"),
    *("Message-ID", "References", "In-Reply-To", "MIME-Version", "Content-Type"),
    *("Content-Transfer-Encoding", "Content-ID", "Content-Description", "Content-Disposition"),
    "Auto-Submitted",
)

_RAW_8BIT = re.compile(rb"[\x80-\xff]")
_CONTROL = re.compile(rb"\x00|\r(?!\n)")
_LINE = re.compile(rb"[^\n]*\n?")
_MEDIA_TYPE = re.compile(r"[!-'*+.0-9A-Z^_`a-z{|}~-]+/[!-'*+.0-9A-Z^_`a-z{|}~-]+\s*(;.*)?", re.S)
_BOUNDARY = re.compile(r";\s*boundary(\*0?\*?)?\s*=", re.I)
_ENCODINGS = ("7bit", "8bit", "binary", "quoted-printable", "base64")


def check(message: Message, *, smtputf8: bool) -> tuple[BadHeader, ...]:
    """Return at most 100 complaints, those about single fields first, from the top.

    Raw 8-bit characters are no fault in SMTPUTF8 mail (RFC 6532).
    """
    return tuple(islice(_complaints(message, smtputf8), MOST_COMPLAINTS))


def _complaints(message: Message, smtputf8: bool) -> Iterator[BadHeader]:
    for field in message.fields:
        yield from _about_octets(field, smtputf8)
        yield from _about_mime(field)
    if message.stray_line:
        yield _complaint(SYNTAX, "Line is no header field", message.stray_line)
    if message.too_long:
        yield BadHeader(LONG_LINE, "Header section longer than 1 MiB")
    for name in REQUIRED:
        if not message.all(name):
            yield BadHeader(MISSING, f"Missing required header field: {name}")
    for name in ONCE:
        if len(message.all(name)) > 1:
            yield BadHeader(DUPLICATE, f"Duplicate header field: {name}")


def _about_octets(field: Field, smtputf8: bool) -> Iterator[BadHeader]:
    raw = field.raw
    found = None if smtputf8 else _RAW_8BIT.search(raw)
    if found:
        yield _complaint(RAW_8BIT, f"Raw 8-bit character {found[0].hex().upper()}", raw)
    found = _CONTROL.search(raw)
    if found:
        yield _complaint(CONTROL, "NUL" if found[0] == b"\0" else "Bare CR", raw)
    lines = _LINE.findall(raw)
    if any(line and not line.strip(b" \t\r\n") for line in lines):
        yield _complaint(BLANK_LINE, "Continuation line of blanks only", raw)
    if any(len(line.rstrip(b"\r\n")) > LONGEST_LINE for line in lines):
        yield _complaint(LONG_LINE, f"Line longer than {LONGEST_LINE} octets", raw)
    if raw.partition(b":")[0].endswith((b" ", b"\t")):
        yield _complaint(SYNTAX, "Blank before the colon", raw)


def _about_mime(field: Field) -> Iterator[BadHeader]:
    if field.key == "content-type":
        value = words.bare(field.text)  # comments may stand anywhere, RFC 2045 5.1
        if not _MEDIA_TYPE.fullmatch(value):
            yield _complaint(MIME, "Malformed media type", field.raw)
        elif value.lower().startswith("multipart/") and not _BOUNDARY.search(value):
            yield _complaint(MIME, "Multipart without boundary", field.raw)
    encoded = field.key == "content-transfer-encoding"
    if encoded and words.bare(field.text).lower() not in _ENCODINGS:
        yield _complaint(MIME, "Unknown transfer encoding", field.raw)


def _complaint(minor: int, what: str, raw: bytes) -> BadHeader:
    shown = raw[:80].decode("utf-8", "replace").strip()
    return BadHeader(minor, visible(f"{what}: {shown}").replace("\r", " ").replace("\n", " "))
