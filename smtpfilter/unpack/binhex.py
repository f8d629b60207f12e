"""Files in BinHex 4, wherever they stand in a text (RFC 1741; M9).  Linear in size."""

import re
from collections.abc import Iterator

from smtpfilter.unpack.base64_readings import ALPHABET, base64_octets
from smtpfilter.unpack.limits import Budget

_ENCODED = re.compile(
    rb"\(This file must be converted with BinHex[^\r\n]*+[\r\n\s]++:(?P<data>[^:]*+):?"
)
_ALPHABET = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
_TO_BASE64 = bytes.maketrans(_ALPHABET, ALPHABET)
_JUNK = bytes(octet for octet in range(256) if octet not in _ALPHABET)
_REPEATED = re.compile(rb"(?P<octet>.?)\x90(?P<times>.)", re.DOTALL)
_AFTER_NAME = 21  # octets: version, type, creator, flags, both lengths, checksum
_DATA_LENGTH = slice(11, 15)


def binhex_files(octets: bytes, budget: Budget) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and data fork of every file.  Raises Unlookable where it grows too large."""
    for match in _ENCODED.finditer(octets):
        packed = base64_octets(match["data"].translate(_TO_BASE64, _JUNK))
        budget.spend_bytes(sum(one["times"][0] for one in _REPEATED.finditer(packed)))
        content = _REPEATED.sub(_repeated, packed)
        name = content[1 : 1 + content[0]] if content else b""
        head = content[1 + len(name) :]
        length = int.from_bytes(head[_DATA_LENGTH], "big")
        yield name, head[_AFTER_NAME : _AFTER_NAME + length]


def _repeated(match: re.Match[bytes]) -> bytes:
    times = match["times"][0]
    return match["octet"] * times if times else match["octet"] + b"\x90"
