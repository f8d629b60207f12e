"""Which contents are encrypted for their reader, so that nobody else sees into them.

Archives and documents with a password are told where they are opened (archives.py, ole.py).
"""

import re
from collections.abc import Sequence

_SHOWN = 1 << 16  # octets in which an armor or an object identifier stands
_PGP = re.compile(rb"(?:^|[\r\n])-----BEGIN PGP MESSAGE-----[ \t]*[\r\n]")  # RFC 9580 6.2
_ENVELOPED = bytes.fromhex("06092a864886f70d010703")  # RFC 5652 6.1, after the outer SEQUENCE
_AUTH_ENVELOPED = bytes.fromhex("060b2a864886f70d0109100117")  # RFC 5083 2.1


def encrypted_with(content: bytes, types: Sequence[str]) -> str:
    """Return what `content` is encrypted with, "" where it is not."""
    start = content[:32]
    if start.startswith(b"\x30") and (_ENVELOPED in start or _AUTH_ENVELOPED in start):
        return "it is encrypted with S/MIME"
    if ".pgp.enc" in types or (content.isascii() and _PGP.search(content, 0, _SHOWN)):
        return "it is encrypted with PGP"
    return ""
