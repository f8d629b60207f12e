"""Programs in documents, and contents that belie their names, have short types of their own."""

import struct

import pytest

from smtpfilter.unpack.active import active_types

XML = (".xml",)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def entry(name: str, kind: int = 1) -> bytes:
    """Return an entry of an OLE directory."""
    octets = name.encode("utf-16-le")
    return octets.ljust(64, b"\0") + struct.pack("<HB", len(octets) + 2, kind) + bytes(61)


TYPES = b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
RELATIONS = b"<Relationships><Relationship Type='http://x/%s' Target='http://x/' %s/>"


@pytest.mark.parametrize(
    ("content", "types", "found"),
    [
        (OLE + entry("Macros"), (".cdf-ms",), (".macro", ".ole-macro")),
        (OLE + entry("_VBA_PROJECT_CUR"), (".cdf-ms",), (".macro", ".ole-macro")),
        (OLE + entry("\x01Ole10Native", 2), (".cdf-ms",), (".ole-package",)),
        (OLE + entry("WordDocument", 2), (".cdf-ms",), ()),
        (OLE + "On Macros and VBA".encode("utf-16-le"), (".cdf-ms",), ()),
        (TYPES + b'<Override ContentType="x.macroEnabled.main+xml"/>', XML, (".macro", ".ooxml-macro")),
        (TYPES + b'<Override PartName="/a" ContentType="x.vbaProject"/>', XML, (".macro", ".ooxml-macro")),
        (TYPES + b'<Default Extension="bin" ContentType="x.vbaProject"/>', XML, ()),
        (b"words on macroEnabled files", (".asc",), ()),
        (RELATIONS % (b"attachedTemplate", b"TargetMode='External'"), XML, (".ooxml-external",)),
        (RELATIONS % (b"hyperlink", b"TargetMode='External'"), XML, ()),
        (RELATIONS % (b"attachedTemplate", b""), XML, ()),
        (b"<script>URL.createObjectURL(b)</script>", (".html",), (".html-smuggling",)),
        (b"<script>alert(1)</script>", (".html",), ()),
        (b"<svg><script/></svg>", (".image", ".svg"), (".svg-script",)),
        (b"<svg onload='x()'/>", (".image", ".svg"), (".svg-script",)),
        (b"<svg><path d='M0'/></svg>", (".image", ".svg"), ()),
        (b"%PDF-1.7 /OpenAction << /S /JavaScript >>", (".pdf",), (".pdf-active",)),
        (b"%PDF-1.7 /Type /Page", (".pdf",), ()),
        (rb"{\rtf1{\object\objdata 01}}", (".rtf",), (".rtf-object",)),
        (rb"{\rtf1 words}", (".rtf",), ()),
    ],
)  # fmt: skip
def test_what_is_active_is_told(
    content: bytes, types: tuple[str, ...], found: tuple[str, ...]
) -> None:
    assert active_types(content, types, ("a",)) == found


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
