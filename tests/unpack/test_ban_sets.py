"""The shipped ban sets on what the unpacker really finds: the test mail, and samples of our own."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smtpfilter.policy.ban_sets import BUILT_IN
from smtpfilter.policy.banning import banned_paths
from smtpfilter.unpack.mime import Walk
from tests.unpack.packing import PE, written, zipped
from tests.unpack.test_mime import attachment, crlf, multipart

Walking = Callable[..., Walk]
Banning = Callable[[bytes, str], list[str]]


@pytest.fixture
def reasons(walk: Walking) -> Banning:
    """Return a function that says why a set bans a message: a reason per banned part."""

    def reasons(octets: bytes, name: str = "current") -> list[str]:
        return [ban.reason for ban in banned_paths(BUILT_IN[name], tuple(walk(octets).parts))]

    return reasons


def rows(corpus: Path, group: str) -> Iterator[tuple[str, set[str], bytes]]:
    """Yield name, expected outcomes and octets of the test mail of a group."""
    with (corpus / "MANIFEST.csv").open(encoding="utf-8", newline="") as manifest:
        for row in csv.DictReader(manifest):
            if row["class"] == group:
                octets = (corpus / row["file"]).read_bytes()
                yield row["file"], set(row["expect"].replace("|", ",").split(",")), octets


# The test mail


def test_the_current_set_bans_what_the_corpus_asks_for(reasons: Banning, corpus: Path) -> None:
    """BB-12, BB-12b, BB-14."""
    for name, expected, octets in rows(corpus, "banned"):
        found = reasons(octets)
        if "report" not in expected:
            assert bool(found) == ("banned" in expected), (name, found)


def test_the_current_set_bans_nothing_that_people_want(reasons: Banning, corpus: Path) -> None:
    for name, _expected, octets in rows(corpus, "ham"):
        assert reasons(octets) == [], name


def test_a_program_in_any_archive_of_the_corpus_is_banned(reasons: Banning, corpus: Path) -> None:
    for name, expected, octets in rows(corpus, "archive"):
        if expected == {"banned"}:
            assert reasons(octets), name


@pytest.mark.parametrize("group", ["encrypted", "archive", "archive_formats"])
def test_what_cannot_be_looked_into_is_told(walk: Walking, corpus: Path, group: str) -> None:
    """BB-15, BB-16.  A PDF with a password is readable for whoever has none, as a rule."""
    for name, expected, octets in rows(corpus, group):
        if expected in ({"uncheckable"}, {"limit"}) and "pdf" not in name:
            assert walk(octets).unchecked, name


# Samples of our own


NAMES = [
    *("x.exe", "invoice.pdf.exe", "SETUP.EXE", "x.exe.", "x.exe . .", "x.exe::$DATA", "dir/x.exe"),
    *("x.scr", "x.pif", "x.cpl", "x.msi", "x.msix", "x.appx", "x.gadget", "x.xbap", "x.com"),
    *("x.js", "x.jse", "x.vbs", "x.wsf", "x.hta", "x.ps1", "x.psm1", "x.bat", "x.ksh", "x.asp"),
    *("x.lnk", "x.url", "x.scf", "x.reg", "x.settingcontent-ms", "x.library-ms", "x.search-ms"),
    *("x.appref-ms", "x.diagcab", "x.inf", "x.msc", "x.chm", "x.hlp", "x.mdb", "x.accde", "x.mam"),
    *("x.docm", "x.xlsm", "x.xlsb", "x.pptm", "x.xll", "x.iqy", "x.slk", "x.one", "x.xlam"),
    *("x.iso", "x.img", "x.vhd", "x.vhdx", "x.dmg", "x.wim", "x.cab", "x.jar", "x.jnlp", "x.pyz"),
    *("x.command", "x.scpt", "x.pkg", "x.workflow", "x.apk", "x.app", "x.crt", "x.cer", "x.pst"),
    *("x.sh", "x.bash", "x.desktop", "x.AppImage", "x.run", "x.rdp"),
    "readme.txt.{00021401-0000-0000-C000-000000000046}",
    "\u202egnp.exe",
    "invoice\u202efdp.txt",
    "x.exe\0.txt",
    "x.exe%00.txt",
]


@pytest.mark.parametrize("name", NAMES)
def test_the_current_set_bans_by_name(reasons: Banning, name: str) -> None:
    """BB-12: as an attachment and in an archive, whatever the content."""
    coded = f'"{name}"'.encode()
    assert reasons(multipart(attachment("NAME", b"words").replace(b"NAME", coded)))
    if "\0" not in name:
        assert reasons(multipart(attachment("a.zip", zipped((name, b"words")))))


@pytest.mark.parametrize(
    "name",
    [
        *("letter.doc", "sheet.xls", "talk.ppt", "letter.docx", "sheet.xlsx", "a.odt", "a.pdf"),
        *("prices.v2.csv", "example.com.pdf", "www.example.com logo.png", "notes.txt", "a.ics"),
        *("photo.jpg", "a.b.c.d", "fix.com-handler.patch", "a.zip.txt", "winmail.dat", "a.vcf"),
        *("report.exe-summary.pdf", "{draft} plan.txt", "signature.asc", "smime.p7s", "a.eml"),
    ],
)
def test_the_current_set_lets_ordinary_names_pass(reasons: Banning, name: str) -> None:
    assert reasons(multipart(attachment(f'"{name}"', b"words"))) == []


@pytest.mark.parametrize("name", ["a.txt", "a.pdf", "a.jpg", "a"])
@pytest.mark.parametrize(
    "content",
    [
        PE,
        b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\0\x03\0" + bytes(100),
        b"\x7fELF\x02\x01\x01" + bytes(45),
        b"#!/usr/bin/python3\nimport os\n",
        b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F" + bytes(80),
        bytes(32769) + b"CD001\x01" + bytes(4096),
        b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(50),
        b"ITSF\x03\0\0\0\x60\0\0\0\x01\0\0\0" + bytes(100),
        zipped(("x.exe", b"words")),
        zipped(("x.txt", PE)),
        written("7zip", ("x.txt", PE)),
        zipped(("[Content_Types].xml", b'<Types><Override ContentType="a.macroEnabled.main"/>')),
    ],
    ids=[
        "pe",
        "elf",
        "tiny",
        "script",
        "lnk",
        "iso",
        "java",
        "chm",
        "zip name",
        "zip type",
        "7z type",
        "macro",
    ],
)
def test_the_current_set_bans_by_content(reasons: Banning, content: bytes, name: str) -> None:
    """BB-12: renamed."""
    assert reasons(multipart(attachment(name, content)))


def test_the_reason_names_the_path(walk: Walking) -> None:
    """B-6, BB-12: the path from the root to the leaf, the reason with the rule's comment."""
    octets = multipart(attachment("a.zip", zipped(("x.exe", PE)), "application/zip"))
    (ban,) = banned_paths(BUILT_IN["current"], tuple(walk(octets).parts))
    assert ban.path == "multipart/mixed | application/zip,.zip,a.zip | .exe,.exe-ms,x.exe"
    assert ban.reason == "program: .exe,.exe-ms,x.exe"


