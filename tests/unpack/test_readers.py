"""Formats that libarchive does not read: each member stands under its container all the same."""

import base64
import struct
import zlib
from collections.abc import Callable
from hashlib import sha1
from pathlib import Path

import brotli
import pytest

from smtpfilter.mail.findings import Unchecked
from smtpfilter.policy.site import Limits
from smtpfilter.unpack.contents import Contents, Place
from smtpfilter.unpack.limits import Budget
from smtpfilter.unpack.mime import Walk
from tests.unpack.packing import PE, ole, packaged

Looking = Callable[..., Contents]
SMALL = Limits(parts=20, free_bytes=100_000, content_bytes=100_000)


def words(contents: Contents) -> list[str]:
    return [remark.text for remark in contents.unchecked]


def kinds(contents: Contents) -> set[str]:
    return {remark.kind for remark in contents.unchecked}


# ARJ


def arj_header(name: bytes, content: bytes, kind: int, flags: int, method: int) -> bytes:
    basic = struct.pack("<8B4I3H", 30, 11, 1, 0, flags, method, kind, 0, 0, *[len(content)] * 2,
                        zlib.crc32(content), 0, 0, 0)  # fmt: skip
    basic += name + b"\0\0"
    head = b"\x60\xea" + struct.pack("<H", len(basic)) + basic
    return head + struct.pack("<IH", zlib.crc32(basic), 0)


def arj(name: bytes, content: bytes, flags: int = 0, method: int = 0) -> bytes:
    """Return an ARJ archive with one stored member."""
    main = arj_header(b"a.arj", b"", 2, 0, 0)
    return main + arj_header(name, content, 0, flags, method) + content + b"\x60\xea\0\0"


def test_an_arj_archive_is_opened(look: Looking) -> None:
    """Z7: amavisd-new needs a program from elsewhere for it."""
    opened = look(arj(b"x.exe", PE), "a.bin")
    assert [part.nodes for part in opened.parts] == [
        ((".arj", "a.bin"), (".exe", ".exe-ms", "x.exe"))
    ]
    assert opened.unchecked == []


def test_what_arj_packed_is_read_like_lha(walk: Callable[..., Walk], corpus: Path) -> None:
    """Z7: its methods 1 to 3."""
    walked = walk((corpus / "virus" / "e89e5401594295e6.eml").read_bytes())
    assert walked.parts[-1].nodes[-1] == (".exe", ".exe-ms", "clam.exe")
    assert walked.unchecked == []


@pytest.mark.parametrize(
    ("packed", "kind"),
    [
        (arj(b"x.exe", PE, flags=1), "encrypted"),
        (arj(b"x.exe", PE, flags=4), "undecodable"),
        (arj(b"x.exe", PE, method=9), "undecodable"),
        (arj(b"x.exe", PE).replace(PE, PE[:-1] + b"x"), "undecodable"),
        (arj(b"x.exe", PE)[:-40], "undecodable"),
    ],
    ids=["garbled", "continued", "unknown method", "changed", "cut off"],
)
def test_of_an_arj_member_that_cannot_be_read_the_name_counts(
    look: Looking, packed: bytes, kind: str
) -> None:
    """X-3, Z4, Z8."""
    opened = look(packed)
    assert "x.exe" in opened.parts[0].nodes[-1]
    assert kinds(opened) == {kind}


# Packed single files


def szdd(content: bytes) -> bytes:
    """Return what COMPRESS.EXE would make of it, with no repetition packed."""
    pieces = [b"\xff" + content[at : at + 8] for at in range(0, len(content), 8)]
    return b"SZDD\x88\xf0\x27\x33A\0" + struct.pack("<I", len(content)) + b"".join(pieces)


def test_brotli_is_known_by_its_name(look: Looking) -> None:
    """Z7: nothing in it says what it is."""
    opened = look(brotli.compress(PE), "x.exe.br")
    assert opened.parts[-1].nodes[-1] == (".exe", ".exe-ms", "x.exe")
    assert opened.unchecked == []
    assert kinds(look(brotli.compress(PE)[:-9], "x.br")) == {"undecodable"}
    assert kinds(look(b"\xff" * 50, "x.br")) == {"undecodable"}


def test_a_brotli_bomb_ends_at_its_limit(look: Looking) -> None:
    """X-1."""
    assert kinds(look(brotli.compress(bytes(1_000_000)), "x.br", limits=SMALL)) == {"limits"}


def test_an_szdd_file_is_opened(look: Looking) -> None:
    opened = look(szdd(PE), "x.exe")
    assert opened.parts[0].nodes == ((".szdd", "x.exe"), (".exe", ".exe-ms", "x.exe"))
    repeated = b"SZDD\x88\xf0\x27\x33A\0" + struct.pack("<I", 40) + b"\x01a" + b"\xf0\xff" * 7
    assert look(repeated).parts[0].size_bytes == 40
    assert kinds(look(szdd(PE)[:-30])) == {"undecodable"}


