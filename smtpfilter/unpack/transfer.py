"""Content-Transfer-Encoding undone (RFC 2045 6) as mail readers do it: forgiving, never raising.

Readers show what they can of a broken encoding, so a part counts as undecodable only where
nothing comes out of it or where the encoding is none that we know.
"""

import binascii
import re

_IDENTITY = frozenset(
    {"", "7bit", "8bit", "binary", "7-bit", "8-bit", "7bits", "8bits", "7", "8", "none", "x-none"}
)
_UUENCODE = frozenset({"uuencode", "x-uuencode", "uue", "x-uue", "x-uu"})
_TOKEN = re.compile(r"[^\s;,\"()]+")
_COMMENT = re.compile(r"\([^()]*\)")
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_JUNK = bytes(octet for octet in range(256) if octet not in _ALPHABET)
_UU_BEGIN = re.compile(rb"(?:^|[\r\n])begin [0-7]{3,4} [^\r\n]*(?>\r\n|\r|\n)")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_MOST_PADDINGS = 1000


def transfer_encoding(value: str) -> str:
    """Return the token in a field's value in lower case, "" where there is none."""
    match = _TOKEN.search(_COMMENT.sub(" ", value))
    return match[0].lower() if match else ""


def decode(encoding: str, octets: bytes) -> tuple[bytes, str | None]:
    """Return the content, and why it may not be what a reader sees (None: it is)."""
    if encoding in _IDENTITY:
        return octets, None
    if encoding == "base64":
        content = _base64(octets)
        return content, "its base64 holds nothing" if octets.strip() and not content else None
    if encoding == "quoted-printable":
        return binascii.a2b_qp(octets), None
    if encoding in _UUENCODE:
        content = uudecode(octets)
        return content, "its uuencode holds nothing" if octets.strip() and not content else None
    return octets, "its transfer encoding is not known"


def _base64(octets: bytes) -> bytes:
    """Return all that is base64 in `octets`: junk is skipped, what follows a padding is read on."""
    pieces = octets.translate(None, _JUNK).split(b"=", _MOST_PADDINGS)
    return b"".join(_base64_piece(piece) for piece in pieces)


def _base64_piece(piece: bytes) -> bytes:
    piece = piece.replace(b"=", b"")
    whole = len(piece) - (len(piece) % 4 == 1)  # a single character is less than an octet
    return binascii.a2b_base64(piece[:whole] + b"=" * (-whole % 4))


def uudecode(octets: bytes) -> bytes:
    """Return the file between "begin" and "end", b"" where there is none."""
    begin = _UU_BEGIN.search(octets)
    if not begin:
        return b""
    content = bytearray()
    for line in _LINE_END.split(octets[begin.end() :]):
        if line.strip() in (b"end", b"`"):
            break
        content += _uu_line(line)
    return bytes(content)


def _uu_line(line: bytes) -> bytes:
    if not line:
        return b""
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:  # trailing garbage: keep as much as the first character promises
        characters = ((line[0] - 32 & 63) * 4 + 5) // 3
        try:
            return binascii.a2b_uu(line[:characters])
        except binascii.Error:
            return b""
