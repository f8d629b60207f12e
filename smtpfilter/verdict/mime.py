"""Small pieces of MIME for mail that we write: header fields, parts, transfer encodings.

Lines end in CRLF.  What stands in a field or a part is hostile: nothing here lets it begin a field
or a line of its own.
"""

import quopri
import re
from email.header import Header
from email.utils import formataddr, parseaddr

from smtpfilter.mail.edits import fold, header_value
from smtpfilter.mail.findings import visible

_LONGEST_PLAIN_LINE = 990  # octets
_LONGEST_WORD = 75  # characters of an encoded word (RFC 2047 2)
_LINE_END = re.compile(rb"\r?\n|\r")


def lines_of(octets: bytes) -> bytes:
    """Return `octets` with every line end, a bare CR or LF too, as CRLF."""
    return _LINE_END.sub(b"\r\n", octets)


def stays_plain(octets: bytes) -> bool:
    """Tell whether no line is too long for SMTP."""
    return max(map(len, octets.split(b"\r\n"))) <= _LONGEST_PLAIN_LINE


def quoted_printable(octets: bytes) -> bytes:
    """Return lines that end in CRLF as quoted-printable (RFC 2045 6.7)."""
    lines = octets.split(b"\r\n")
    return b"\r\n".join(quopri.encodestring(line).replace(b"\n", b"\r\n") for line in lines)


def part(boundary: str, media_type: str, encoding: str, content: bytes) -> bytes:
    """Return one part of a multipart, with the delimiter line before it."""
    head = (
        f"\r\n--{boundary}\r\nContent-Type: {media_type}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + content


def text_octets(text: str) -> tuple[bytes, str]:
    """Return a text as the octets of a body, and their transfer encoding."""
    octets = lines_of(text.encode("utf-8", "replace"))
    if octets.isascii() and stays_plain(octets):
        return octets, "7bit"
    return quoted_printable(octets), "quoted-printable"


def unstructured(name: str, text: str) -> bytes:
    """Return a field of free text, in encoded words where it is not ASCII (RFC 2047)."""
    text = " ".join(visible(text).split())
    if text.isascii():
        return fold(name, header_value(text))
    words = Header(text, "utf-8", _LONGEST_WORD, name).encode(linesep="\r\n")
    return f"{name}: {words}\r\n".encode("ascii", "replace")


def author(written: str, hostname: str) -> str:
    """Return the value of From: what the site wrote, else postmaster at our own name (N-3)."""
    name, address = parseaddr(written)
    local, _, domain = address.rpartition("@")
    if not (local and domain and address.isascii() and address.isprintable()):
        return f'"Mail filter at {hostname}" <postmaster@{hostname}>'
    return header_value(formataddr((name, address)))