@pytest.mark.parametrize("kind", ["message/partial; id=x; number=1", "message/external-body"])
@pytest.mark.parametrize("name", ["current", "article"])
def test_fragments_are_banned(reasons: Banning, kind: str, name: str) -> None:
    """BB-14."""
    assert reasons(crlf(f"Content-Type: {kind}\n\nx\n"), name)


def test_debian_bans_what_it_says(reasons: Banning) -> None:
    """B-8: Debian lets fragments and shortcuts pass, and bans Windows programs by type."""
    assert reasons(multipart(attachment("a.txt", PE)), "debian")
    assert reasons(multipart(attachment("a.doc.vbs.", b"words")), "debian")
    assert not reasons(multipart(attachment("x.lnk", b"words")), "debian")
    assert not reasons(crlf("Content-Type: message/partial; id=x; number=1\n\nx\n"), "debian")


def test_the_article_is_word_for_word() -> None:
    """B-8: its six lines; each type of the third is a row that can be removed."""
    patterns = [rule.pattern for rule in BUILT_IN["article"]]
    assert patterns[0] == r"(?i)\.[a-zA-Z][a-zA-Z0-9]{0,3}\.(vbs|pif|scr|bat|com|exe|dll)$"
    assert patterns[1].splitlines() == [
        r"(?ix).\.(ade|adp|bas|bat|chm|cmd|com|cpl|crt|exe|hlp|hta|inf|ins|isp|js|",
        r"          jse|lnk|mdb|mde|msc|msi|msp|mst|pcd|pif|reg|scr|sct|shs|shb|vb|",
        r"          vbe|vbs|wsc|wsf|wsh)$",
    ]
    assert patterns[2:5] == [r"(?i)^\.(exe)$", r"(?i)^\.(lha)$", r"(?i)^\.(tnef)$"]
    assert "Outlook" in BUILT_IN["article"][4].comment
    assert patterns[5:] == [
        r"(?i)^application/x-msdownload$",
        r"(?i)^message/partial$",
        r"(?i)^message/external-body$",
    ]


def test_a_script_is_banned_as_a_file_and_not_as_the_text_of_a_mail(reasons: Banning) -> None:
    """B-2: people show each other scripts in mail."""
    script = b"#!/bin/sh\r\necho hello\r\n"
    assert reasons(b"Content-Type: text/plain\r\n\r\n" + script) == []
    assert reasons(b"Subject: x\r\n\r\n" + script) == []
    assert reasons(b"Content-Type: text/plain; name=notes.txt\r\n\r\n" + script) != []
    assert reasons(b"Content-Type: application/octet-stream\r\n\r\n" + script) != []
