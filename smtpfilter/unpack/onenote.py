"""Files embedded in OneNote notebooks: favourites of those who send malware since 2023.

Source: [MS-ONESTORE] 2.6.13: each stands behind a GUID, its length and twelve octets.
"""

import re
from collections.abc import Iterator

from smtpfilter.unpack.archives import DAMAGED, Member
from smtpfilter.unpack.limits import Budget

_EMBEDDED = re.compile(re.escape(bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")))
_HEADER = 36  # octets: GUID, length, and what is not used


def onenote_members(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the embedded files, which have no names there.  Raises Unlookable."""
    for found in _EMBEDDED.finditer(content):
        budget.spend_part()
        start = found.start() + _HEADER
        length = int.from_bytes(content[start - 20 : start - 12], "little")
        embedded = content[start : start + min(length, len(content))]
        budget.spend_bytes(len(embedded))
        yield Member((), embedded, DAMAGED if len(embedded) < length else None)
