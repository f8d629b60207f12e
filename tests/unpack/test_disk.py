"""Disk images with a FAT file system, which Windows opens with a double click."""

import struct
from collections.abc import Callable

import pytest

from smtpfilter.policy.site import Limits
from smtpfilter.unpack.contents import Contents
from tests.unpack.packing import PE

Looking = Callable[..., Contents]
SMALL = Limits(parts=20, free_bytes=100_000, content_bytes=100_000)
SECTOR = 512


def entry(name: bytes, cluster: int, size: int, attributes: int = 0x20) -> bytes:
    low, high = cluster & 0xFFFF, cluster >> 16
    return name + bytes([attributes]) + bytes(8) + struct.pack("<HIHI", high, 0, low, size)


def long_entry(name: str) -> bytes:
    coded = (name + "\0").encode("utf-16-le").ljust(26, b"\xff")
    return b"\x41" + coded[:10] + b"\x0f\0\0" + coded[10:22] + b"\0\0" + coded[22:26]


def fat(
    root: bytes, clusters: list[bytes], bits: int = 12, links: dict[int, int] | None = None
) -> bytes:
    """Return a file system with a sector per cluster; `links` are the chains, else each ends."""
    ends = {12: 0xFFF, 16: 0xFFFF, 32: 0x0FFF_FFFF}
    count = {12: 100, 16: 5000, 32: 66_000}[bits]
    numbers = [0, 0] + [(links or {}).get(n + 2, ends[bits]) for n in range(len(clusters))]
    if bits == 12:
        packed = sum(number << 12 * at for at, number in enumerate(numbers))
        table = packed.to_bytes(len(numbers) * 2, "little")
    else:
        table = b"".join(number.to_bytes(bits // 8, "little") for number in numbers)
    fat_sectors = -(-count * bits // 8 // SECTOR) + 1
    if bits == 32:
        clusters = [root.ljust(SECTOR, b"\0"), *clusters]
        table = table[:8] + ends[32].to_bytes(4, "little") + table[8:]
    boot = b"\xeb\x3c\x90MSDOS5.0" + struct.pack(
        "<HBHBHHBH",
        SECTOR,
        1,
        1,
        1,
        0 if bits == 32 else 16,
        0,
        0xF8,
        0 if bits == 32 else fat_sectors,
    )
    boot += struct.pack("<HHII", 1, 1, 0, count + 30 + fat_sectors)
    boot += struct.pack("<IHHI", fat_sectors, 0, 0, 2)
    sectors = [boot.ljust(510, b"\0") + b"\x55\xaa", table.ljust(fat_sectors * SECTOR, b"\0")]
    sectors += [] if bits == 32 else [root.ljust(SECTOR, b"\0")]
    return b"".join([*sectors, *(cluster.ljust(SECTOR, b"\0") for cluster in clusters)])


PROGRAM = long_entry("größe.exe") + entry(b"GRE~1   EXE", 2, len(PE))


@pytest.mark.parametrize("bits", [12, 16])
def test_the_files_of_an_image_are_found(look: Looking, bits: int) -> None:
    """Z7, M9: .img, .vhd."""
    opened = look(fat(PROGRAM, [PE], bits), "a.img")
    assert [part.nodes for part in opened.parts] == [
        ((".img", "a.img"), (".exe", ".exe-ms", "größe.exe", "GRE~1.EXE"))
    ]
    assert opened.unchecked == []


def test_fat32_keeps_its_root_in_clusters(look: Looking) -> None:
    program = entry(b"X       EXE", 3, len(PE))
    (part,) = look(fat(program, [PE], 32)).parts
    assert part.nodes[-1] == (".exe", ".exe-ms", "X.EXE")


def test_folders_and_chains_are_followed(look: Looking) -> None:
    root = entry(b"SUB        ", 2, 0, 0x10)
    sub = entry(b".          ", 2, 0, 0x10) + entry(b"X       EXE", 4, 700)
    opened = look(fat(root, [sub, b"", PE.ljust(512, b"\0"), b"", b"x" * 188], links={4: 6}))
    assert opened.parts[0].name == "SUB/X.EXE"
    assert opened.parts[0].size_bytes == 700


def test_chains_and_folders_without_end_end(look: Looking) -> None:
    """X-1: a file system may lead in circles."""
    root = entry(b"SUB        ", 2, 0, 0x10) + entry(b"X       EXE", 3, 1 << 31)
    sub = entry(b"AGAIN      ", 2, 0, 0x10)
    opened = look(fat(root, [sub, PE], links={3: 3}), limits=SMALL)
    assert {remark.kind for remark in opened.unchecked} == {"undecodable"}
    assert ".exe-ms" in opened.parts[0].short_types


def fixed(disk: bytes) -> bytes:
    return disk + (b"conectix".ljust(60, b"\0") + struct.pack(">I", 2)).ljust(SECTOR, b"\0")


def dynamic(disk: bytes, block: int = 4096) -> bytes:
    """Return a dynamic VHD whose blocks stand in reverse order."""
    pieces = [disk[at : at + block].ljust(block, b"\0") for at in range(0, len(disk), block)]
    first = 3 + -(-len(pieces) * 4 // SECTOR)
    stride = (SECTOR + block) // SECTOR
    places = [first + stride * (len(pieces) - 1 - at) for at in range(len(pieces))]
    footer = b"conectix" + bytes(8) + struct.pack(">Q", SECTOR)
    footer = (footer.ljust(60, b"\0") + struct.pack(">I", 3)).ljust(SECTOR, b"\0")
    header = b"cxsparse" + struct.pack(">QQIII", 0, SECTOR * 3, 0, len(pieces), block)
    table = b"".join(struct.pack(">I", place) for place in places)
    table = table.ljust((first - 3) * SECTOR, b"\xff")
    blocks = b"".join(bytes(SECTOR) + piece for piece in reversed(pieces))
    return footer + header.ljust(SECTOR * 2, b"\0") + table + blocks + footer


def partitioned(disk: bytes) -> bytes:
    table = struct.pack("<8xII", 1, len(disk) // SECTOR)
    return (bytes(446) + table).ljust(510, b"\0") + b"\x55\xaa" + disk


@pytest.mark.parametrize(
    "wrap", [fixed, dynamic, partitioned, lambda disk: fixed(partitioned(disk))]
)
def test_virtual_and_partitioned_disks_are_opened(
    look: Looking, wrap: Callable[[bytes], bytes]
) -> None:
    """Z7: VHD."""
    opened = look(wrap(fat(PROGRAM, [PE])), "a.vhd")
    assert opened.parts[-1].nodes[-1][:3] == (".exe", ".exe-ms", "größe.exe")


def test_a_disk_that_nobody_knows_is_told(look: Looking) -> None:
    """X-3."""
    opened = look(fixed(bytes(1024)), "a.vhd")
    assert opened.parts[0].short_types == (".vhd",)
    assert {remark.kind for remark in opened.unchecked} == {"undecodable"}
