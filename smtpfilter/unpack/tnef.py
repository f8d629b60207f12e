"""What Outlook packs into winmail.dat (TNEF): its attachments and its body.

A user's attachments vanish in there, and so would an .exe.  Runs in a child process only.
"""

import logging
import struct
from collections.abc import Iterator

from tnefparse import TNEF
from tnefparse.tnef import TNEFAttachment

from smtpfilter.unpack.archives import Member
from smtpfilter.unpack.limits import Budget, Unlookable

_FIRST_ATTRIBUTE = 6  # octets: signature and key come before
_AROUND_ATTRIBUTE = 11  # octets: its level, name, type, length and checksum

logging.getLogger("tnefparse").setLevel(logging.CRITICAL)  # its warnings hold words of the mail


def tnef_members(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the attachments, then the bodies.  Raises Unlookable."""
    _count_attributes(content, budget)
    try:
        opened = TNEF(content, do_checksum=False)
        found = [(_name(one), _octets(one.data)) for one in opened.attachments]
        bodies = (("body.html", opened.htmlbody), ("body.txt", opened.body))
    except Exception as error:
        raise Unlookable("undecodable", "its TNEF is damaged") from error
    found += [(name.encode(), _octets(body)) for name, body in bodies if body]
    for name, octets in found:
        budget.spend_part()
        budget.spend_bytes(len(octets))
        yield Member((name,), octets)


def _count_attributes(content: bytes, budget: Budget) -> None:
    """Raise Unlookable where there are too many: the parser copies the rest for each of them."""
    position, count = _FIRST_ATTRIBUTE, 0
    while position + _AROUND_ATTRIBUTE <= len(content):
        position += struct.unpack_from("<I", content, position + 5)[0] + _AROUND_ATTRIBUTE
        count += 1
        if count > budget.limits.parts:
            raise Unlookable("limits", f"more than {budget.limits.parts} TNEF attributes")


def _name(attachment: TNEFAttachment) -> bytes:
    try:
        return _octets(attachment.long_filename())
    except UnicodeDecodeError as error:  # the parser takes every short name for UTF-8
        return error.object.rstrip(b"\0")


def _octets(value: str | bytes) -> bytes:
    return value.encode("utf-8", "replace") if isinstance(value, str) else bytes(value)
