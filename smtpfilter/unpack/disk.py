"""Disk images with a FAT file system: floppy and disk images, fixed and dynamic VHD.

Windows opens such a file with a double click, and what is in it has lost the mark of the internet.
Runs in a child process only.

Sources: Microsoft's FAT32 File System Specification 1.03 and VHD Image Format Specification 1.0.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from smtpfilter.unpack.archives import DAMAGED, Member
from smtpfilter.unpack.limits import Budget, Unlookable

SECTOR = 512
VHD_COOKIE = b"conectix"
_DYNAMIC = 3  # disk type in the footer of a VHD
_UNUSED_BLOCK = 0xFFFF_FFFF
_ENTRY = 32  # octets of a folder's entry
_DELETED, _END = 0xE5, 0x00
_LONG_NAME, _LABEL, _FOLDER = 0x0F, 0x08, 0x10
_LARGEST_FOLDER = 2 << 20  # octets
_MOST_DEEP = 32  # folders within each other

Read = Callable[[int, int], bytes]  # offset and length in octets


@dataclass(frozen=True, slots=True)
class _Volume:
    """A FAT file system: where its parts are, in octets."""

    read: Read
    bits: int
    fat: bytes
    cluster_bytes: int
    root: bytes
    root_cluster: int
    data: int

    def following(self, cluster: int) -> int:
        """Return the next cluster of a chain, 0 behind its last."""
        if self.bits == 12:
            at = cluster * 3 // 2
            pair = int.from_bytes(self.fat[at : at + 2], "little")
            found = pair >> 4 if cluster & 1 else pair & 0xFFF
        else:
            size = self.bits // 8
            found = int.from_bytes(self.fat[cluster * size : (cluster + 1) * size], "little")
        last = {12: 0xFF7, 16: 0xFFF7, 32: 0x0FFF_FFF7}[self.bits]
        found &= 0x0FFF_FFFF
        return found if 2 <= found < last else 0


def disk_members(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the files.  Raises Unlookable, also where there is no file system that is known."""
    read = _reader(content)
    volumes = list(_volumes(read))
    for volume in volumes:
        root = volume.root or _chain(volume, volume.root_cluster, _LARGEST_FOLDER, budget)
        yield from _folder(volume, root, b"", budget, {volume.root_cluster})
    if not volumes:
        raise Unlookable("undecodable", "it holds no file system that can be read here")