def test_an_szdd_file_ends_at_its_limit(look: Looking) -> None:
    """X-1."""
    bomb = b"SZDD\x88\xf0\x27\x33A\0" + struct.pack("<I", 1 << 30) + (b"\0" + b"\0\x0f" * 8) * 2000
    assert kinds(look(bomb, limits=SMALL)) == {"limits"}


# Windows disk images


def wim(name: str, content: bytes, flags: int = 0, image_flags: int = 2) -> bytes:
    """Return an image with one file, not compressed."""

    def resource(size: int, flags: int, offset: int) -> bytes:
        return struct.pack("<QQQ", size | flags << 56, offset, size)

    digest = sha1(content).digest()
    coded = name.encode("utf-16-le")
    metadata = bytes(64) + digest + bytes(16) + struct.pack("<H", len(coded)) + coded
    table = resource(len(content), flags, 208) + bytes(6) + digest
    table += resource(len(metadata), image_flags, 208 + len(content)) + bytes(26)
    head = b"MSWIM\0\0\0" + struct.pack("<IIII", 208, 0x10D00, 0, 0x8000) + bytes(24)
    head += resource(len(table), 0, 208 + len(content) + len(metadata))
    return head.ljust(208, b"\0") + content + metadata + table


def test_a_windows_image_is_opened(look: Looking) -> None:
    """Z7."""
    opened = look(wim("x.exe", PE))
    assert opened.parts[0].nodes == ((".wim", "a.dat"), (".exe", ".exe-ms", "x.exe"))
    assert opened.unchecked == []


def test_what_only_windows_unpacks_is_told(look: Looking) -> None:
    """X-3."""
    opened = look(wim("x.exe", PE, flags=4))
    assert opened.parts[0].name == "x.exe"
    assert words(opened) == ["part 1.1: it is compressed as only Windows does"]
    assert kinds(look(wim("x.exe", PE, image_flags=6))) == {"undecodable"}
    assert kinds(look(b"MSWIM\0\0\0" + bytes(30))) == {"undecodable"}


# Notebooks, mailboxes, flat documents


ONE_NOTE = bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3") + bytes(1000)
EMBEDDED = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")


def test_files_in_a_notebook_are_found(look: Looking) -> None:
    """M9: .one."""
    packed = ONE_NOTE + EMBEDDED + struct.pack("<Q", len(PE)) + bytes(12) + PE + bytes(50)
    notebook, program = look(packed, "a.one").parts
    assert notebook.short_types == (".one",)
    assert program.nodes == ((".one", "a.one"), (".exe", ".exe-ms"))
    assert kinds(look(packed[:-100])) == {"undecodable"}


def test_every_message_of_a_mailbox_file_is_handed_on() -> None:
    """X-5."""
    mails = [b"Subject: one\r\n\r\nFrom here\r\n", b"From: a@b\r\n\r\ntwo\r\n"]
    packed = b"\r\n".join(b"From a@b Tue May  5 10:00:00 2026\r\n" + mail for mail in mails)
    handed: list[bytes] = []
    contents = Contents(Budget(Limits(), 0), lambda octets, place: handed.append(octets))
    contents.add(packed, Place("1"), (), ("a.mbox",))
    assert [octets.strip() for octets in handed] == [mail.strip() for mail in mails]


@pytest.mark.parametrize("element", ["pkg:binaryData", "w:binData", "office:binary-data"])
def test_files_in_a_flat_document_are_found(look: Looking, element: str) -> None:
    """Z9: without parsing any XML."""
    coded = base64.encodebytes(ole(("\x01Ole10Native", packaged("x.exe", PE))))
    packed = b'<?xml version="1.0"?><pkg:part pkg:name="/word/ole.bin"><%s>%s</%s></pkg:part>' % (
        element.encode(), coded, element.encode()
    )  # fmt: skip
    opened = look(packed, "a.xml")
    assert opened.parts[0].short_types == (".xml",)
    assert opened.parts[1].name == "/word/ole.bin"
    assert opened.parts[2].nodes[-1][:3] == (".exe", ".exe-ms", "x.exe")


def test_entities_are_never_expanded(look: Looking) -> None:
    """Z9: billion laughs."""
    laughs = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(12))
    packed = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><x>&l12;</x>'
    (part,) = look(packed.encode(), "a.xml", limits=SMALL).parts
    assert part.short_types == (".xml",)


def test_an_activemime_file_is_opened(look: Looking) -> None:
    """M9: macros of an MHTML document."""
    packed = b"ActiveMime".ljust(50, b"\0") + zlib.compress(ole(("VBA", b"x")))
    assert look(packed).parts[1].nodes[0] == (".activemime", "a.dat")
    damaged = look(b"ActiveMime".ljust(90, b"\0"))
    assert damaged.unchecked == [Unchecked("undecodable", "part 1: it is damaged")]
    bomb = b"ActiveMime".ljust(50, b"\0") + zlib.compress(bytes(1_000_000))
    assert kinds(look(bomb, limits=SMALL)) == {"limits"}
