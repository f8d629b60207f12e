"""Files attached to PDF documents, and what of a PDF stands in compressed objects.

Runs in a child process only.  Source: ISO 32000-1 7.5.7 (object streams), 7.11 (file
specifications), 7.6 (encryption).
"""

import contextlib
import io
import logging
import re
import zlib
from collections.abc import Iterator, Sequence

import pypdf
from pypdf.generic import DictionaryObject, IndirectObject, StreamObject

from smtpfilter.unpack.archives import DAMAGED, Member
from smtpfilter.unpack.limits import Budget, Unlookable

_OBJECT_STREAM = re.compile(  # any letter of a name may be escaped (7.3.5)
    rb"/(?:O|#4[Ff])(?:b|#62)(?:j|#6[Aa])(?:S|#53)(?:t|#74)(?:m|#6[Dd])(?![^\s()<>\[\]{}/%])"
)
_STREAM = re.compile(rb"\bstream\r?\n")
_LONGEST_DICTIONARY = 500  # octets
_READABLE_OCTETS = 32 << 20  # of object streams that are inflated to look for names
_MOST_OBJECT_STREAMS = 10_000
_PACKED_STEP, _LOST = 1 << 10, 1 << 20  # octets: what the step in which a stream breaks may cost
_MOST_OBJECTS = 50_000
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_NAME = re.compile(rb"/[^\s()<>\[\]{}/%#]{0,127}#[^\s()<>\[\]{}/%]{0,127}")
_ATTACHES = re.compile(rb"/(?:EmbeddedFiles?|EF)\b")
_ENCRYPTED = re.compile(rb"/Encrypt\b")
_NAME_KEYS = ("/UF", "/F", "/DOS", "/Unix", "/Mac")
_EMBEDDED_STREAM = re.compile(rb"/EmbeddedFile\b.{0,500}?\bstream\r?\n", re.DOTALL)
_STEP = 1 << 16  # octets between two looks at the budget

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its warnings hold words of the mail


def names_readable(content: bytes) -> tuple[bytes, bool]:
    """Return a PDF's text with its object streams inflated and its names unescaped (7.3.5), and
    whether all of those streams could be read.
    """
    streams, complete = _object_streams(content)
    inflated = b"\n".join((content, *streams))
    return _NAME.sub(lambda name: _ESCAPED.sub(_unescaped, name[0]), inflated), complete


