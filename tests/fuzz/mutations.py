"""Damaged octets: real mail and real answers, changed where it hurts.

Mutations know what they change: lines, header fields, boundaries, and what stands in base64, which
is decoded, damaged and encoded again, so that the damage reaches the readers of containers.
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]
Mutation = Callable[[Draw, bytes, Sequence[bytes]], bytes]

LONGEST = 200_000  # octets; a mutation that makes more is cut

_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/=]{20,78}\r?\n){2,}")


def mutated(seeds: Sequence[bytes], tokens: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return a strategy for one of the seeds, mutated; `tokens` mean something in it."""

    @st.composite
    def damaged(draw: Draw) -> bytes:
        octets: bytes = draw(st.sampled_from(seeds))
        for mutation in draw(st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=5)):
            octets = mutation(draw, octets, tokens)[:LONGEST]
        return octets

    return damaged()


def _span(draw: Draw, octets: bytes) -> tuple[int, int]:
    start = draw(st.integers(0, len(octets)))
    return start, min(len(octets), start + draw(st.sampled_from((1, 2, 7, 60, 1000))))


def _overwrite(draw: Draw, octets: bytes, tokens: Sequence[bytes]) -> bytes:
    start, end = _span(draw, octets)
    return octets[:start] + draw(st.binary(min_size=1, max_size=8)) + octets[end:]


def _insert(draw: Draw, octets: bytes, tokens: Sequence[bytes]) -> bytes:
    at = draw(st.integers(0, len(octets)))
    return octets[:at] + draw(st.sampled_from(tokens)) + octets[at:]


def _drop(draw: Draw, octets: bytes, tokens: Sequence[bytes]) -> bytes:
    start, end = _span(draw, octets)
    return octets[:start] + octets[end:]


def _repeat(draw: Draw, octets: bytes, tokens: Sequence[bytes]) -> bytes:
    start, end = _span(draw, octets)
    return octets[:end] + octets[start:end] * draw(st.sampled_from((1, 2, 50))) + octets[end:]


def _cut_off(draw: Draw, octets: bytes, tokens: Sequence[bytes]) -> bytes:
    return octets[: draw(st.integers(0, len(octets)))]


def _move_line(draw: Draw, octets: bytes, tokens: Sequence[bytes]) -> bytes:
    """Take a line away, and mostly put it, or a copy, somewhere else."""
    lines = octets.splitlines(keepends=True)
    if not lines:
        return octets
    line = lines[draw(st.integers(0, len(lines) - 1))]
    if draw(st.booleans()):
        lines.remove(line)
    if draw(st.booleans()):
        lines.insert(draw(st.integers(0, len(lines))), line)
    return b"".join(lines)


def _number(draw: Draw, octets: bytes, tokens: Sequence[bytes]) -> bytes:
    """Replace four octets by a number that lengths and offsets do not expect."""
    at = draw(st.integers(0, max(0, len(octets) - 4)))
    value = draw(st.sampled_from((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(octets))))
    order = draw(st.sampled_from(("big", "little")))
    return octets[:at] + value.to_bytes(4, order) + octets[at + 4 :]


def _inside_base64(draw: Draw, octets: bytes, tokens: Sequence[bytes]) -> bytes:
    """Damage what stands in one block of base64."""
    blocks = list(_BASE64.finditer(octets))
    if not blocks:
        return octets
    block = draw(st.sampled_from(blocks))
    try:
        content = base64.b64decode(block[0])
    except binascii.Error:
        return octets
    for damage in draw(st.lists(st.sampled_from(_IN_CONTENT), min_size=1, max_size=4)):
        content = damage(draw, content, tokens)[:LONGEST]
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return octets[: block.start()] + encoded + octets[block.end() :]


_IN_CONTENT: tuple[Mutation, ...] = (_overwrite, _drop, _repeat, _cut_off, _number, _insert)
MUTATIONS: tuple[Mutation, ...] = (*_IN_CONTENT, _move_line, _inside_base64, _inside_base64)


@cache
def tokens_of_mail() -> tuple[bytes, ...]:
    """Return pieces of header fields and encodings that change how a message is read."""
    fields = (
        "Content-Type: multipart/mixed; boundary=b",
        'Content-Type: multipart/mixed; boundary="b"; boundary=c',
        "Content-Type: message/rfc822",
        "Content-Type: application/ms-tnef; name*0*=utf-8''a%00; name*1=b",
        "Content-Type: text/plain; charset=utf-7",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: quoted-printable",
        "Content-Transfer-Encoding: x-uuencode",
        "Content-Disposition: attachment; filename=\"=?utf-8?b?LmV4ZQ==?=\"",
        "--b", "--b--", "begin 644 a.exe", "end", "=ybegin line=128 size=9 name=a", "=yend size=9",
        "(This file must be converted with BinHex 4.0)", "From a Thu Jan 1 00:00:00 1970",
        "%PDF-1.4", "{\\rtf1\\objdata 0105", "data:application/zip;base64,UEsDBA==",
    )  # fmt: skip
    odd = (b"\0", b"\r", b"\n", b"\r\n\r\n", b"\n\n", b"\xff\xfe", b"=", b"=\r\n", b"\xed\xa0\x80")
    magic = (
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"PK\x01\x02",
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!\x1a\x07\x00",
    )
    magic += (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x1f\x8b\x08", b"BZh9", b"\x78\x9f\x3e\x22")
    return (*(f"{field}\r\n".encode() for field in fields), *odd, *magic)
