"""Short types with the libmagic that is really installed (B-10, B-11)."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pytest

from smtpfilter.unpack.filetype import short_types
from tests.unpack.test_mime import PE


def _zip(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return packed.getvalue()


def _tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("name"))
    return packed.getvalue()


DLL = PE[:86] + b"\x00\x21" + PE[88:]  # the characteristics of the PE header say DLL


CONTENTS: list[tuple[bytes, tuple[str, ...]]] = [
    (b"", ("empty",)),
    (b"\x01\x02\x03\xfe", ("dat",)),
    (b"plain words\r\n", ("asc",)),
    ("Wörter\r\n".encode(), ("txt",)),
    (b"<html><body>x</body></html>", ("html",)),
    (b'<?xml version="1.0"?><a/>', ("xml",)),
    (b"{\\rtf1\\ansi x}", ("rtf",)),
    (b"%PDF-1.7\n%\xe2\xe3\n", ("pdf",)),
    (b"GIF89a\x01\x00\x01\x00", ("image", "gif")),
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0", ("image", "png")),
    (b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01", ("image", "jpg")),
    (PE, ("exe", "exe-ms")),
    (DLL, ("exe", "exe-ms", "dll")),
    (b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\0\x03\0" + bytes(100), ("exe", "exe-unix", "elf")),
    (b"\x7fELF\x02\x01\x01" + bytes(45), ("elf",)),
    (b"\x7fELF" + bytes(60), ("asc",)),
    (b"#!/bin/sh\nexit\n", ("asc", "sh")),
    (b"#!/usr/bin/perl\nexit;\n", ("asc", "sh")),
    (b"#! /usr/bin/env node\nx()\n", ("asc", "sh")),
    (b"#!important words\n", ("asc",)),
    (b"@echo off\r\ndel x\r\n", ("asc", "bat")),
    (gzip.compress(b"x"), ("gz",)),
    (bz2.compress(b"x"), ("bz2",)),
    (lzma.compress(b"x"), ("xz",)),
    (_zip("a.txt"), ("zip",)),
    (_zip("[Content_Types].xml", "_rels/.rels", "word/document.xml"), ("doc", "ooxml")),
    (_tar(), ("tar",)),
    (b"Rar!\x1a\x07\x00" + b"\0" * 20, ("rar",)),
    (b"7z\xbc\xaf'\x1c\0\x04" + b"\0" * 30, ("7z",)),
    (b"MSCF\0\0\0\0" + b"\0" * 40, ("cab",)),
    (b"\x78\x9f\x3e\x22\x01\x00\x01\x06\x90\x08\x00", ("tnef",)),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, ("cdf-ms",)),
    (b"\0" * 32769 + b"CD001\x01" + b"\0" * 4096, ("iso",)),
    (b"begin 644 x.exe\n#35J0\n`\nend\n", ("uue",)),
]


@pytest.mark.parametrize(
    ("content", "types"), CONTENTS, ids=[" ".join(types) for _, types in CONTENTS]
)
def test_contents_have_their_short_types(content: bytes, types: tuple[str, ...]) -> None:
    assert short_types(content) == types
