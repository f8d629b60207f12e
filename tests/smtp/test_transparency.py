"""The end of a message and the dots in it, whatever the chunks (P1, P2, T-11, BB-42)."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.smtp.transparency import Unstuffer, transparent

# Everything that matters to the two state machines, and a letter.
tricky = st.text(alphabet="\r\n.\0a", max_size=60).map(str.encode)
cuts = st.lists(st.integers(0, 70), max_size=12)


def chunked(octets: bytes, borders: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(border, len(octets)) for border in borders), len(octets)]
    return [octets[a:b] for a, b in pairwise(edges)]


def received(wire: bytes, borders: list[int] | None = None) -> tuple[bytes, bytes | None]:
    """Return the content that the reader makes of the wire, and what followed the end."""
    unstuffer = Unstuffer()
    content = b""
    for chunk in chunked(wire, borders or []):
        if unstuffer.rest is not None:
            return content, unstuffer.rest + wire[len(wire) - len(chunk) :]
        content += unstuffer.feed(chunk)
    return content, unstuffer.rest


def normalised(octets: bytes) -> bytes:
    """What goes out for `octets`, before stuffing: the slow way, octet by octet."""
    lines, line, position = [], b"", 0
    while position < len(octets):
        if octets[position : position + 2] == b"\r\n":
            position += 1
        if octets[position : position + 1] in (b"\r", b"\n"):
            lines.append(line)
            line = b""
        else:
            line += octets[position : position + 1]
        position += 1
    return b"".join(line + b"\r\n" for line in [*lines, *([line] if line else [])])


@given(tricky, cuts, st.binary(max_size=8))
def test_what_is_sent_is_received_whatever_the_chunks(
    octets: bytes, borders: list[int], following: bytes
) -> None:
    wire = b"".join(transparent(chunked(octets, borders))) + b".\r\n"
    content, rest = received(wire + following)
    assert (content, rest) == (normalised(octets), following)


@given(tricky, cuts)
def test_the_chunks_make_no_difference_to_what_is_received(wire: bytes, borders: list[int]) -> None:
    whole = Unstuffer()
    expected = whole.feed(wire)
    split = Unstuffer()
    content = b""
    for number, chunk in enumerate(chunked(wire, borders)):
        content += split.feed(chunk)
        if split.rest is not None:
            split.rest += b"".join(chunked(wire, borders)[number + 1 :])
            break
    assert (content, split.rest) == (expected, whole.rest)


@given(tricky, cuts)
def test_nothing_that_leaves_can_end_the_message_early(octets: bytes, borders: list[int]) -> None:
    wire = b"".join(transparent(chunked(octets, borders)))
    assert b"\r\n.\r\n" not in b"\r\n" + wire
    assert wire.count(b"\r") == wire.count(b"\n") == wire.count(b"\r\n")
    assert not wire or wire.endswith(b"\r\n")


@pytest.mark.parametrize(
    "ending",
    [
        b"\n.\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r\n.\r",
        b"\r\n\0.\r\n",
        b"\r\n. \r\n",
        b"\n\r.\n\r",
        b"\r\r\n.\n\r\n",
        b"\r\n..\r\n",
        b"\xc2\x85.\xc2\x85",
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_only_crlf_dot_crlf_ends_a_message(ending: bytes, size: int) -> None:
    wire = b"a" + ending + b"MAIL FROM:<evil@example.org>\r\n"
    borders = list(range(0, len(wire) + 5, size))
    content, rest = received(wire + b".\r\n", borders)
    assert content == wire.replace(b"\r\n.", b"\r\n")
    assert rest == b""


@pytest.mark.parametrize("border", range(9))
def test_an_empty_message_ends_at_once(border: int) -> None:
    assert received(b".\r\nQUIT\r\n", [border]) == (b"", b"QUIT\r\n")


@pytest.mark.parametrize("border", range(12))
def test_the_first_line_is_unstuffed_too(border: int) -> None:
    assert received(b"..\r\n.a\r\n.\r\n", [border]) == (b".\r\na\r\n", b"")
