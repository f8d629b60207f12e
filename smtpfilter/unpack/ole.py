"""What is embedded in OLE files: Office documents of old, Outlook messages, installers.

Only what can be something by itself is looked at: packaged files, attachments, and streams that
begin like a program, an archive or a document.  Runs in a child process only.

Source: [MS-CFB], [MS-OLEDS] 2.3.6, [MS-OXMSG] 2.2.2; B-11: amavisd-new opens none of them.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator, Sequence

import olefile

from smtpfilter.unpack.archives import Member, Problem
from smtpfilter.unpack.limits import Budget, Unlookable
from smtpfilter.unpack.password import decrypted

Path = tuple[str, ...]

PASSWORD: Problem = ("encrypted", "the document has a password")
_PACKAGED = "\x01ole10native"
_ATTACHMENT = "__substg1.0_37010102"  # PidTagAttachDataBinary
_ATTACHMENT_NAMES = (  # PidTagAttachLongFilename, PidTagAttachFilename, as UTF-16 and in 8 bits
    ("__substg1.0_3707001F", "utf-16-le"),
    ("__substg1.0_3704001F", "utf-16-le"),
    ("__substg1.0_3707001E", "cp1252"),
    ("__substg1.0_3704001E", "cp1252"),
)
_WHOLE = frozenset({"package", "contents"})  # streams that are an embedded file, whatever its kind
_INSTALLER_TABLES = "!_StringPool"  # only an installer (MSI) has it
_INSTALLER_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._!"
_SLIDES = ("PowerPoint Document",)
_MOST_IN_SLIDE = 64 << 20  # octets
_SLIDE_OBJECT = re.compile(rb"\x10\0\x11\x10(?P<length>.{4}).{4}(?=\x78)", re.DOTALL)
_BEGINNINGS = (
    *(b"MZ", b"\x7fELF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"Rar!\x1a\x07"),
    *(b"7z\xbc\xaf'\x1c", b"MSCF", b"%PDF", b"{\\rtf", b"L\0\0\0\x01\x14\x02\0"),
)
_WORD_ENCRYPTED = 0x0100  # [MS-DOC] 2.5.2, flags at octet 10
_EXCEL_FILEPASS = 0x002F  # [MS-XLS] 2.4.117
_EXCEL_RECORDS = 100  # FilePass stands among the first
_POWERPOINT_ENCRYPTED = 0xF3D1C4DF  # [MS-PPT] 2.3.2, headerToken


def ole_members(content: bytes, budget: Budget, passwords: Sequence[str] = ()) -> Iterator[Member]:
    """Yield what is embedded.  Raises Unlookable, also where the document has a password."""
    try:
        opened = olefile.OleFileIO(io.BytesIO(content))
        paths = [tuple(path) for path in opened.listdir()]
    except Exception as error:  # the parser trips over damage in many ways
        raise Unlookable("undecodable", "its OLE structure is damaged") from error
    streams: dict[Path, bytes] = {}
    for path in paths:
        budget.spend_part()
        streams[path] = _stream(opened, path, budget)
    installer = any(_installer_name(path[-1]) == _INSTALLER_TABLES for path in paths)
    for path, stream in streams.items():
        name = _installer_name(path[-1]) if installer else path[-1]
        if path[-1].lower() == _PACKAGED:
            yield _packaged(stream)
        elif path[-1] == _ATTACHMENT:
            yield Member(tuple(_attachment_names(streams, path)), stream)
        elif stream.startswith(_BEGINNINGS) or _is_file(name, installer):
            yield Member((name.encode("utf-8", "replace"),), stream)
        elif path == _SLIDES:
            yield from _slide_objects(stream, budget)
    if _has_password(streams):
        clear = decrypted(content, streams.get(("EncryptionInfo",), b""), passwords, budget)
        if clear:
            yield Member((), clear)
        raise Unlookable(*PASSWORD)


def _is_file(name: str, installer: bool) -> bool:
    """Is it a whole file, whatever it begins with?  An installer's scripts are such streams."""
    return name.lower() in _WHOLE or (installer and name.startswith("Binary."))


def _installer_name(name: str) -> str:
    """Return the name of a stream in an installer: two letters are packed into each character."""
    letters = []
    for character in name:
        code = ord(character) - 0x3800
        if 0 <= code < 0x1000:
            letters += [_INSTALLER_LETTERS[code & 0x3F], _INSTALLER_LETTERS[code >> 6 & 0x3F]]
        elif 0x1000 <= code < 0x1040:
            letters.append(_INSTALLER_LETTERS[code - 0x1000])
        else:
            letters.append("!" if code == 0x1040 else character)
    return "".join(letters)


def _slide_objects(stream: bytes, budget: Budget) -> Iterator[Member]:
    """Yield embedded objects and macros of a presentation: OLE files in zlib ([MS-PPT] 2.10.34)."""
    for found in _SLIDE_OBJECT.finditer(stream):
        budget.spend_part()
        packed = stream[found.end() : found.end() + int.from_bytes(found["length"], "little")]
        inflater = zlib.decompressobj()
        try:
            unpacked = inflater.decompress(packed, _MOST_IN_SLIDE)
        except zlib.error:
            continue
        budget.spend_bytes(len(unpacked))
        yield Member((), unpacked)


def _stream(opened: olefile.OleFileIO, path: Path, budget: Budget) -> bytes:
    try:
        size = opened.get_size(list(path))
        budget.spend_bytes(size)  # before reading: a lie about it is as good as a bomb
        return bytes(opened.openstream(list(path)).read())
    except Unlookable:
        raise
    except Exception as error:
        raise Unlookable("undecodable", "its OLE structure is damaged") from error


def _packaged(stream: bytes) -> Member:
    """Return the file in an Ole10Native stream; one that is built otherwise is shown whole."""
    label, _, rest = stream[6:].partition(b"\0")
    source, _, rest = rest.partition(b"\0")
    temporary, _, rest = rest[8:].partition(b"\0")
    names = tuple(name for name in (label, source, temporary) if name)
    if len(rest) < 4 or not names:
        return Member((b"Ole10Native",), stream[4:])
    return Member(names, rest[4 : 4 + struct.unpack_from("<I", rest)[0]])


def _attachment_names(streams: dict[Path, bytes], path: Path) -> Iterator[bytes]:
    for stream, coding in _ATTACHMENT_NAMES:
        name = streams.get((*path[:-1], stream), b"").decode(coding, "replace").rstrip("\0")
        if name:
            yield name.encode("utf-8", "replace")


def _has_password(streams: dict[Path, bytes]) -> bool:
    if ("EncryptedPackage",) in streams:  # [MS-OFFCRYPTO] 2.3.4.4
        return True
    word = streams.get(("WordDocument",), b"")
    if len(word) >= 12 and struct.unpack_from("<H", word, 10)[0] & _WORD_ENCRYPTED:
        return True
    user = streams.get(("Current User",), b"")
    if len(user) >= 16 and struct.unpack_from("<I", user, 12)[0] == _POWERPOINT_ENCRYPTED:
        return True
    return any(_has_filepass(streams.get((name,), b"")) for name in ("Workbook", "Book"))


def _has_filepass(workbook: bytes) -> bool:
    position = 0
    for _record in range(_EXCEL_RECORDS):
        if position + 4 > len(workbook):
            return False
        kind, length = struct.unpack_from("<HH", workbook, position)
        if kind == _EXCEL_FILEPASS:
            return True
        position += 4 + length
    return False
