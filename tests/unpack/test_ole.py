"""Office documents of old, Outlook messages and installers are looked into."""

import struct
from collections.abc import Callable

import pytest

from smtpfilter.mail.findings import Unchecked
from smtpfilter.policy.site import Limits
from smtpfilter.unpack.contents import UNDECIPHERABLE, Contents
from tests.unpack.packing import PE, ole, packaged, zipped

Looking = Callable[..., Contents]


def test_a_document_stays_a_part(look: Looking) -> None:
    opened = look(ole(("WordDocument", bytes(40))), "a.doc")
    assert [part.path for part in opened.parts] == ["1"]
    assert opened.parts[0].nodes == ((".cdf-ms", ".doc", "a.doc"),)
    assert opened.unchecked == []


def test_a_packaged_file_has_its_names(look: Looking) -> None:
    """BB-12b: amavisd-new opens no .doc (B-11)."""
    opened = look(ole(("WordDocument", b"x" * 30), ("\x01Ole10Native", packaged("x.exe", PE))))
    assert [part.path for part in opened.parts] == ["1", "1.1"]
    assert ".ole-package" in opened.parts[0].short_types
    assert opened.parts[1].nodes[1] == (".exe", ".exe-ms", "x.exe", "C:\\x.exe", "C:\\t")
    assert opened.parts[1].size_bytes == len(PE)


@pytest.mark.parametrize("stream", [b"", b"short", b"\xff" * 5000])
def test_a_package_built_otherwise_is_shown_whole(look: Looking, stream: bytes) -> None:
    opened = look(ole(("\x01Ole10Native", stream)))
    assert [part.name for part in opened.parts] == ["a.dat", "Ole10Native"]


def test_attachments_of_an_outlook_message_have_their_names(look: Looking) -> None:
    message = ole(
        ("__substg1.0_37010102", b"WScript.Echo(1)"),
        ("__substg1.0_3707001F", "größe.js".encode("utf-16-le")),
        ("__substg1.0_3704001E", b"GRE~1.JS"),
    )
    part = look(message, "a.msg").parts[1]
    assert part.nodes[1][-2:] == ("größe.js", "GRE~1.JS")


@pytest.mark.parametrize("content", [PE, zipped(("x.exe", b"words"))], ids=["pe", "zip"])
def test_a_program_in_any_stream_is_found(look: Looking, content: bytes) -> None:
    """BB-12b: an installer (MSI) keeps its files so."""
    opened = look(ole(("Binary", b"\0" * 40), ("Data", content)))
    assert ".exe" in opened.parts[-1].nodes[-1] or "x.exe" in opened.parts[-1].nodes[-1]


@pytest.mark.parametrize(
    "streams",
    [
        [("WordDocument", bytes(10) + struct.pack("<H", 0x0100) + bytes(20))],
        [("Workbook", struct.pack("<HHI", 0x0809, 4, 0) + struct.pack("<HH", 0x2F, 0))],
        [("Current User", bytes(12) + struct.pack("<I", 0xF3D1C4DF))],
        [("EncryptedPackage", bytes(40))],
    ],
    ids=["doc", "xls", "ppt", "ooxml"],
)
def test_a_document_with_a_password_is_told(
    look: Looking, streams: list[tuple[str, bytes]]
) -> None:
    """X-3."""
    opened = look(ole(*streams))
    assert opened.unchecked == [Unchecked("encrypted", "part 1: the document has a password")]
    assert opened.parts[0].nodes[0][-1] == UNDECIPHERABLE


def test_damage_and_lies_about_sizes_are_told(look: Looking) -> None:
    packed = ole(("Data", PE))
    assert {remark.kind for remark in look(packed[:700]).unchecked} <= {"undecodable"}
    lying = bytearray(packed)
    struct.pack_into("<Q", lying, packed.find("Data".encode("utf-16-le")) + 120, 0x7FFF_FFFF)
    small = Limits(free_bytes=100_000, content_bytes=100_000)
    assert look(bytes(lying), limits=small).unchecked
    assert look(bytes(lying), limits=small).parts
