"""Zip files whose headers lie about folders, methods and encryption are read all the same."""

import struct
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

import inflate64
import pytest

from smtpfilter.mail.findings import Unchecked
from smtpfilter.policy.site import Limits
from smtpfilter.unpack.contents import UNDECIPHERABLE, Contents
from smtpfilter.unpack.limits import Budget
from smtpfilter.unpack.words import MOST_WORDS, Words
from smtpfilter.unpack.zips import zip_members
from tests.unpack.packing import PE, zipped

Looking = Callable[..., Contents]

EVIL = ("x.exe", PE)
SMALL = Limits(parts=20, free_bytes=100_000, content_bytes=100_000)
LOCAL, CENTRAL = (b"PK\x03\x04", 6), (b"PK\x01\x02", 8)  # signature, place of the flags


def kinds(contents: Contents) -> set[str]:
    return {remark.kind for remark in contents.unchecked}


def flagged(packed: bytes, *headers: tuple[bytes, int]) -> bytes:
    """Return a zip whose first member is marked as encrypted in some of its headers."""
    changed = bytearray(packed)
    for signature, flags in headers:
        changed[changed.find(signature) + flags] |= 1
    return bytes(changed)


@pytest.mark.parametrize("headers", [(LOCAL,), (CENTRAL,), (LOCAL, CENTRAL)])
@pytest.mark.parametrize("stored", [True, False])
def test_a_forged_mark_of_encryption_hides_nothing(
    look: Looking, headers: tuple[tuple[bytes, int], ...], stored: bool
) -> None:
    """Z3, Z4: what is readable is read, and told as encrypted since programs disagree."""
    opened = look(flagged(zipped(EVIL, ("b", b"words"), stored=stored), *headers))
    assert (".exe", ".exe-ms", "x.exe") in [part.nodes[-1] for part in opened.parts]
    if len(headers) == 2:
        assert kinds(opened) == {"encrypted"}


def zip_crypto(name: str, content: bytes, password: bytes) -> bytes:
    """Return a zip with a member encrypted in the old way (APPNOTE 6.1)."""
    keys = [0x12345678, 0x23456789, 0x34567890]

    def step(value: int, octet: int) -> int:
        return zlib.crc32(bytes([octet]), value ^ 0xFFFFFFFF) ^ 0xFFFFFFFF

    def update(octet: int) -> None:
        keys[0] = step(keys[0], octet)
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = step(keys[2], keys[1] >> 24)

    def encrypt(octet: int) -> int:
        mask = (keys[2] | 2) & 0xFFFF
        coded = octet ^ (mask * (mask ^ 1) >> 8 & 0xFF)
        update(octet)
        return coded

    for octet in password:
        update(octet)
    packed = bytearray(zipped((name, bytes(12) + content), stored=True))
    check = zlib.crc32(content)
    clear = bytes(11) + bytes([check >> 24]) + content
    at = packed.find(name.encode()) + len(name)
    packed[at : at + len(clear)] = bytes(encrypt(octet) for octet in clear)
    for signature, place in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        header = packed.find(signature) + place
        struct.pack_into("<III", packed, header, check, len(clear), len(content))
    return flagged(bytes(packed), LOCAL, CENTRAL)


def test_a_word_of_the_mail_opens_a_zip() -> None:
    """Z4: it is still told as encrypted, and its members are looked into."""
    packed = zip_crypto("x.exe", PE, b"infected")
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        assert archive.read("x.exe", b"infected") == PE
    words = [f"word{number}" for number in range(40)]
    (locked,) = zip_members(packed, Budget(Limits(), 0), words)
    assert locked.content is None
    (opened,) = zip_members(packed, Budget(Limits(), 0), [*words, "infected"])
    assert opened.content == PE
    assert opened.problem
    assert opened.problem[0] == "encrypted"


