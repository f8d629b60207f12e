"""Containers are opened whatever their format, and nothing in them escapes, hides or explodes."""

import binascii
import struct
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

import pytest

from smtpfilter.mail.findings import Part, Unchecked
from smtpfilter.policy.site import Limits
from smtpfilter.unpack.contents import UNDECIPHERABLE, Contents, Place
from smtpfilter.unpack.limits import Budget
from tests.unpack.packing import PE, packed_only, written, zipped

Looking = Callable[..., Contents]

EVIL = ("x.exe", PE)


def paths(contents: Contents) -> list[str]:
    return [part.banned_path for part in contents.parts]


def kinds(contents: Contents) -> set[str]:
    return {remark.kind for remark in contents.unchecked}


# What is opened


@pytest.mark.parametrize(
    ("packed", "types"),
    [
        (zipped(EVIL), ".zip"),
        (zipped(EVIL, stored=True), ".zip"),
        (written("7zip", EVIL), ".7z"),
        (written("ustar", EVIL), ".tar"),
        (written("gnutar", EVIL), ".tar"),
        (written("pax", EVIL), ".tar"),
        (written("cpio_newc", EVIL), ".cpio"),
        (written("ar_bsd", EVIL), ".a"),
        (written("xar", EVIL), ".xar"),
    ],
    ids=["zip", "stored", "7z", "ustar", "gnutar", "pax", "cpio", "ar", "xar"],
)
def test_members_stand_under_their_container(look: Looking, packed: bytes, types: str) -> None:
    """B-2, B-6, BB-12: a renamed archive is opened too, by its content."""
    opened = look(packed)
    assert paths(opened) == [f"{types},a.dat | .exe,.exe-ms,x.exe"]
    assert [part.path for part in opened.parts] == ["1.1"]
    assert opened.unchecked == []


def test_members_of_a_disk_image_are_found(look: Looking) -> None:
    """BB-12."""
    (part,) = look(written("iso9660", EVIL), "a.iso").parts
    assert part.nodes[0] == (".iso", "a.iso")
    assert part.nodes[1][-1].lower() == "x.exe"


@pytest.mark.parametrize(
    ("by", "short"),
    [
        ("gzip", ".gz"),
        ("bzip2", ".bz2"),
        ("xz", ".xz"),
        ("lzma", ".lzma"),
        ("lzip", ".lzip"),
        ("lz4", ".lz4"),
        ("zstd", ".zst"),
        ("compress", ".Z"),
    ],
)
def test_a_packed_file_has_the_name_that_it_will_get(look: Looking, by: str, short: str) -> None:
    """BB-8, BB-12b: amavisd-new passes .xz and .lzma unopened (B-11)."""
    opened = look(packed_only(PE, by), f"x.exe{'.lz' if by == 'lzip' else short}")
    (part,) = opened.parts
    assert part.nodes[0][0] == short
    assert part.nodes[1] == (".exe", ".exe-ms", "x.exe")
    assert opened.unchecked == []


def test_a_gzip_header_names_the_file(look: Looking) -> None:
    packed = b"\x1f\x8b\x08\x0c" + b"\0" * 6 + struct.pack("<H", 3) + b"ext" + b"../x.exe\0"
    packer = zlib.compressobj(wbits=-15)
    packed += packer.compress(PE) + packer.flush()
    packed += struct.pack("<II", zlib.crc32(PE), len(PE))
    assert look(packed, "a.gz").parts[0].nodes[1] == (".exe", ".exe-ms", "../x.exe", "a")


@pytest.mark.parametrize("name", ["a.tgz", "a.tar.gz"])
def test_every_level_has_its_node(look: Looking, name: str) -> None:
    packed = written("ustar", EVIL, packed_by="gzip")
    assert paths(look(packed, name)) == [f".gz,{name} | .tar,a.tar | .exe,.exe-ms,x.exe"]


@pytest.mark.parametrize(
    ("beside", "types"),
    [
        (("[Content_Types].xml", "_rels/.rels", "word/document.xml"), ".doc,.ooxml"),
        (("mimetype",), ".doc,.odf"),
        (("META-INF/MANIFEST.MF",), ".zip,.jar"),
    ],
)
def test_documents_and_java_archives_are_opened(
    look: Looking, beside: tuple[str, ...], types: str
) -> None:
    """BB-12b: docx, xlsx, odt, jar; amavisd-new passes them unopened (B-11)."""
    text = b"application/vnd.oasis.opendocument.text" if "mimetype" in beside else b"<a/>"
    opened = look(zipped(*[(name, text) for name in beside], EVIL, stored=True))
    assert paths(opened)[-1] == f"{types},a.dat | .exe,.exe-ms,x.exe"


@pytest.mark.parametrize("before", [b"GIF89a\x01\0\x01\0", b"<html>", PE, b"\0" * 5000])
def test_a_zip_behind_something_else_is_found_as_well(look: Looking, before: bytes) -> None:
    opened = look(before + zipped(EVIL), "a.zip")
    assert opened.unchecked == []
    assert len(opened.parts) == 2
    assert opened.parts[0].path == "1"
    assert opened.parts[1].nodes[1] == (".exe", ".exe-ms", "x.exe")


