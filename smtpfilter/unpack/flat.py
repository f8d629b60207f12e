"""Files that stand as base64 in the XML of an office document, and Word's ActiveMime files.

Found by their elements' names without parsing any XML: no entity is ever expanded (Z9).

Sources: Flat OPC (pkg:binaryData), Word 2003 XML (w:binData), OpenDocument 1.3 part 3, 3.18
(office:binary-data); ActiveMime is undocumented: zlib data from octet 50 on.
"""

import binascii
import re
import zlib
from collections.abc import Iterator

from smtpfilter.unpack.archives import DAMAGED, Member
from smtpfilter.unpack.limits import Budget, Unlookable

_STEP = 1 << 16  # octets between two looks at the budget
_FIRST_ZLIB = 50  # octets before it in an ActiveMime file
_DATA = re.compile(
    rb"""<(?:\w+:)?(?:binaryData|binData|binary-data)\b(?P<attributes>[^<>]{0,2000})>"""
    rb"""(?P<base64>[A-Za-z0-9+/=\s]+)</"""
)
_PART = re.compile(rb"""<(?:\w+:)?part\b[^<>]{0,2000}?\bname\s*=\s*["']([^"']{1,1000})""")
_NAME = re.compile(rb"""\bname\s*=\s*["']([^"']{1,1000})""")


def flat_members(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the decoded files.  Raises Unlookable."""
    before = 0
    for found in _DATA.finditer(content):
        budget.spend_part()
        own = _NAME.search(found["attributes"])
        parts = _PART.findall(content, before, found.start())
        before = found.end()
        names = tuple([own[1]] if own else parts[-1:])
        try:
            decoded = binascii.a2b_base64(found["base64"])
        except binascii.Error:
            yield Member(names, None, DAMAGED)
            continue
        budget.spend_bytes(len(decoded))
        yield Member(names, decoded)


def active_mime_members(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the OLE file in an ActiveMime file.  Raises Unlookable."""
    budget.spend_part()
    unpacked = bytearray()
    inflater = zlib.decompressobj()
    rest = content[_FIRST_ZLIB:]
    try:
        while rest and not inflater.eof:
            piece = inflater.decompress(rest, _STEP)
            budget.spend_bytes(len(piece))
            unpacked += piece
            rest = inflater.unconsumed_tail
    except zlib.error as error:
        raise Unlookable("undecodable", "it is damaged") from error
    yield Member((), bytes(unpacked))