@pytest.mark.parametrize(
    ("text", "password"),
    [
        (b"The password is: infected", "infected"),
        (b"Passwort: 'geh3im'. Gruss", "geh3im"),
        ("Пароль: тайна1".encode(), "тайна1"),
        (b"<p>Password: <b>x1-y2</b></p>", "x1-y2"),
        (b"open it with\r\n2026\r\n", "2026"),
        (b"hello " * 1000 + b"PIN 4711", "4711"),
    ],
)
def test_a_password_is_found_among_many_words(text: bytes, password: str) -> None:
    """Z4: at most 50 words are tried."""
    words = Words()
    words.see(b" ".join(b"filler%d" % number for number in range(30)))
    words.see(text)
    assert password in words.candidates()
    words.see(b" ".join(b"more%d" % number for number in range(9000)))
    assert len(words.candidates()) <= MOST_WORDS


def test_an_encrypted_list_of_members_is_told(look: Looking) -> None:
    """X-3, Z4: the directory itself is encrypted (APPNOTE 7.3)."""
    packed = flagged(zipped(EVIL), LOCAL)
    start = packed.find(b"PK\x01\x02")
    opened = look(packed[:start] + bytes(80))
    assert kinds(opened) == {"encrypted"}
    assert opened.parts[0].nodes[-1] == ("x.exe", ".encrypted", UNDECIPHERABLE)


def deflate64(content: bytes) -> bytes:
    """Return a zip with a member of method 9."""
    packer = inflate64.Deflater()
    data = packer.deflate(content) + packer.flush()
    packed = bytearray(zipped(("x.exe", data), stored=True))
    for signature, method, sizes in ((b"PK\x03\x04", 8, 14), (b"PK\x01\x02", 10, 16)):
        header = packed.find(signature)
        struct.pack_into("<H", packed, header + method, 9)
        struct.pack_into(
            "<III", packed, header + sizes, zlib.crc32(content), len(data), len(content)
        )
    return bytes(packed)


def test_deflate64_is_read(look: Looking) -> None:
    """Z1: what Windows writes for files beyond 2 GB, and attackers for any."""
    content = PE + b"words " * 30_000
    (part,) = look(deflate64(content)).parts
    assert part.size_bytes == len(content)
    assert part.nodes[-1] == (".exe", ".exe-ms", "x.exe")
    assert kinds(look(deflate64(bytes(1_000_000)), limits=SMALL)) == {"limits"}
    assert kinds(look(deflate64(content).replace(b"\xff\xff", b"\0\xff", 1))) <= {"undecodable"}


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_are_read(look: Looking, compression: int) -> None:
    """Z1."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        archive.writestr("x.exe", PE * 20)
    assert look(packed.getvalue()).parts[0].nodes[-1] == (".exe", ".exe-ms", "x.exe")


def test_a_folder_with_a_content_is_a_file(look: Looking) -> None:
    """Z3: some programs write a file under such a name."""
    opened = look(zipped(("x.exe/", PE), ("a.txt", b"words")))
    assert (".exe", ".exe-ms", "x.exe/") in [part.nodes[-1] for part in opened.parts]


def test_every_end_record_is_followed(look: Looking) -> None:
    """Z3: two zip files one behind the other, or one in the comment of the other."""
    first, second = zipped(("a.txt", b"words")), zipped(EVIL)
    for packed in (
        first + second,
        second + first,
        first[:-2] + struct.pack("<H", len(second)) + second,
    ):
        opened = look(packed)
        assert any(part.nodes[-1][-1] == "x.exe" for part in opened.parts)


def test_many_entries_of_one_content_show_all_their_names(look: Looking) -> None:
    """Z1, Z3: a flat bomb, or a name for each program that picks another entry."""
    packed = zipped(("a", PE))
    start, end = packed.find(b"PK\x01\x02"), packed.find(b"PK\x05\x06")
    entry = packed[start:end]
    names = [bytes([letter]) for letter in b"bcdefgh"]
    entries = b"".join(entry[:46] + name + entry[47:] for name in names)
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 7, 7, len(entries), start, 0)
    (part,) = look(packed[:start] + entries + tail).parts
    assert {"a", *(name.decode() for name in names)} <= set(part.nodes[-1])


def test_a_lock_that_stays_closed_shows_the_name(look: Looking) -> None:
    """X-3."""
    opened = look(zip_crypto("x.exe", PE, b"secret"))
    assert opened.parts[0].nodes[-1] == ("x.exe", ".encrypted", UNDECIPHERABLE)
    assert opened.unchecked == [Unchecked("encrypted", "part 1.1: it is encrypted")]
