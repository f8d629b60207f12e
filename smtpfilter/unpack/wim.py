"""Windows disk images (WIM), as far as their files are not compressed.

A file's name is found by its hash in the image's metadata.  Runs in a child process only.

Source: Microsoft's "Windows Imaging File Format (WIM)" white paper.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from smtpfilter.unpack.archives import Member, Problem
from smtpfilter.unpack.limits import Budget, Unlookable

_TABLE_AT = 48  # octets: the resource header of the table of all resources
_ENTRY = 50  # octets of the table
_METADATA, _COMPRESSED = 0x02, 0x04
_HASH_IN_ENTRY = 64  # octets: where in the entry of a folder
_NAME_LENGTH_IN_ENTRY, _NAME_IN_ENTRY = 100, 102
_MOST_IMAGES, _MOST_METADATA = 8, 4 << 20  # looked at for names; octets of each
_COMPRESSED_FILE: Problem = ("undecodable", "it is compressed as only Windows does")


@dataclass(frozen=True, slots=True)
class _Resource:
    flags: int
    octets: bytes
    hash: bytes


def wim_members(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the files.  Raises Unlookable where the image cannot be read."""
    resources = list(_resources(content, budget))
    images = [resource for resource in resources if resource.flags & _METADATA]
    for resource in resources:
        if resource.flags & _METADATA:
            continue
        names = tuple(dict.fromkeys(_names(resource.hash, images)))
        if resource.flags & _COMPRESSED:
            yield Member(names, None, _COMPRESSED_FILE)
        else:
            yield Member(names, resource.octets)
    if any(image.flags & _COMPRESSED for image in images):
        raise Unlookable("undecodable", "the names in it are compressed as only Windows does")


def _resources(content: bytes, budget: Budget) -> Iterator[_Resource]:
    start, end = _span(content, _TABLE_AT)
    for entry in range(start, end - _ENTRY + 1, _ENTRY):
        budget.spend_part()
        first, last = _span(content, entry)
        budget.spend_bytes(max(0, last - first))
        yield _Resource(content[entry + 7], content[first:last], content[entry + 30 : entry + 50])


def _span(content: bytes, at: int) -> tuple[int, int]:
    """Return start and end of what the resource header at `at` tells of: size, flags, offset."""
    if len(content) < at + 16:
        raise Unlookable("undecodable", "it is cut off")
    size, offset = struct.unpack_from("<QQ", content, at)
    return offset, min(offset + (size & (1 << 56) - 1), len(content))


def _names(hash_value: bytes, images: list[_Resource]) -> Iterator[bytes]:
    for image in images[:_MOST_IMAGES]:
        at = image.octets.find(hash_value, 0, _MOST_METADATA) - _HASH_IN_ENTRY
        if at < 0:
            continue
        length = image.octets[at + _NAME_LENGTH_IN_ENTRY : at + _NAME_IN_ENTRY]
        name = image.octets[at + _NAME_IN_ENTRY :][: int.from_bytes(length, "little")]
        yield name.decode("utf-16-le", "replace").encode("utf-8", "replace")