def test_a_message_in_an_archive_is_handed_on() -> None:
    """X-5: a nested message is always descended into."""
    handed: list[tuple[bytes, Place]] = []
    contents = Contents(Budget(Limits(), 0), lambda octets, place: handed.append((octets, place)))
    contents.add(zipped(("a.eml", b"Subject: x\r\n\r\ny")), Place("1"), (), ("a.zip",))
    ((octets, place),) = handed
    assert octets == b"Subject: x\r\n\r\ny"
    assert place.path == "1.1.1"
    assert place.ancestors[0] == (".zip", "a.zip")


def test_uuencoded_text_is_decoded(look: Looking) -> None:
    """BB-8."""
    coded = b"begin 644 x.exe\n" + binascii.b2a_uu(PE[:45]) + b"`\nend\n"
    text, program = look(coded).parts
    assert text.nodes == ((".uue", "a.dat"),)
    assert "x.exe" in program.nodes[1]
    assert program.size_bytes == 45


# What cannot be opened


def encrypted_zip() -> bytes:
    """Return a zip whose first member is marked as encrypted, and is unreadable like one."""
    packed = bytearray(zipped(("secret.exe", b"x" * 50), ("open.exe", PE)))
    packed[packed.find(b"secret.exe") + 10] ^= 0x55
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.find(signature) + flags] |= 1
    return bytes(packed)


def test_an_encrypted_member_still_has_its_name(look: Looking) -> None:
    """X-3, BB-12, BB-15: the name rules fire, UNDECIPHERABLE is there for a rule, and the
    members in clear are looked into.
    """
    opened = look(encrypted_zip())
    assert opened.parts[0] == Part(
        path="1.1",
        nodes=((".zip", "a.dat"), ("secret.exe", ".encrypted", UNDECIPHERABLE)),
        name="secret.exe",
        mime_type="",
        size_bytes=0,
    )
    assert opened.parts[1].nodes[1] == (".exe", ".exe-ms", "open.exe")
    assert opened.unchecked == [Unchecked("encrypted", "part 1.1: it is encrypted")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"-----BEGIN PGP MESSAGE-----\r\n\r\nhQEM\r\n", "it is encrypted with PGP"),
        (
            bytes.fromhex("3082012306092a864886f70d010703a0820114"),
            "it is encrypted with S/MIME",
        ),
    ],
)
def test_contents_encrypted_as_a_whole_are_told(look: Looking, content: bytes, words: str) -> None:
    """X-3."""
    opened = look(content)
    assert opened.unchecked == [Unchecked("encrypted", f"part 1: {words}")]
    assert opened.parts[0].nodes[0][-1] == UNDECIPHERABLE


@pytest.mark.parametrize("packed", [zipped(EVIL), written("7zip", EVIL), written("ustar", EVIL)])
def test_an_archive_cut_off_anywhere_is_told_or_fully_seen(look: Looking, packed: bytes) -> None:
    """X-3, Z8: broken is undecodable, never clean and never a crash."""
    for length in range(4, len(packed), max(1, len(packed) // 60)):
        opened = look(packed[:length], "a.zip")
        assert opened.parts
        assert opened.unchecked or any("x.exe" in part.nodes[-1] for part in opened.parts)


def test_what_stands_beside_a_broken_archive_is_looked_into(look: Looking) -> None:
    """X-2."""
    opened = look(zipped(("broken.7z", written("7zip", EVIL)[:-30]), EVIL))
    assert kinds(opened) == {"undecodable"}
    assert opened.parts[-1].nodes[-1] == (".exe", ".exe-ms", "x.exe")


def test_a_damaged_member_shows_what_can_be_read(look: Looking) -> None:
    packed = bytearray(zipped(EVIL, ("b.txt", b"b"), stored=True))
    packed[packed.find(PE) + 200] ^= 1  # the check sum is wrong now
    opened = look(bytes(packed))
    assert opened.unchecked == [Unchecked("undecodable", "part 1.1: it is damaged")]
    assert opened.parts[0].size_bytes == len(PE)
    assert opened.parts[1].nodes[1][-1] == "b.txt"


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"\0\0\0\0\0\0\0**ACE**" + bytes(60), "a", "nothing here reads .ace"),
        (b"\x60\xea\x2b\0\x1e\x07\x01\0\x10\0\x02" + bytes(60), "a", "its ARJ headers are damaged"),
        (b"just words", "a.zip", "its name promises an archive, which it is not"),
        (b"Rar!\x1a\x07\x00" + b"\0" * 20, "a", "it is damaged, or of a kind that cannot be read"),
    ],
)
def test_containers_that_nobody_opens_are_told(
    look: Looking, content: bytes, name: str, words: str
) -> None:
    opened = look(content, name)
    assert opened.unchecked == [Unchecked("undecodable", f"part 1: {words}")]
    assert len(opened.parts) == 1


def test_a_zip_without_members_is_no_trouble(look: Looking) -> None:
    packed = BytesIO()
    zipfile.ZipFile(packed, "w").close()
    opened = look(packed.getvalue(), "a.zip")
    assert opened.unchecked == []
    assert paths(opened) == [".zip,a.zip"]
