"""Programs inside of documents, and contents that belie their names, as short types.

Told by the marks that the formats themselves use; nothing is run or rendered.  Ban rules see these
types beside libmagic's (filetype.py).
"""

import re
import struct
from collections.abc import Callable, Iterator, Sequence

from smtpfilter.unpack.fieldcodes import starts_programs
from smtpfilter.unpack.pdf import names_readable

_SHOWN = 1 << 20  # octets of text that are looked at
_STORAGE = (1, 2)  # [MS-CFB] 2.6.1: storage, stream


def _directory_entry(name: str) -> bytes:
    """Return the pattern of an entry in an OLE directory: its name field, length and type."""
    octets = name.encode("utf-16-le")
    field = re.escape(octets.ljust(64, b"\0") + struct.pack("<H", len(octets) + 2))
    return field + b"[" + bytes(_STORAGE) + b"]"


_OLE_MACRO = re.compile(
    b"|".join(map(_directory_entry, ("Macros", "VBA", "_VBA_PROJECT", "_VBA_PROJECT_CUR")))
)
_XLM_SHEET = re.compile(  # [MS-XLS] 2.4.28: a BoundSheet8 record of a macro sheet
    rb"\x85\0(?P<length>[\x09-\x48])\0....[\0-\2]\x01(?P<count>[\1-\x1f])(?P<wide>[\0\1])",
    re.DOTALL,
)
_OLE_PACKAGE = re.compile(_directory_entry("\x01Ole10Native"))
_OOXML_TYPES = re.compile(rb"<(?:\w+:)?Types\b")
_OOXML_MACRO = re.compile(
    rb"<(?:\w+:)?Override\b[^<>]{0,2000}vbaProject|macroEnabled|ms-excel\.(?:intl)?macrosheet",
    re.IGNORECASE,
)
_OOXML_RELATIONS = re.compile(rb"<(?:\w+:)?Relationships\b")
_OOXML_EXTERNAL = re.compile(
    rb"<(?:\w+:)?Relationship\b(?=[^<>]{0,2000}(?:attachedTemplate|oleObject|subDocument|/frame\b))"
    rb"[^<>]{0,2000}TargetMode\s*=\s*[\"']External",
)
_OOXML_EMBEDDED = re.compile(rb"<(?:\w+:)?Relationship\b[^<>]{0,2000}/(?:oleObject|package)[\"']")
_FLAT_MACRO = re.compile(rb"editdata\.mso|/vbaProject\.bin[\"']|<(?:\w+:)?docSuppData\b")
_FLAT_MACRO_WORDS = (b"editdata.mso", b"vbaProject.bin", b"docSuppData")
_XML = re.compile(rb"\s*(?:\xef\xbb\xbf)?<")
_SLK = re.compile(rb"ID;P")
_SLK_MACRO = re.compile(rb"(?m)^(?:O;E|NN;NAuto_open|C;.*;E(?:EXEC|CALL)\()", re.IGNORECASE)
_SCRIPT = re.compile(rb"<script\b")  # this and the next are searched for in lower case
_SMUGGLING = re.compile(rb"createobjecturl|mssave(?:oropen)?blob")
_SVG_SCRIPT = re.compile(
    rb"<(?:\w+:)?script\b|\son[a-z]+\s*=|javascript:|<(?:\w+:)?foreignObject\b", re.IGNORECASE
)
_PDF_ACTIVE = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia)\b")
_RTF_OBJECT = re.compile(rb"\\obj(?:data|update|ocx|emb|autlink)\b")
_RTF_EXTERNAL = re.compile(rb"\\\*\\template[^}]{0,300}?(?:https?:|\\\\\\\\)", re.IGNORECASE)
_PICTURE_AND_SCRIPT = re.compile(rb"(?:GIF8[79]a|BM)(?:[ -~]{0,2})\s{0,8}(?:=|/\*)")
_JAVA = re.compile(rb"PK\x01\x02.{42}META-INF/MANIFEST\.MF", re.DOTALL)

