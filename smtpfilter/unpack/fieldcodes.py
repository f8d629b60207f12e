"""Dynamic data exchange (DDE) in documents: fields and formulas that start a program.

Told by the marks of each format, without parsing any of them; nothing is run.

Sources: ECMA-376 part 1, 17.16 (fields) and 18.14.2 (ddeLink); [MS-XLS] 2.4.271 (SupBook);
OpenDocument 1.3 part 3, 14.6; the OWASP notes on CSV injection.
"""

import re
from collections.abc import Iterator, Sequence

_SHOWN, _TABLE_SHOWN = 16 << 20, 1 << 20  # octets that are looked at, of tables in text
_DDE = re.compile(rb"\bDDE(?:AUTO)?\b", re.IGNORECASE)
_XML_MARK = re.compile(rb"<(?:\w+:)?(?:ddeLink|dde-link|dde-source|dde-connection-decls?)\b")
_XML_FIELD = re.compile(
    rb"""<w:instrText\b[^<>]{0,500}>([^<]{0,5000})|\bw:instr\s*=\s*(?:"([^"]{0,5000})|'([^']{0,5000}))"""
)
_QUOTED = re.compile(rb"\bQUOTE((?:\s+\d{1,3})+)", re.IGNORECASE)  # letters as numbers
_RTF_FIELD = re.compile(rb"\\fldinst\b(.{0,3000})", re.DOTALL)
_RTF_WORDS = re.compile(rb"\\[a-z]+-?\d* ?|[{}\s]|\\[^a-z]", re.IGNORECASE)
_RTF_DDE = re.compile(rb"DDE(?:AUTO)?[\"A-Za-z\\]", re.IGNORECASE)
_OLE_FIELD = re.compile(
    rb"\x13\s*DDE(?:AUTO)?\b|\x13\0(?:\s\0)*D\0D\0E\0(?:A\0U\0T\0O\0)?(?:\s\0|\"\0)", re.IGNORECASE
)
_OLE_LINK = re.compile(  # a SupBook record without sheets: program, 0x03, document
    rb"\xae\x01..\0\0..(?:\0[ -~]{2,200}\x03|\x01(?:[ -~]\0){2,200}\x03\0)", re.DOTALL
)
_TABLE_NAME = re.compile(r"\.(?:csv|tsv|slk|dif|prn|iqy)[.\s]*\Z", re.IGNORECASE)
_FORMULA = re.compile(rb"(?m)(?:^|[,;\t])[\"' ]{0,20}[=+@-][^\r\n|]{0,200}\|[^\r\n!]{0,500}!")
_TEXT = frozenset({".asc", ".txt", ".dat"})


def starts_programs(content: bytes, types: Sequence[str], names: Sequence[str]) -> bool:
    """Tell whether a document, of these short types with the point, uses DDE."""
    shown = content[:_SHOWN]
    if ".cdf-ms" in types:
        return bool(_OLE_FIELD.search(shown) or _OLE_LINK.search(shown))
    if ".rtf" in types:
        return any(map(_RTF_DDE.search, _rtf_fields(shown)))
    if shown.lstrip()[:1] == b"<":
        marked = b"dde" in shown and bool(_XML_MARK.search(shown))
        return marked or (b"w:instr" in shown and bool(_DDE.search(_xml_fields(shown))))
    table = not _TEXT.isdisjoint(types) and any(map(_TABLE_NAME.search, names))
    return table and bool(_FORMULA.search(shown, 0, _TABLE_SHOWN))


def _rtf_fields(content: bytes) -> Iterator[bytes]:
    return (_RTF_WORDS.sub(b"", field[1]) for field in _RTF_FIELD.finditer(content))


def _xml_fields(content: bytes) -> bytes:
    """Return the fields' text in one: Word joins it where it is split into several elements."""
    joined = b"".join(b"".join(found) for found in _XML_FIELD.findall(content))
    return _QUOTED.sub(lambda quoted: bytes(int(n) & 0xFF for n in quoted[1].split()), joined)
