"""Programs in documents, and contents that belie their names, have short types of their own."""

import struct
import zlib

import pytest

from smtpfilter.unpack.active import active_types

XML = (".xml",)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def entry(name: str, kind: int = 1) -> bytes:
    """Return an entry of an OLE directory."""
    octets = name.encode("utf-16-le")
    return octets.ljust(64, b"\0") + struct.pack("<HB", len(octets) + 2, kind) + bytes(61)


TYPES = b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
OBJECT_STREAM = b"%%PDF-1.7 1 0 obj <</Type /ObjStm /Filter /FlateDecode>> stream\n%s endstream"
MACROS = (".macro", ".ooxml-macro")
RELATIONS = b"<Relationships><Relationship Type='http://x/%s' Target='http://x/' %s/>"


@pytest.mark.parametrize(
    ("content", "types", "found"),
    [
        (OLE + entry("Macros"), (".cdf-ms",), (".macro", ".ole-macro")),
        (OLE + entry("_VBA_PROJECT_CUR"), (".cdf-ms",), (".macro", ".ole-macro")),
        (OLE + entry("\x01Ole10Native", 2), (".cdf-ms",), (".ole-package",)),
        (OLE + entry("WordDocument", 2), (".cdf-ms",), ()),
        (OLE + "On Macros and VBA".encode("utf-16-le"), (".cdf-ms",), ()),
        (TYPES + b'<Override ContentType="x.macroEnabled.main+xml"/>', XML, MACROS),
        (TYPES + b'<Override PartName="/a" ContentType="x.vbaProject"/>', XML, MACROS),
        (TYPES + b'<Default Extension="bin" ContentType="x.vbaProject"/>', XML, ()),
        (b"words on macroEnabled files", (".asc",), ()),
        (RELATIONS % (b"attachedTemplate", b"TargetMode='External'"), XML, (".ooxml-external",)),
        (RELATIONS % (b"hyperlink", b"TargetMode='External'"), XML, ()),
        (RELATIONS % (b"attachedTemplate", b""), XML, ()),
        (b"<script>URL.createObjectURL(b)</script>", (".html",), (".html-smuggling",)),
        ("<script>createObjectURL".encode("utf-16"), (".dat",), (".html-smuggling",)),
        (b"<script>alert(1)</script>", (".html",), ()),
        (b"<svg><script/></svg>", (".image", ".svg"), (".svg-script",)),
        (b"<svg onload='x()'/>", (".image", ".svg"), (".svg-script",)),
        (b"<svg><path d='M0'/></svg>", (".image", ".svg"), ()),
        (b"%PDF-1.7 /OpenAction << /S /JavaScript >>", (".pdf",), (".pdf-active",)),
        (b"%PDF-1.7 /Type /Page", (".pdf",), ()),
        (rb"{\rtf1{\object\objdata 01}}", (".rtf",), (".rtf-object",)),
        (rb"{\rtf1 words}", (".rtf",), ()),
        (rb"{\rtf1{\*\template http://x/a.dotm}}", (".rtf",), (".rtf-external",)),
        (RELATIONS % (b"oleObject", b""), XML, (".ooxml-package",)),
        (OLE + b"\x85\0\x0e\0ABCD\0\x01\x06\0Macro1", (".cdf-ms",), (".macro", ".xlm-macro")),
        (OLE + b"\x85\0\x0e\0ABCD\0\0\x06\0Sheet1", (".cdf-ms",), ()),
        (OLE + b"\x85\0\x0f\0ABCD\0\x01\x06\0Macro1", (".cdf-ms",), ()),
        (b"ID;P\nO;E\nNN;NAuto_open;ER1C1\n", (".dat",), (".macro", ".xlm-macro")),
        (b"ID;P\nC;Y1;X1;K1\n", (".dat",), ()),
        (b'<?xml?><w:binData w:name="editdata.mso">AA==</w:binData>', XML, (".macro",)),
        (b"GIF89a=1;alert(1)", (".image", ".gif"), (".js",)),
        (b"GIF89a/*\x01\0*/=1;alert(1)", (".image", ".gif"), (".js",)),
        (b"GIF89a\x01\0\x01\0", (".image", ".gif"), ()),
        (b"%PDF-1.7 /OpenAction << /S /Java#53cript >>", (".pdf",), (".pdf-active",)),
        (OBJECT_STREAM % zlib.compress(b"1 0 << /S /JavaScript >>"), (".pdf",), (".pdf-active",)),
        (OBJECT_STREAM % zlib.compress(b"1 0 << /Type /Page >>"), (".pdf",), ()),
    ],
)  # fmt: skip
def test_what_is_active_is_told(
    content: bytes, types: tuple[str, ...], found: tuple[str, ...]
) -> None:
    assert active_types(content, types, ("a",)) == found