# Names that promise one kind of document, and what must not be behind them.  Word opens RTF and OLE
# under each other's names, which is how exploits get past a rule on names.
_BELIED = (
    (r"docx?|dotx?|xlsx?|xlt|pptx?|pps|pdf|txt|csv|html?", {".rtf"}),
    (r"rtf|pdf|txt|csv|html?|jpe?g|png|gif|zip", {".cdf-ms"}),
)
_BELYING = tuple(
    (re.compile(rf"\.(?:{extensions})[.\s]*\Z", re.IGNORECASE), types)
    for extensions, types in _BELIED
)


def active_types(content: bytes, types: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return more short types of `content`, with the point, beside its `types`."""
    found = [kind for kinds, holds in _MARKS if holds(content, types) for kind in kinds]
    if starts_programs(content, types, names):
        found.append(".dde")
    return tuple(dict.fromkeys((*found, *_belied(types, names))))


def _belied(types: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    for promise, contradicting in _BELYING:
        if not contradicting.isdisjoint(types) and any(promise.search(name) for name in names):
            yield ".misnamed"


Test = Callable[[bytes, Sequence[str]], bool]


def _typed(kind: str, mark: re.Pattern[bytes]) -> Test:
    return lambda content, types: kind in types and bool(mark.search(content))


def _beginning(kind: str, mark: re.Pattern[bytes]) -> Test:
    return lambda content, types: kind in types and bool(mark.search(content, 0, _SHOWN))


def _text(word: bytes, kind: re.Pattern[bytes], mark: re.Pattern[bytes]) -> Test:
    """`word`: stands in all that `kind` matches; to look for it is much quicker."""
    return lambda content, types: bool(
        content.find(word, 0, _SHOWN) >= 0
        and kind.search(content, 0, _SHOWN)
        and mark.search(content, 0, _SHOWN)
    )


def _xml(words: Sequence[bytes], mark: re.Pattern[bytes]) -> Test:
    """`words`: one of them stands in all that `mark` matches."""
    return lambda content, types: bool(
        _XML.match(content) and any(word in content for word in words) and mark.search(content)
    )


def _smuggles(content: bytes, types: Sequence[str]) -> bool:
    page = content[:_SHOWN].replace(b"\0", b"").lower()  # UTF-16, or what browsers pass over
    return b"<script" in page and bool(_SCRIPT.search(page) and _SMUGGLING.search(page))


def _has_xlm_sheet(content: bytes, types: Sequence[str]) -> bool:
    """Does an Excel file have a sheet of Excel 4 macros?  The record's length must fit its name."""
    if ".cdf-ms" not in types:
        return False
    return any(
        found["length"][0] == 8 + found["count"][0] * (1 + found["wide"][0])
        for found in _XLM_SHEET.finditer(content)
    )


def _pdf_is_active(content: bytes, types: Sequence[str]) -> bool:
    return ".pdf" in types and bool(_PDF_ACTIVE.search(names_readable(content)[0]))


_MARKS: tuple[tuple[tuple[str, ...], Test], ...] = (
    ((".macro", ".ole-macro"), _typed(".cdf-ms", _OLE_MACRO)),
    ((".macro", ".xlm-macro"), _has_xlm_sheet),
    ((".macro", ".ooxml-macro"), _text(b"Types", _OOXML_TYPES, _OOXML_MACRO)),
    ((".macro",), _xml(_FLAT_MACRO_WORDS, _FLAT_MACRO)),
    ((".macro", ".xlm-macro"), _text(b"ID;P", _SLK, _SLK_MACRO)),
    ((".ole-package",), _typed(".cdf-ms", _OLE_PACKAGE)),
    ((".ooxml-package",), _text(b"Relationships", _OOXML_RELATIONS, _OOXML_EMBEDDED)),
    ((".ooxml-external",), _text(b"Relationships", _OOXML_RELATIONS, _OOXML_EXTERNAL)),
    ((".html-smuggling",), _smuggles),
    ((".svg-script",), _typed(".svg", _SVG_SCRIPT)),
    ((".pdf-active",), _pdf_is_active),
    ((".rtf-object",), _typed(".rtf", _RTF_OBJECT)),
    ((".rtf-external",), _beginning(".rtf", _RTF_EXTERNAL)),
    ((".js",), lambda content, types: bool(_PICTURE_AND_SCRIPT.match(content))),
    ((".jar",), _typed(".zip", _JAVA)),
)
