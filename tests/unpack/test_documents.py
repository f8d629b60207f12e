"""Files embedded in PDF, RTF and Office documents are found, whatever hides them."""

import io
import struct
import zlib
from collections.abc import Callable

import pypdf
import pytest

from smtpfilter.mail.findings import Unchecked
from smtpfilter.policy.site import Limits
from smtpfilter.unpack.contents import Contents
from smtpfilter.unpack.limits import Budget, Unlookable
from smtpfilter.unpack.ole import ole_members
from smtpfilter.unpack.pdf import names_readable, pdf_members
from tests.unpack.packing import PE, ole, packaged, zipped

Looking = Callable[..., Contents]
SMALL = Limits(parts=20, free_bytes=100_000, content_bytes=100_000)


def kinds(contents: Contents) -> set[str]:
    return {remark.kind for remark in contents.unchecked}


# PDF


def pdf(*attached: tuple[str, bytes], password: str | None = None) -> bytes:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    for name, content in attached:
        writer.add_attachment(name, content)
    if password is not None:
        writer.encrypt(password, owner_password="owner", algorithm="AES-128")
    packed = io.BytesIO()
    writer.write(packed)
    return packed.getvalue()


def test_attachments_of_a_pdf_are_parts(look: Looking) -> None:
    """BB-8, M9."""
    opened = look(pdf(("x.exe", PE), ("a.zip", zipped(("y.exe", PE)))), "a.pdf")
    assert opened.parts[0].short_types == (".pdf", ".pdf-active")
    assert {part.nodes[-1] for part in opened.parts[1:]} == {
        (".exe", ".exe-ms", "x.exe"),
        (".exe", ".exe-ms", "y.exe"),
    }
    assert opened.unchecked == []


def test_a_pdf_without_attachments_is_just_itself(look: Looking) -> None:
    opened = look(pdf(), "a.pdf")
    assert [part.short_types for part in opened.parts] == [(".pdf",)]
    assert opened.unchecked == []


@pytest.mark.parametrize("filtered", [True, False])
def test_a_pdf_without_structure_hides_nothing(look: Looking, filtered: bool) -> None:
    """Readers repair such files."""
    stream = zlib.compress(PE) if filtered else PE
    kind = b"/Filter /FlateDecode" if filtered else b""
    broken = b"%%PDF-1.4\n5 0 obj <</Type /EmbeddedFile %s>>\nstream\n%s\nendstream" % (
        kind,
        stream,
    )
    opened = look(broken, "a.pdf")
    assert any(".exe-ms" in part.short_types for part in opened.parts[1:])


@pytest.mark.parametrize(
    ("mark", "stream"),
    [
        (b"/ObjStm /Filter /FlateDecode", zlib.compress(b"9 0 <</EF")[:-6]),
        (b"/ObjStm" + b" " * 600 + b"/Filter /FlateDecode", zlib.compress(b"9 0 <</EF 9 0 R>>")),
        (b"/Obj#53tm /Filter /FlateDecode", zlib.compress(b"9 0 <</EF 9 0 R>>")),
        (b"/ObjStm /Filter /ASCIIHexDecode", b"39>"),
    ],
)
def test_object_streams_that_cannot_be_read_hide_no_attachment(
    look: Looking, mark: bytes, stream: bytes
) -> None:
    """Nor does one whose kind is written in escaped letters."""
    head = b"%%PDF-1.5\n1 0 obj <</Type %s /N 1 /First 4>>\nstream\n%s\nendstream endobj\n"
    opened = look(head % (mark, stream), "a.pdf")
    assert [one.kind for one in opened.unchecked] == ["undecodable"]


def test_what_stands_behind_a_bomb_in_a_pdf_is_looked_for() -> None:
    """Only so much is inflated to look for names; then the document is read in full."""
    stream = b"<</Type /ObjStm>>\nstream\n%s\nendstream\n" % zlib.compress(bytes(1 << 20))
    whole, cut = (names_readable(b"%PDF-1.5\n" + stream * number)[1] for number in (30, 40))
    assert whole
    assert not cut


def test_a_pdf_that_asks_for_no_password_is_read(look: Looking) -> None:
    """Z4: only its owner's rights are protected."""
    opened = look(pdf(("x.exe", PE), password=""), "a.pdf")
    assert opened.parts[1].nodes[-1][-1] == "x.exe"
    assert opened.unchecked == []


def test_a_pdf_with_a_password_is_told(look: Looking) -> None:
    """X-3, Z4."""
    opened = look(pdf(("x.exe", PE), password="secret"), "a.pdf")
    assert opened.unchecked == [Unchecked("encrypted", "part 1: the document has a password")]


def test_a_password_of_the_mail_opens_a_pdf() -> None:
    """Z4: it is a finding all the same."""
    members = pdf_members(
        pdf(("x.exe", PE), password="secret"), Budget(Limits(), 0), ["a", "secret"]
    )
    assert next(members).names == (b"x.exe",)
    with pytest.raises(Unlookable) as told:
        next(members)
    assert told.value.kind == "encrypted"