RTF = (".rtf",)
FIELD = b"<w:p><w:instrText xml:space='x'>%s</w:instrText></w:p>"


@pytest.mark.parametrize(
    ("content", "types", "name"),
    [
        (OLE + b"\x13 DDEAUTO c:\\x.exe \x14", (".cdf-ms",), "a.doc"),
        (OLE + "\x13DDE ".encode("utf-16-le"), (".cdf-ms",), "a.doc"),
        (OLE + b"\xae\x01\x10\0\0\0\x09\0\0cmd\x03 /c calc", (".cdf-ms",), "a.xls"),
        (rb"{\rtf1{\field{\*\fldinst {\b DDE}{\i AUTO} c:\\x}}}", RTF, "a.rtf"),
        (FIELD % b"DDEAUTO c:\\x" + b"", XML, "a.xml"),
        (FIELD % b"DD" + FIELD % b"EAUTO c:\\x", XML, "a.xml"),
        (b'<w:fldSimple w:instr="DDE cmd">', XML, "a.xml"),
        (FIELD % b"QUOTE 68 68 69 32", XML, "a.xml"),
        (b'<externalLink><ddeLink ddeService="cmd"/>', XML, "a.xml"),
        (b"<table:table><office:dde-source/>", XML, "content.xml"),
        (b"name,=cmd|'/c calc'!A0\n", (".asc",), "a.csv"),
    ],
)
def test_documents_that_start_programs_are_told(
    content: bytes, types: tuple[str, ...], name: str
) -> None:
    """M9: DDE, in whole words or in pieces."""
    assert ".dde" in active_types(content, types, (name,))


@pytest.mark.parametrize(
    ("content", "types", "name"),
    [
        (OLE + b"on DDE and DDEAUTO", (".cdf-ms",), "a.doc"),
        (rb"{\rtf1 on DDEAUTO {\field{\*\fldinst PAGE}}}", RTF, "a.rtf"),
        (b"<w:t>DDEAUTO</w:t>" + FIELD % b"PAGE", XML, "a.xml"),
        (b"a|b!\nname,sum\n", (".asc",), "a.csv"),
        (b"name,=cmd|'/c calc'!A0\n", (".asc",), "a.txt"),
    ],
)
def test_words_about_it_are_no_programs(content: bytes, types: tuple[str, ...], name: str) -> None:
    assert ".dde" not in active_types(content, types, (name,))


@pytest.mark.parametrize(
    ("types", "name", "belied"),
    [
        ((".rtf",), "a.doc", True),
        ((".rtf",), "a.pdf. ", True),
        ((".rtf",), "a.rtf", False),
        ((".cdf-ms",), "a.rtf", True),
        ((".cdf-ms",), "a.JPG", True),
        ((".cdf-ms",), "a.doc", False),
        ((".cdf-ms",), "a.docx", False),  # how an encrypted document looks
        ((".pdf",), "a.pdf", False),
    ],
)
def test_a_content_that_belies_its_name_is_told(
    types: tuple[str, ...], name: str, belied: bool
) -> None:
    """BB-12."""
    assert (active_types(b"", types, ("other", name)) == (".misnamed",)) is belied
