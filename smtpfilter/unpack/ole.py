"""What is embedded in OLE files: Office documents of old, Outlook messages, installers.

Only what can be something by itself is looked at: packaged files, attachments, and streams that
begin like a program, an archive or a document.  Runs in a child process only.

Source: [MS-CFB], [MS-OLEDS] 2.3.6, [MS-OXMSG] 2.2.2; B-11: amavisd-new opens none of them.
"""

import io
import struct
from collections.abc import Iterator

import olefile

from smtpfilter.unpack.archives import Member
from smtpfilter.unpack.limits import Budget, Unlookable

Path = tuple[str, ...]

_PACKAGED = "\x01ole10native"
_ATTACHMENT = "__substg1.0_37010102"  # PidTagAttachDataBinary
_ATTACHMENT_NAMES = (  # PidTagAttachLongFilename, PidTagAttachFilename, as UTF-16 and in 8 bits
    ("__substg1.0_3707001F", "utf-16-le"),
    ("__substg1.0_3704001F", "utf-16-le"),
    ("__substg1.0_3707001E", "cp1252"),
    ("__substg1.0_3704001E", "cp1252"),
)
_BEGINNINGS = (
    *(b"MZ", b"\x7fELF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"Rar!\x1a\x07"),
    *(b"7z\xbc\xaf'\x1c", b"MSCF", b"%PDF", b"{\\rtf", b"L\0\0\0\x01\x14\x02\0"),
)
_WORD_ENCRYPTED = 0x0100  # [MS-DOC] 2.5.2, flags at octet 10
_EXCEL_FILEPASS = 0x002F  # [MS-XLS] 2.4.117
_EXCEL_RECORDS = 100  # FilePass stands among the first
_POWERPOINT_ENCRYPTED = 0xF3D1C4DF  # [MS-PPT] 2.3.2, headerToken


def ole_members(content: bytes, budget: Budget) -> Iterator[Member]:
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
    for path, stream in streams.items():
        if path[-1].lower() == _PACKAGED:
            yield _packaged(stream)
        elif path[-1] == _ATTACHMENT:
            yield Member(tuple(_attachment_names(streams, path)), stream)
        elif stream.startswith(_BEGINNINGS):
            yield Member((path[-1].encode("utf-8", "replace"),), stream)
    if _has_password(streams):
        raise Unlookable("encrypted", "the document has a password")


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
