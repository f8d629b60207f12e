"""Base64 as different programs read it where it is not written as RFC 2045 6.8 wants it.

Some stop at the first padding or at the first character that is none of the alphabet, some skip
both; some decode line by line.  All of that is read (M4).  What is written properly, whatever the
length of its lines, is read once.
"""

import binascii
import itertools
import re
from collections.abc import Iterator

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_JUNK = bytes(octet for octet in range(256) if octet not in ALPHABET + b"=")
_BLANKS = b" \t\r\n\v\f"
_DATA_LINE = re.compile(rb"[ \t\v\f]*+[A-Za-z0-9+/]*+={0,2}[ \t\v\f]*+")
_LINE_END = re.compile(rb"\r\n|[\r\n]")
_EMPTY_LINES = re.compile(rb"(?:\r\n|\n|\r)[ \t]*+(?:\r\n|\n|\r)\s*+")
_NO_DATA = re.compile(rb"[^A-Za-z0-9+/=\s]")
_MOST_PADDINGS = 1000
_MANY_LINES = 1000
_LARGE = 16_000_000  # octets that are not read in all ways
_LONG_LINE = 20  # a data line after the data's end is meant to be read; a word of a footer is not


def base64_contents(octets: bytes) -> tuple[tuple[bytes, ...], str]:
    """Return what programs read, the likeliest first, and why they differ, "" where they do not."""
    compact = octets.translate(None, _BLANKS)
    rest = compact.translate(None, ALPHABET)
    proper = rest in (b"", b"=", b"==") and compact.endswith(rest)
    if proper and _in_whole_groups(octets, compact):
        return (base64_octets(compact),), ""
    if len(octets) > _LARGE:
        return (_joined(octets), base64_octets(compact.partition(b"=")[0])), "its base64 is broken"
    lines = [line for line in _LINE_END.split(octets) if line.strip()]
    if proper and _equally_long(lines):
        return _each_once([base64_octets(compact), b"".join(map(_whole_groups, lines))]), ""
    odd = _oddity(lines)
    contents = [*_readings(octets, compact, lines)]
    if not odd:  # text after the end, as some list servers add it
        data = itertools.takewhile(_DATA_LINE.fullmatch, lines)
        contents.insert(
            0, base64_octets(b"".join(data).translate(None, _BLANKS).partition(b"=")[0])
        )
    return _each_once(contents), odd


def base64_octets(characters: bytes) -> bytes:
    """Return the octets that characters of the alphabet stand for, with padding or without."""
    data = characters.replace(b"=", b"")
    whole = len(data) - (len(data) % 4 == 1)  # a single character is less than an octet
    return binascii.a2b_base64(data[:whole] + b"=" * (-whole % 4))


def _each_once(contents: list[bytes]) -> tuple[bytes, ...]:
    first, *others = contents
    return tuple(dict.fromkeys([first, *(other for other in others if other)]))


def _in_whole_groups(octets: bytes, compact: bytes) -> bool:
    """Tell whether every line but the last holds whole groups of four characters."""
    first = len(octets.lstrip().split(b"\n", 1)[0].translate(None, _BLANKS))
    count = octets.count(b"\n")
    if count >= _MANY_LINES and first and first % 4 == 0:  # told by their number, to be quick
        return count <= len(compact) // first + 4
    return all(length % 4 == 0 for length in _lengths(octets)[:-1])


def _equally_long(lines: list[bytes]) -> bool:
    lengths = [len(line.strip(_BLANKS)) for line in lines]
    return len(set(lengths[:-1])) == 1 and lengths[-1] <= lengths[0]


def _lengths(octets: bytes) -> list[int]:
    lines = (line.strip(_BLANKS) for line in _LINE_END.split(octets))
    return [len(line) for line in lines if line]


def _oddity(lines: list[bytes]) -> str:
    """Tell whether the data is broken in itself, and not just followed by text."""
    are_data = [bool(_DATA_LINE.fullmatch(line)) for line in lines]
    length = are_data.index(False) if False in are_data else len(lines)
    padded = next((n for n, line in enumerate(lines[:length]) if b"=" in line), length)
    if not length or any(
        are_data[n] and len(lines[n].strip()) >= _LONG_LINE for n in range(length, len(lines))
    ):
        return "its base64 has something else in it"
    if padded < length - 1 and any(
        b"=" in lines[n] or len(lines[n].strip()) >= _LONG_LINE for n in range(padded + 1, length)
    ):
        return "its base64 goes on after its end"
    if any(len(line.strip()) % 4 for line in lines[: min(length, padded) - 1]):
        return "the lines of its base64 end at odd places"
    return ""


def _readings(octets: bytes, compact: bytes, lines: list[bytes]) -> Iterator[bytes]:
    yield _joined(octets)
    yield base64_octets(_data(compact.partition(b"=")[0]))
    yield base64_octets(_NO_DATA.split(octets, 1)[0].translate(None, _JUNK + b"="))
    yield b"".join(_whole_groups(line) for line in lines)
    data = [line for line in lines if _DATA_LINE.fullmatch(line)]
    yield _joined(b"".join(data))
    _first, *later = _EMPTY_LINES.split(octets.strip(), 1)
    for rest in later:
        yield _joined(rest)


def _data(octets: bytes) -> bytes:
    return octets.translate(None, _JUNK)


def _joined(octets: bytes) -> bytes:
    """Return all that is base64: junk is skipped, what follows a padding is read on."""
    pieces = _data(octets).split(b"=", _MOST_PADDINGS)
    return b"".join(base64_octets(piece) for piece in pieces)


def _whole_groups(line: bytes) -> bytes:
    data = _data(line).partition(b"=")[0]
    return base64_octets(data[: len(data) - len(data) % 4] if b"=" not in line else data)
