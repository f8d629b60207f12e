"""Contents in PEM or in PGP's armor, where they may carry a message without encryption.

Source: RFC 7468 2, 8 and 9; RFC 9580 6.2.
"""

import re
from collections.abc import Iterator

from smtpfilter.unpack.base64_readings import base64_octets

_ARMOR = re.compile(
    rb"-----BEGIN (?:CMS|PKCS7|PKCS #7 SIGNED DATA"
    rb"|PGP (?:MESSAGE(?:, PART [0-9/]{1,9})?|ARMORED FILE))-----\s*+"
    rb"(?:[A-Za-z]{1,40}: [^\r\n]*+\s*+)*+(?P<data>[A-Za-z0-9+/\s]*+)"
)


def armored(text: bytes) -> Iterator[bytes]:
    """Yield what stands in each armor, decoded."""
    if b"-----BEGIN " in text:
        for found in _ARMOR.finditer(text):
            yield base64_octets(b"".join(found["data"].split()))
