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
_ENTRY_ALIGNED = 8  # octets: where the entries of folders may begin
_HASH_IN_ENTRY, _HASH = 64, 20  # octets: where in the entry of a folder, and how long
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
    known = _names(images, {resource.hash for resource in resources})
    for resource in resources:
        if resource.flags & _METADATA:
            continue
        names = tuple(known.get(resource.hash, ()))
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


def _names(images: list[_Resource], hashes: set[bytes]) -> dict[bytes, dict[bytes, None]]:
    """Return for each of `hashes` the names of its file, in order, in one pass."""
    found: dict[bytes, dict[bytes, None]] = {}
    for image in images[:_MOST_IMAGES]:
        metadata = image.octets[:_MOST_METADATA]
        for at in range(0, len(metadata) - _NAME_IN_ENTRY, _ENTRY_ALIGNED):
            hash_value = metadata[at + _HASH_IN_ENTRY : at + _HASH_IN_ENTRY + _HASH]
            if hash_value in hashes:
                found.setdefault(hash_value, {})[_name(metadata, at)] = None
    return found


def _name(metadata: bytes, at: int) -> bytes:
    """Return the name in the entry of a folder that begins at `at`."""
    start = at + _NAME_IN_ENTRY
    length = int.from_bytes(metadata[at + _NAME_LENGTH_IN_ENTRY : start], "little")
    name = metadata[start : start + length]
    return name.decode("utf-16-le", "replace").encode("utf-8", "replace")
