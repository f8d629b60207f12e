"""What a content really is: libmagic's answer as amavisd-new's short types (B-10).

The table goes by MIME type, since libmagic's descriptions change from version to version (B-11);
descriptions are asked only where a MIME type is too coarse.  A content may have several short
types: a Windows DLL is exe, exe-ms and dll.  What is not known is "dat".  Runs in a child process
only.
"""

import functools
import re

import magic

LOOKED_AT_BYTES = 1 << 20  # libmagic's own limit

_WINDOWS = ("exe", "exe-ms")
_UNIX = ("exe", "exe-unix")
_ELF = (*_UNIX, "elf")
_OLE = ("cdf-ms", "doc")
_OOXML = ("doc", "ooxml")
_ODF = ("doc", "odf")

_BY_MIME_TYPE: dict[str, tuple[str, ...]] = {
    "application/vnd.microsoft.portable-executable": _WINDOWS,
    "application/x-dosexec": _WINDOWS,
    "application/x-msdownload": _WINDOWS,
    "application/x-executable": _ELF,
    "application/x-pie-executable": _ELF,
    "application/x-mach-binary": (*_UNIX, "macho"),
    "application/x-sharedlib": ("so", "elf"),
    "application/x-object": ("o",),
    "application/x-java-applet": ("java",),
    "application/x-ms-shortcut": ("lnk",),
    "application/vnd.ms-htmlhelp": ("chm",),
    "application/vnd.ms-outlook": ("cdf-ms", "msg"),
    "application/x-msi": ("cdf-ms", "msi"),
    "application/onenote": ("one",),
    "text/x-msdos-batch": ("asc", "bat"),
    "text/x-ms-scf": ("asc", "scf"),
    "text/x-ms-regedit": ("asc", "reg"),
    "text/x-shellscript": ("asc", "sh"),
    "application/x-xar": ("xar",),
    "application/x-lzip": ("lzip",),
    "application/x-apple-diskimage": ("dmg",),
    "application/zip": ("zip",),
    "application/java-archive": ("zip", "jar"),
    "application/vnd.android.package-archive": ("zip", "apk"),
    "application/x-rar": ("rar",),
    "application/vnd.rar": ("rar",),
    "application/x-7z-compressed": ("7z",),
    "application/gzip": ("gz",),
    "application/x-gzip": ("gz",),
    "application/x-bzip": ("bz",),
    "application/x-bzip2": ("bz2",),
    "application/x-xz": ("xz",),
    "application/x-lzma": ("lzma",),
    "application/x-lz4": ("lz4",),
    "application/zstd": ("zst",),
    "application/x-lzop": ("lzo",),
    "application/x-lrzip": ("lrz",),
    "application/x-compress": ("Z",),
    "application/x-tar": ("tar",),
    "application/x-ustar": ("tar",),
    "application/x-gtar": ("tar",),
    "application/x-cpio": ("cpio",),
    "application/x-archive": ("a",),
    "application/vnd.debian.binary-package": ("deb",),
    "application/x-rpm": ("rpm",),
    "application/x-arc": ("arc",),
    "application/x-arj": ("arj",),
    "application/x-zoo": ("zoo",),
    "application/x-lzh-compressed": ("lha",),
    "application/x-lharc": ("lha",),
    "application/x-stuffit": ("sit",),
    "application/x-ace": ("ace",),
    "application/vnd.ms-cab-compressed": ("cab",),
    "application/x-installshield": ("installshield",),
    "application/x-iso9660-image": ("iso",),
    "application/x-ms-wim": ("wim",),
    "application/x-ms-compress-szdd": ("szdd",),
    "application/warc": ("warc",),
    "application/vnd.ms-tnef": ("tnef",),
    "application/mac-binhex40": ("hqx",),
    "application/msword": _OLE,
    "application/vnd.ms-excel": _OLE,
    "application/vnd.ms-powerpoint": _OLE,
    "application/x-ole-storage": ("cdf-ms",),
    "application/cdfv2": ("cdf-ms",),
    "application/encrypted": _OLE,
    "application/pdf": ("pdf",),
    "application/postscript": ("ps",),
    "application/pgp-encrypted": ("pgp", "pgp.enc"),
    "application/pgp-signature": ("pgp",),
    "application/pgp-keys": ("pgp",),
    "application/pgp": ("pgp", "pgp.enc"),
    "application/x-dvi": ("dvi",),
    "application/x-shockwave-flash": ("movie", "swf"),
    "application/vnd.adobe.flash.movie": ("movie", "swf"),
    "application/vnd.google-earth.kmz": ("kmz",),
    "application/x-mswinurl": ("url",),
    "application/x-gettext-translation": ("mo",),
    "application/x-wine-extension-ini": ("asc",),
    "application/x-empty": ("empty",),
    "inode/x-empty": ("empty",),
    "inode/directory": ("dir",),
    "application/json": ("asc",),
    "application/javascript": ("asc", "js"),
    "image/jpeg": ("image", "jpg"),
    "image/tiff": ("image", "tif"),
    "image/svg+xml": ("image", "svg"),
    "image/x-ms-bmp": ("image", "bmp"),
    "image/vnd.microsoft.icon": ("image", "ico"),
    "image/x-pcx": ("image", "pcx"),
    "image/wmf": ("wmf",),
    "image/emf": ("wmf",),
    "application/x-wmf": ("wmf",),
    "audio/mpeg": ("audio", "mpa", "mp3"),
    "text/html": ("html",),
    "text/xml": ("xml",),
    "text/rtf": ("rtf",),
    "text/x-tex": ("lat",),
}
_BY_PREFIX: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("application/vnd.openxmlformats-officedocument.", _OOXML),
    ("application/vnd.oasis.opendocument.", _ODF),
    ("audio/", ("audio",)),
    ("video/", ("movie",)),
)
_BY_DESCRIPTION: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), types)
    for pattern, types in (
        (r"\bexecutable \(COM|\(COM\)|COM executable", ("dat",)),  # any text may look like one
        (r"\(DLL\)|\bDLL\b.*\bWindows\b", ("exe", "exe-ms", "dll")),
        (r"^Microsoft OOXML", _OOXML),
        (r"^OpenDocument", _ODF),
        (r"^UDF filesystem", ("iso", "udf")),
        (r"^ISO 9660", ("iso",)),
        (r"^DOS/MBR boot sector", ("img",)),
        (r"^uuencoded|^xxencoded", ("uue",)),
        (r"^lzop compressed", ("lzo",)),
        (r"^lrzip compressed|^lrz compressed", ("lrz",)),
        (r"^Transport Neutral Encapsulation Format", ("tnef",)),
        (r"^InstallShield Cabinet", ("installshield",)),
        (r"^Zip data|^Zip archive", ("zip",)),
        (r"^RAR archive", ("rar",)),
        (r"^7-zip archive", ("7z",)),
        (r"^Microsoft Cabinet", ("cab",)),
        (r"^ACE archive", ("ace",)),
        (r"^Microsoft Disk Image|^Microsoft Disk Image eXtended", ("vhd",)),
        (r"^Microsoft Outlook.*(?:store|folder)|^Microsoft Outlook email folder", ("pst",)),
        (r"^Microsoft OneNote", ("one",)),
        (r"^Dalvik dex file", ("dex",)),
        (r"^Windows Registry text", ("asc", "reg")),
        (r"^xar archive", ("xar",)),
        (r"^lzip compressed", ("lzip",)),
        (r"^Mach-O\b.*\bexecutable\b", (*_UNIX, "macho")),
        (r"^ELF\b.*\bexecutable\b", _ELF),
        (r"^MS Windows 95 Internet shortcut|^MS Windows.*Internet shortcut", ("url",)),
        (r"^ASCII armored PGP|^PGP message", ("pgp", "pgp.asc")),
        (r"\bexecutable\b.*\bfor MS Windows\b|^MS-DOS executable", _WINDOWS),
        (r"^(?:COFF|PA-RISC)\b.*\bexecutable\b", _UNIX),
        (r"^VMS\b.*\bexecutable\b", ("exe", "exe-vms")),
    )
)
# What libmagic does not know, or only in a part: (offset, octets); a negative one is from the end.
_BY_OCTETS: tuple[tuple[int, bytes, tuple[str, ...]], ...] = (
    (0, bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3"), ("one",)),  # [MS-ONESTORE] 2.3.1
    (0, b"conectix", ("vhd",)),
    (-512, b"conectix", ("vhd",)),
    (0, b"vhdxfile", ("vhdx",)),
    (-512, b"koly", ("dmg",)),
    (7, b"**ACE**", ("ace",)),
    (0, b"ActiveMime", ("activemime",)),
    (0, b"WARC/", ("warc",)),
)
_TINY_ELF = 52  # octets: the header of the smallest class
_ELF_START = re.compile(rb"\x7fELF[\x01\x02][\x01\x02]\x01")
_SHEBANG = re.compile(rb"#![ \t]*+/")
_MAIL = re.compile(rb"(?:MIME-Version|Return-Path|Received|Message-ID|X-Mozilla-\w+):[ \t]", re.I)
_MBOX = re.compile(rb"From \S+ .{0,40}\d\d:\d\d.{0,40}\r?\n[!-9;-~]+:")
# Types that say too little by themselves, or too much: a damaged cabinet file is text/plain to
# libmagic, which describes it rightly all the same.
_COARSE = frozenset(
    {
        "application/octet-stream",
        "application/x-dosexec",
        "application/vnd.microsoft.portable-executable",
        "application/x-msdownload",
        "application/x-iso9660-image",
        "application/x-ima",
        "text/plain",
    }
)


def short_types(content: bytes) -> tuple[str, ...]:
    """Return the short types of `content`, without the point, at least one."""
    if not content:
        return ("empty",)
    for offset, octets, types in _BY_OCTETS:
        if content.startswith(octets, offset):
            return types
    if mail := _mail(content):
        return mail
    types = _asked(content)
    if _SHEBANG.match(content) and "sh" not in types:
        return (*types, "sh")  # Unix runs it, whatever language it is in
    if types == ("dat",) and len(content) >= _TINY_ELF and _ELF_START.match(content):
        return ("elf",)  # of a kind that libmagic has no type for
    return types


def _asked(content: bytes) -> tuple[str, ...]:
    """Return the short types of what libmagic says."""
    shown = content[:LOOKED_AT_BYTES]
    mime_type = _ask(_mime_magic(), shown)
    if mime_type in _COARSE:
        description = _ask(_text_magic(), shown)
        for pattern, types in _BY_DESCRIPTION:
            if pattern.search(description):
                return types
    if mime_type in _BY_MIME_TYPE:
        return _BY_MIME_TYPE[mime_type]
    for prefix, types in _BY_PREFIX:
        if mime_type.startswith(prefix):
            return types
    return _by_top_level(mime_type, shown)


def _mail(content: bytes) -> tuple[str, ...]:
    """Return the types of a message or of several in a mailbox file, () where it is neither."""
    kind = "mail" if _MAIL.match(content) else "mbox" if _MBOX.match(content) else ""
    return ("asc" if content.isascii() else "txt", kind) if kind else ()


def _by_top_level(mime_type: str, content: bytes) -> tuple[str, ...]:
    """Return what amavisd-new says of any image, and of text: asc where it is ASCII, else txt."""
    top, _, sub = mime_type.partition("/")
    if top == "image":
        return ("image", sub.removeprefix("x-"))
    if top in ("text", "message"):
        return ("asc",) if content.isascii() else ("txt",)
    return ("dat",)


def _ask(kind: magic.Magic, content: bytes) -> str:
    try:
        return str(kind.from_buffer(content))
    except magic.MagicException:  # libmagic gives up on some broken files
        return "application/octet-stream"


@functools.cache
def _mime_magic() -> magic.Magic:
    return magic.Magic(mime=True)


@functools.cache
def _text_magic() -> magic.Magic:
    return magic.Magic()