def pdf_members(content: bytes, budget: Budget, passwords: Sequence[str] = ()) -> Iterator[Member]:
    """Yield the attached files.  Raises Unlookable, also where the document has a password.

    One that asks its reader for none is read; a password that opens it is a finding all the same.
    """
    text, complete = names_readable(content)
    encrypted = bool(_ENCRYPTED.search(text))
    if complete and not encrypted and not _ATTACHES.search(text):
        return
    found: list[Member] = []
    password: str | None = None
    damaged = False
    try:
        reader = pypdf.PdfReader(io.BytesIO(content), strict=False)
        password = _password(reader, passwords, budget)
        if password is not None:
            found = list(_attached(reader, budget))
    except (Unlookable, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - the parser trips over damage in many ways
        damaged = not encrypted
    found += () if found or encrypted else _carved(content, budget)
    yield from found
    if encrypted and password != "":
        raise Unlookable("encrypted", "the document has a password")
    if damaged and not found:
        raise Unlookable("undecodable", "its PDF structure is damaged")


def _password(reader: pypdf.PdfReader, passwords: Sequence[str], budget: Budget) -> str | None:
    """Return the password that opens the document, "" where it asks for none, None: unknown."""
    for candidate in ("", *passwords):
        budget.spend_bytes(0)
        if not reader.is_encrypted or reader.decrypt(candidate):
            return candidate
    return None


def _attached(reader: pypdf.PdfReader, budget: Budget) -> Iterator[Member]:
    """Yield what the file specifications name, then embedded files that none of them names."""
    numbers = {(number, gen) for gen, table in reader.xref.items() for number in table}
    numbers |= {(number, 0) for number in reader.xref_objStm}
    if len(numbers) > _MOST_OBJECTS:
        raise Unlookable("limits", f"more than {_MOST_OBJECTS} PDF objects")
    named: set[int] = set()
    nameless: dict[int, StreamObject] = {}
    for number, generation in sorted(numbers):
        budget.spend_bytes(0)
        thing = IndirectObject(number, generation, reader).get_object()
        if isinstance(thing, StreamObject) and thing.get("/Type") == "/EmbeddedFile":
            nameless[number] = thing
        elif isinstance(thing, DictionaryObject) and "/EF" in thing:
            yield from _specified(thing, named, budget)
    for number, stream in nameless.items():
        if number not in named:
            yield _embedded(stream, (), budget)


def _specified(
    specification: DictionaryObject, named: set[int], budget: Budget
) -> Iterator[Member]:
    """Yield the files of one file specification (7.11.3), one per stream."""
    found = (str(specification[key]) for key in _NAME_KEYS if key in specification)
    names = tuple(dict.fromkeys(name.encode("utf-8", "replace") for name in found))
    files = specification["/EF"].get_object()
    if not isinstance(files, DictionaryObject):
        return
    streams: dict[int, StreamObject] = {}
    for value in files.values():
        stream = value.get_object()
        if isinstance(value, IndirectObject) and isinstance(stream, StreamObject):
            streams[value.idnum] = stream
    for number in streams.keys() - named:
        yield _embedded(streams[number], names, budget)
    named.update(streams)


def _embedded(stream: StreamObject, names: tuple[bytes, ...], budget: Budget) -> Member:
    budget.spend_part()
    try:
        content = stream.get_data()
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - filters fail in many ways, and have limits of their own
        return Member(names, None, DAMAGED)
    budget.spend_bytes(len(content))
    return Member(names, content)


def _carved(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the embedded files of a PDF whose structure leads to none of them."""
    for start in _EMBEDDED_STREAM.finditer(content):
        budget.spend_part()
        end = content.find(b"endstream", start.end())
        stream = content[start.end() : end if end >= 0 else len(content)]
        if b"FlateDecode" in start[0]:
            stream = _inflated(stream, budget)
        yield Member((), stream)


def _inflated(stream: bytes, budget: Budget) -> bytes:
    """Return what can be inflated of a stream."""
    unpacked = bytearray()
    inflater = zlib.decompressobj()
    with contextlib.suppress(zlib.error):
        while stream and not inflater.eof:
            piece = inflater.decompress(stream, _STEP)
            budget.spend_bytes(len(piece))
            unpacked += piece
            stream = inflater.unconsumed_tail
    return bytes(unpacked)


def _object_streams(content: bytes) -> tuple[list[bytes], bool]:
    """Return what the object streams hold, and whether that is all of it."""
    found: list[bytes] = []
    complete, left = True, _READABLE_OCTETS
    for number, mark in enumerate(_OBJECT_STREAM.finditer(content)):
        if left <= 0 or number >= _MOST_OBJECT_STREAMS:
            return found, False
        start = _STREAM.search(content, mark.end(), mark.end() + _LONGEST_DICTIONARY)
        inflated, ended = _first_of(content, start.end(), left) if start else (b"", False)
        found.append(inflated)
        complete = complete and ended
        left -= len(inflated) + (0 if ended else _LOST)
    return found, complete


def _first_of(content: bytes, at: int, most: int) -> tuple[bytes, bool]:
    """Inflate about `most` octets of the stream that begins at `at`; did it come to its end?"""
    unpacked = bytearray()
    inflater = zlib.decompressobj()
    with contextlib.suppress(zlib.error):
        while at < len(content) and not inflater.eof and len(unpacked) < most:
            unpacked += inflater.decompress(content[at : at + _PACKED_STEP])
            at += _PACKED_STEP
    return bytes(unpacked), inflater.eof


def _unescaped(found: re.Match[bytes]) -> bytes:
    return bytes.fromhex(found[1].decode())
