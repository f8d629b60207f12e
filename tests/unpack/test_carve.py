"""What hangs behind something else is found: self-extractors, pictures with a tail, polyglots."""

import bz2
import gzip
import struct
from collections.abc import Callable

import pytest

from smtpfilter.policy.site import Limits
from smtpfilter.unpack.contents import Contents
from tests.unpack.packing import PE, ole, written, zipped

Looking = Callable[..., Contents]

ELF = b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\0\x03\0" + bytes(100)
PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(40)
CABINET = b"MSCF\0\0\0\0" + struct.pack("<I12x", 100) + b"\x03\x01" + bytes(74)


@pytest.mark.parametrize(
    "host", [PE, ELF, b"#!/bin/sh\nexit\n", PICTURE, b"%PDF-1.4\n", bytes(3000)]
)
@pytest.mark.parametrize(
    "tail", [zipped(("x.exe", PE)), written("7zip", ("x.exe", PE))], ids=["zip", "7z"]
)
def test_an_archive_behind_anything_is_opened(look: Looking, host: bytes, tail: bytes) -> None:
    """M12: self-extractors, polyglots, a zip with junk before it."""
    opened = look(host + tail, "a.bin")
    assert opened.parts[0].path == "1"
    assert any("x.exe" in part.nodes[-1] for part in opened.parts[1:])


@pytest.mark.parametrize("host", [PICTURE, b"words " * 500, bytes(1100)])
@pytest.mark.parametrize("tail", [PE, ELF, ole(("WordDocument", b"x"))], ids=["pe", "elf", "ole"])
def test_a_program_behind_a_picture_or_padding_is_found(
    look: Looking, host: bytes, tail: bytes
) -> None:
    """M12: MZ after 1 KB."""
    opened = look(host + tail, "a.png")
    assert opened.parts[1].path == "1.1"
    assert not {".exe", ".cdf-ms"}.isdisjoint(opened.parts[1].short_types)


@pytest.mark.parametrize(
    "tail",
    [
        b"MZ" + bytes(200),
        b"7z\xbc\xaf'\x1c" + bytes(60),
        b"Rar!\x1a\x07\0" + bytes(60),
        b"MSCF" * 20,
    ],
)
def test_what_only_begins_alike_is_nothing(look: Looking, tail: bytes) -> None:
    opened = look(PICTURE + tail, "a.png")
    assert len(opened.parts) == 1
    assert opened.unchecked == []


@pytest.mark.parametrize(
    "packed", [gzip.compress(b"x" * 99), bz2.compress(b"x" * 99), written("7zip", ("a.txt", b"x"))]
)
def test_a_zip_file_behind_packed_data_is_opened(look: Looking, packed: bytes) -> None:
    """M12: programs that look for its end open it; so does whoever goes by its name."""
    opened = look(packed + zipped(("x.exe", PE)), "a.dat")
    assert any(part.name == "x.exe" for part in opened.parts)
    assert opened.unchecked == []


def test_a_packed_zip_file_is_itself_alone(look: Looking) -> None:
    """Packed without compression it looks like one that hangs behind."""
    opened = look(gzip.compress(zipped(("x.exe", PE)), 0), "a.zip.gz")
    assert {part.name for part in opened.parts} == {"x.exe"}
    assert opened.unchecked == []


def test_many_beginnings_before_a_program_do_not_hide_it(look: Looking) -> None:
    parts = look(b"GIF89a" + b"MZ" * 30_000 + PE).parts
    assert any(".exe-ms" in part.short_types for part in parts)


def test_a_cabinet_behind_a_program_is_tried(look: Looking) -> None:
    """X-3: that one is damaged."""
    opened = look(PE + CABINET, "setup.exe")
    assert {remark.kind for remark in opened.unchecked} == {"undecodable"}
    assert opened.parts[1].short_types == (".cab",)


def test_a_program_full_of_programs_ends(look: Looking) -> None:
    """X-1."""
    limits = Limits(parts=50, free_bytes=100_000, content_bytes=100_000)
    opened = look(PICTURE + PE * 500, limits=limits)
    assert opened.parts
    assert sum(part.size_bytes for part in opened.parts) < 2_000_000