def _reader(content: bytes) -> Read:
    """Return what reads the disk: the file itself, or the blocks of a dynamic VHD."""
    footer = content[-SECTOR:]
    if not footer.startswith(VHD_COOKIE) or int.from_bytes(footer[60:64], "big") != _DYNAMIC:
        return lambda offset, length: content[offset : offset + length]
    header = int.from_bytes(footer[16:24], "big")
    table = int.from_bytes(content[header + 16 : header + 24], "big")
    block = int.from_bytes(content[header + 32 : header + 36], "big")
    bitmap = -(-block // SECTOR // 8 // SECTOR) * SECTOR

    def read(offset: int, length: int) -> bytes:
        pieces = []
        while length > 0 and block >= SECTOR:
            number, inside = divmod(offset, block)
            take = min(length, block - inside)
            entry = content[table + 4 * number : table + 4 * number + 4]
            at = int.from_bytes(entry, "big")
            if len(entry) < 4:
                break
            start = at * SECTOR + bitmap + inside
            pieces.append(bytes(take) if at == _UNUSED_BLOCK else content[start : start + take])
            offset, length = offset + take, length - take
        return b"".join(pieces)

    return read


def _volumes(read: Read) -> Iterator[_Volume]:
    """Yield the file systems: one that is the disk, or those in its partitions."""
    starts = [0]
    table = read(446, 64)
    if len(table) == 64:
        starts += [struct.unpack_from("<I", table, at + 8)[0] * SECTOR for at in range(0, 64, 16)]
    for start in dict.fromkeys(starts):
        volume = _volume(lambda offset, length, start=start: read(start + offset, length))  # type: ignore[misc]
        if volume:
            yield volume
            if not start:
                return


def _volume(read: Read) -> _Volume | None:
    """Return the file system at the start, None where the numbers in its first sector are odd."""
    boot = read(0, SECTOR)
    if len(boot) < SECTOR:
        return None
    sector, per_cluster, reserved, fats, entries, small = struct.unpack_from("<HBHBHH", boot, 11)
    fat_sectors = struct.unpack_from("<H", boot, 22)[0] or struct.unpack_from("<I", boot, 36)[0]
    sectors = small or struct.unpack_from("<I", boot, 32)[0]
    plausible = sector in (512, 1024, 2048, 4096) and fats in (1, 2) and reserved
    if not plausible or per_cluster & (per_cluster - 1) or not per_cluster or not fat_sectors:
        return None
    root = (reserved + fats * fat_sectors) * sector
    data = root + -(-entries * _ENTRY // sector) * sector
    clusters = (sectors - data // sector) // per_cluster
    bits = 12 if clusters < 4085 else 16 if clusters < 65525 else 32
    return _Volume(
        read=read,
        bits=bits,
        fat=read(reserved * sector, min(fat_sectors * sector, (clusters + 2) * bits // 8 + 2)),
        cluster_bytes=per_cluster * sector,
        root=read(root, entries * _ENTRY),
        root_cluster=0 if entries else struct.unpack_from("<I", boot, 44)[0],
        data=data,
    )


def _chain(volume: _Volume, cluster: int, size: int, budget: Budget) -> bytes:
    """Return the first `size` octets of a chain of clusters."""
    pieces: list[bytes] = []
    seen: set[int] = set()
    left = size
    while left > 0 and cluster >= 2 and cluster not in seen:
        seen.add(cluster)
        offset = volume.data + (cluster - 2) * volume.cluster_bytes
        piece = volume.read(offset, min(left, volume.cluster_bytes))
        if not piece:
            break
        budget.spend_bytes(len(piece))
        pieces.append(piece)
        left -= len(piece)
        cluster = volume.following(cluster)
    return b"".join(pieces)


def _folder(
    volume: _Volume, entries: bytes, path: bytes, budget: Budget, above: set[int]
) -> Iterator[Member]:
    long_name = b""
    for at in range(0, len(entries) - _ENTRY + 1, _ENTRY):
        entry = entries[at : at + _ENTRY]
        if entry[0] == _END:
            return
        attributes = entry[11]
        if entry[0] != _DELETED and attributes & _LONG_NAME == _LONG_NAME:
            long_name = entry[1:11] + entry[14:26] + entry[28:32] + long_name
            continue
        names = _names(entry, long_name)
        long_name = b""
        if entry[0] in (_DELETED, ord(".")) or attributes & _LABEL:
            continue
        budget.spend_part()
        paths = tuple(path + name for name in names)
        high, low, size = struct.unpack("<H4xHI", entry[20:32])
        cluster = high << 16 | low if volume.bits == 32 else low
        if not attributes & _FOLDER:
            content = _chain(volume, cluster, size, budget)
            yield Member(paths, content, DAMAGED if len(content) < size else None)
        elif cluster not in above and len(above) < _MOST_DEEP:
            inner = _chain(volume, cluster, _LARGEST_FOLDER, budget)
            yield from _folder(volume, inner, paths[0] + b"/", budget, above | {cluster})


def _names(entry: bytes, long_name: bytes) -> tuple[bytes, ...]:
    """Return the long name, if there is one, and the short one."""
    stem, extension = entry[:8].rstrip(b" "), entry[8:11].rstrip(b" ")
    short = stem + b"." + extension if extension else stem
    whole = long_name.decode("utf-16-le", "replace").partition("\0")[0].rstrip("\uffff")
    return (whole.encode("utf-8", "replace"), short) if whole else (short,)