def test_a_bomb_in_a_pdf_ends_at_its_limit(look: Looking) -> None:
    """X-1."""
    assert kinds(look(pdf(("x", bytes(1_000_000))), limits=SMALL)) == {"limits"}


# RTF


def rtf(digits: str) -> bytes:
    return rb"{\rtf1 words {\object\objemb{\*\objdata " + digits.encode() + rb"}}}"


def old_object(kind: bytes, content: bytes, size: int | None = None) -> bytes:
    """Return an OLE 1.0 object ([MS-OLEDS] 2.2.5)."""
    named = struct.pack("<III", 0x501, 2, len(kind) + 1) + kind + b"\0" + bytes(8)
    return named + struct.pack("<I", len(content) if size is None else size) + content


PACKAGE = old_object(b"Package", packaged("x.exe", PE)[4:])


@pytest.mark.parametrize(
    "digits",
    [
        PACKAGE.hex(),
        "\n".join(PACKAGE.hex().upper()),
        PACKAGE.hex().replace("00", r"0{\junk}0", 3),
        PACKAGE.hex()[:20] + r"\bin0 " + PACKAGE.hex()[20:],
    ],
    ids=["plain", "in lines", "with groups", "with bin"],
)
def test_a_package_in_rtf_has_its_name(look: Looking, digits: str) -> None:
    """M9: RTF with objects, however the digits are hidden."""
    opened = look(rtf(digits), "a.rtf")
    assert opened.parts[0].short_types == (".rtf", ".rtf-object")
    assert opened.parts[1].nodes[-1][:3] == (".exe", ".exe-ms", "x.exe")


@pytest.mark.parametrize(
    "octets",
    [
        old_object(b"Word.Document.8", ole(("\x01Ole10Native", packaged("x.exe", PE)))),
        old_object(b"Package", PE, size=10**9),
        PE,
    ],
    ids=["document", "long size", "no header"],
)
def test_other_objects_in_rtf_are_looked_into(look: Looking, octets: bytes) -> None:
    opened = look(rtf(octets.hex()), "a.rtf")
    assert ".exe-ms" in opened.parts[-1].short_types


def test_rtf_of_many_groups_ends(look: Looking) -> None:
    """X-1."""
    look(rb"{\rtf1" + rb"{\objdata 00" * 3000, limits=SMALL)


# OLE


@pytest.mark.parametrize("name", ["CONTENTS", "Package"])
def test_a_whole_file_in_a_stream_is_found_whatever_it_is(look: Looking, name: str) -> None:
    opened = look(ole((name, b"WScript.Echo(1)")), "a.doc")
    assert opened.parts[1].name == name


def installer_name(name: str) -> str:
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"
    numbers = [letters.index(letter) for letter in name]
    pairs = zip(numbers[::2], numbers[1::2], strict=False)
    packed = "".join(chr(0x3800 + low + (high << 6)) for low, high in pairs)
    return packed + (chr(0x4800 + numbers[-1]) if len(numbers) % 2 else "")


def test_scripts_in_an_installer_are_found(look: Looking) -> None:
    """BB-12b: an MSI keeps them in streams whose names are packed."""
    packed = ole(
        (chr(0x4840) + installer_name("_StringPool"), b"x"),
        (installer_name("Binary.run"), b"WScript.Echo(1)"),
        (installer_name("Data1.cab"), b"MSCF" + bytes(40)),
    )
    names = {part.name for part in look(packed, "a.msi").parts}
    assert names == {"a.msi", "Binary.run", "Data1.cab"}


def test_objects_of_a_presentation_are_inflated(look: Looking) -> None:
    inner = ole(("\x01Ole10Native", packaged("x.exe", PE)))
    stored = zlib.compress(inner)
    atom = b"\x10\0\x11\x10" + struct.pack("<II", len(stored) + 4, len(inner)) + stored
    opened = look(ole(("PowerPoint Document", b"\0" * 30 + atom)), "a.ppt")
    assert opened.parts[-1].nodes[-1][:3] == (".exe", ".exe-ms", "x.exe")


def test_a_document_that_office_opens_unasked_is_read(
    look: Looking, office: Callable[[str], bytes]
) -> None:
    """Z4: Excel's own password keeps nothing out but a virus scanner."""
    opened = look(office("260295e8f71c1342"), "a.xls")
    assert kinds(opened) == {"encrypted"}
    assert any(".dde" in part.short_types for part in opened.parts)


@pytest.mark.parametrize("trick", [b'<!DOCTYPE x [<!ENTITY a "b">]>', b'spinCount="99999999"'])
def test_a_hostile_description_of_a_cipher_is_not_parsed(trick: bytes) -> None:
    """Z9: entities; X-1: a password check that takes hours."""
    info = struct.pack("<HHI", 4, 4, 0x40) + b'<?xml version="1.0"?>' + trick
    packed = ole(("EncryptionInfo", info), ("EncryptedPackage", bytes(40)))
    members = ole_members(packed, Budget(Limits(), 0), ["secret"])
    with pytest.raises(Unlookable) as told:
        next(members)
    assert told.value.kind == "encrypted"
