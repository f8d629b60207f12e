"""Programs inside of documents, and contents that belie their names, as short types.

Told by the marks that the formats themselves use; nothing is run or rendered.  Ban rules see these
types beside libmagic's (filetype.py).
"""

import re
import struct
from collections.abc import Callable, Iterator, Sequence

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
_OLE_PACKAGE = re.compile(_directory_entry("\x01Ole10Native"))
_OOXML_TYPES = re.compile(rb"<(?:\w+:)?Types\b")
_OOXML_MACRO = re.compile(
    rb"<(?:\w+:)?Override\b[^>]*vbaProject|macroEnabled|ms-excel\.(?:intl)?macrosheet",
    re.IGNORECASE,
)
_OOXML_RELATIONS = re.compile(rb"<(?:\w+:)?Relationships\b")
_OOXML_EXTERNAL = re.compile(
    rb"<(?:\w+:)?Relationship\b(?=[^>]*(?:attachedTemplate|oleObject|subDocument|/frame\b))"
    rb"[^>]*TargetMode\s*=\s*[\"']External",
)
_SCRIPT = re.compile(rb"<script\b", re.IGNORECASE)
_SMUGGLING = re.compile(rb"createObjectURL|msSave(?:OrOpen)?Blob", re.IGNORECASE)
_SVG_SCRIPT = re.compile(
    rb"<(?:\w+:)?script\b|\son[a-z]+\s*=|javascript:|<(?:\w+:)?foreignObject\b", re.IGNORECASE
)
_PDF_ACTIVE = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFile|RichMedia)\b")
_RTF_OBJECT = re.compile(rb"\\obj(?:data|update|ocx|emb|autlink)\b")

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
    found = [kind for kind, holds in _MARKS if holds(content, types)]
    return (*found, *_belied(types, names))


def _belied(types: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    for promise, contradicting in _BELYING:
        if not contradicting.isdisjoint(types) and any(promise.search(name) for name in names):
            yield ".misnamed"


Test = Callable[[bytes, Sequence[str]], bool]


def _typed(kind: str, mark: re.Pattern[bytes]) -> Test:
    return lambda content, types: kind in types and bool(mark.search(content))


def _text(kind: re.Pattern[bytes], mark: re.Pattern[bytes]) -> Test:
    return lambda content, types: bool(
        kind.search(content, 0, _SHOWN) and mark.search(content, 0, _SHOWN)
    )


_MARKS: tuple[tuple[str, Test], ...] = (
    (".ole-macro", _typed(".cdf-ms", _OLE_MACRO)),
    (".ole-package", _typed(".cdf-ms", _OLE_PACKAGE)),
    (".ooxml-macro", _text(_OOXML_TYPES, _OOXML_MACRO)),
    (".ooxml-external", _text(_OOXML_RELATIONS, _OOXML_EXTERNAL)),
    (".html-smuggling", _text(_SCRIPT, _SMUGGLING)),
    (".svg-script", _typed(".svg", _SVG_SCRIPT)),
    (".pdf-active", _typed(".pdf", _PDF_ACTIVE)),
    (".rtf-object", _typed(".rtf", _RTF_OBJECT)),
)
