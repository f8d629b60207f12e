"""Containers made at test time: by the standard library, and by libarchive where it has none."""

import ctypes
import io
import struct
import zipfile
from collections.abc import Iterable

import libarchive

PE = b"MZ" + b"\0" * 58 + b"\x40\0\0\0PE\0\0\x4c\x01" + b"\0" * 200

Members = Iterable[tuple[str, bytes]]


def zipped(*members: tuple[str, bytes], stored: bool = False) -> bytes:
    """Return a zip file of (name, content)."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", 0 if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, archive.compression)
    return packed.getvalue()


def written(form: str, *members: tuple[str, bytes], packed_by: str | None = None) -> bytes:
    """Return an archive of a format, packed by a filter, in libarchive's words."""
    pieces: list[bytes] = []

    def keep(piece: bytes) -> int:
        pieces.append(bytes(piece))
        return len(piece)

    with libarchive.custom_writer(keep, form, packed_by) as archive:
        for name, content in members:
            archive.add_file_from_memory(name, len(content), content)
    return b"".join(pieces)


def packed_only(content: bytes, by: str) -> bytes:
    """Return `content` packed by a filter, without any archive."""
    ffi = libarchive.ffi
    set_raw = ffi.libarchive.archive_write_set_format_raw
    set_raw.argtypes = [ctypes.c_void_p]
    buffer = ctypes.create_string_buffer(len(content) + 100_000)
    used = ctypes.c_size_t()
    archive = ffi.write_new()
    set_raw(archive)
    ffi.get_write_filter_function(by)(archive)
    ffi.write_set_bytes_in_last_block(archive, 1)
    ffi.write_open_memory(archive, buffer, len(buffer), ctypes.byref(used))
    with libarchive.entry.new_archive_entry() as entry:
        ffi.entry_set_filetype(entry, 0o100000)
        ffi.write_header(archive, entry)
        ffi.write_data(archive, content, len(content))
    ffi.write_close(archive)
    ffi.write_free(archive)
    return buffer.raw[: used.value]


def tnef(*members: tuple[str, bytes]) -> bytes:
    """Return a winmail.dat with attachments ([MS-OXTNEF] 2.1.3)."""

    def attribute(level: int, name: int, kind: int, content: bytes) -> bytes:
        head = struct.pack("<BHHI", level, name, kind, len(content))
        return head + content + struct.pack("<H", sum(content) & 0xFFFF)

    octets = struct.pack("<IH", 0x223E9F78, 1)
    octets += attribute(1, 0x9006, 8, struct.pack("<I", 0x10000))
    octets += attribute(1, 0x9007, 6, struct.pack("<II", 1252, 0))
    for name, content in members:
        octets += attribute(2, 0x9002, 6, b"\x01\0" + b"\xff" * 4 + b"\0" * 8)
        octets += attribute(2, 0x8010, 7, name.encode("cp1252") + b"\0")
        octets += attribute(2, 0x800F, 6, content)
    return octets


def ole(*streams: tuple[str, bytes]) -> bytes:
    """Return an OLE file of at most 60 KB with streams in its root ([MS-CFB] 2).

    Each is filled up with zeros to the size from which on it stands in sectors of its own.
    """
    free, end, fat_sector = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD

    def entry(name: str, kind: int, links: tuple[int, int, int], start: int, size: int) -> bytes:
        octets = name.encode("utf-16-le")
        head = struct.pack("<64sHBB3I", octets, len(octets) + 2, kind, 1, *links)
        return head + bytes(36) + struct.pack("<IQ", start, size)

    entries = [entry("Root Entry", 5, (free, free, 1 if streams else free), end, 0)]
    directory = (len(streams) + 1 + 3) // 4  # sectors of four entries
    fat = [fat_sector, *range(2, directory + 1), end]
    body = b""
    for number, (name, given) in enumerate(streams, start=1):
        content = given.ljust(4096, b"\0")
        following = number + 1 if number < len(streams) else free
        sectors = -(-len(content) // 512)
        entries.append(entry(name, 2, (free, following, free), len(fat), len(content)))
        fat += [*range(len(fat) + 1, len(fat) + sectors), end]
        body += content.ljust(sectors * 512, b"\0")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<5H6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 0, 1, 1, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109I", 0, *[free] * 108)
    fat += [free] * (128 - len(fat))
    return (
        header + struct.pack("<128I", *fat) + b"".join(entries).ljust(512 * directory, b"\0") + body
    )


def packaged(name: str, content: bytes) -> bytes:
    """Return the stream of a file embedded by Windows' Packager."""
    head = b"\x02\0" + name.encode() + b"\0" + b"C:\\" + name.encode() + b"\0" + bytes(8)
    rest = head + b"C:\\t\0" + struct.pack("<I", len(content)) + content
    return struct.pack("<I", len(rest)) + rest
