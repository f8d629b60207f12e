"""Files that are written into texts (reliability M9)."""

import base64
import binascii
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.findings import Unchecked
from smtpfilter.policy.site import Limits
from smtpfilter.unpack.binhex import binhex_files
from smtpfilter.unpack.contents import Contents
from smtpfilter.unpack.limits import Budget, Unlookable
from smtpfilter.unpack.textual import Find, finds
from smtpfilter.unpack.uuencode import uu_files
from smtpfilter.unpack.yenc import yenc_files
from tests.unpack.packing import PE, zipped

Looking = Callable[..., Contents]

CODED = base64.b64encode(PE).decode()


def uuencoded(name: str, content: bytes) -> str:
    lines = [binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45)]
    return f"begin 644 {name}\n{b''.join(lines).decode()}`\nend\n"


def yencoded(name: str, content: bytes, line: int = 128) -> bytes:
    coded = b""
    for octet in content:
        value = (octet + 42) & 0xFF
        special = value in b"\0\r\n=."
        coded += b"=" + bytes([(value + 64) & 0xFF]) if special else bytes([value])
    head = f"=ybegin line={line} size={len(content)} name={name}\r\n".encode()
    return head + coded + b"\r\n=yend size=1\r\n"


def found(text: bytes) -> list[Find]:
    return list(finds(text, Budget(Limits(), len(text))))


def test_every_file_in_a_text_is_found(look: Looking) -> None:
    text = f"hello\n\n{uuencoded('x.exe', PE)}\nand\n{uuencoded('y.exe', PE + b'y')}\nbye\n"
    contents = look(text.encode(), "a.txt")
    assert [part.name for part in contents.parts] == ["a.txt", "x.exe", "y.exe"]
    assert contents.unchecked == []


CODED_LINES = uuencoded("x", PE)


@pytest.mark.parametrize(
    "text",
    [
        CODED_LINES.replace("644 x", "644"),
        CODED_LINES.replace("begin", "BEGIN"),
        f"<html><pre>{CODED_LINES}</pre>",
        f"<html>{'words ' * 9}<pre>{CODED_LINES}</pre>",
        "sed 's/^X//' << 'END'\n" + "".join(f"X{line}\n" for line in CODED_LINES.splitlines()),
        "you wrote:\n" + "".join(f"> {line}\n" for line in CODED_LINES.splitlines()),
        "".join(f">> {line}\r\n" for line in CODED_LINES.splitlines()),
    ],
    ids=["no name", "capitals", "pre", "far in a line", "shar", "quoted", "quoted twice"],
)
def test_uuencode_in_any_dress_is_found(look: Looking, text: str) -> None:
    """M9."""
    contents = look(text.encode(), "a.txt")
    assert [find.content for find in found(text.encode())] == [PE]
    assert contents.unchecked == []


@pytest.mark.parametrize(
    "text",
    [
        f"<script>var f=new Blob([atob('{CODED}')])</script>",
        "<script>x = '" + "' +\n  '".join(CODED[n : n + 60] for n in range(0, 400, 60)) + "'",
        f"Here it is:\n\n{base64.encodebytes(PE).decode()}\nbye",
        "look:\r\n" + "\r\n".join(CODED[n : n + 8] for n in range(0, len(CODED), 8)),
        f"<img src='data:image/png;base64,{CODED}'>",
        f'<a href="data:application/x;charset=a;base64,{CODED.replace("=", "%3D")}">',
        "<script>new Uint8Array([" + ",".join(map(str, PE)) + "])</script>",
        "<script>[" + ", ".join(map(hex, PE)) + ", 0]</script>",
        "unescape('" + "".join(f"%{octet:02x}" for octet in PE) + "')",
        "'" + "".join(f"\\x{octet:02x}" for octet in PE) + "'",
        "'" + "".join(f"\\u00{octet:02x}" for octet in PE) + "'",
        f"<svg xmlns='http://www.w3.org/2000/svg'><script>'{PE.hex()}'</script></svg>",
        "<script>['" + "', '".join(CODED[n : n + 9] for n in range(0, 400, 9)) + "'].join('')",
        "<script>" + "; ".join(f'x += "{CODED[n : n + 20]}"' for n in range(0, 400, 20)),
        "<a href='" + "".join(f"&#{octet};" for octet in f"data:,{CODED}".encode()) + "'>",
        f"begin-base64 644 a.exe\n{base64.encodebytes(PE).decode()}====\n",
    ],
)
def test_what_a_script_puts_together_is_found(look: Looking, text: str) -> None:
    assert any(".exe-ms" in part.short_types for part in look(text.encode(), "a.html").parts)


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-be", "utf-8"])
def test_a_page_with_nuls_in_it_is_searched_as_browsers_read_it(look: Looking, coding: str) -> None:
    page = f"<html>\0<script>x = '{CODED}'</script>".encode(coding)
    assert any(".exe-ms" in part.short_types for part in look(page, "a.html").parts)


def test_a_list_of_numbers_is_read_to_its_end() -> None:
    text = b"new Uint8Array([" + ",".join(map(str, b"z" * 99 + b"!")).encode() + b"])"
    assert [find.content for find in found(text)] == [b"z" * 99 + b"!"]


def test_a_container_in_a_text_is_opened(look: Looking) -> None:
    packed = base64.b64encode(zipped(("x.exe", PE))).decode()
    parts = look(f"<script>atob('{packed}')</script>".encode(), "a.html").parts
    assert parts[-1].name == "x.exe"


def test_what_only_may_be_a_file_is_not_missed_where_it_is_none(look: Looking) -> None:
    """A bounce quotes the beginning of a mail: its attachment is cut, and that is fine."""
    cut = base64.encodebytes(zipped(("x.exe", PE)))[:200]
    assert look(b"Your mail:\n\n" + cut, "a.txt").unchecked == []


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/" + "a/b/c" * 20,
        "-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCAAdFiEE" + "Zm9vYmFyYmF6" * 20 + "\n",
        "begin 644 words that begin like a file\nand go on\n",
        "BEGIN 644 WORDS\nAND SO ON, IN CAPITALS\n",
        "To begin 644\nPAGES ARE MANY.\n",
        "> begin 1000 things\n> AND MORE OF THEM\n",
        "=ybegin what is this\n",
        "1, 2, 3, " * 10,
        "data: see below, thank you\n",
    ],
)
def test_ordinary_text_holds_no_files(text: str) -> None:
    assert found(text.encode()) == []


def test_yenc_is_decoded() -> None:
    content = bytes(range(256)) * 3
    text = b"hello\r\n" + yencoded("a.bin", content) + b"\r\n" + yencoded("b.bin", b"b" * 9)
    assert list(yenc_files(text)) == [(b"a.bin", content), (b"b.bin", b"b" * 9)]
    assert [(find.name, find.guess) for find in found(text)] == [
        (b"a.bin", False),
        (b"b.bin", False),
    ]


def test_binhex_is_decoded() -> None:
    budget = Budget(Limits(), 100)
    ((name, content),) = binhex_files(packed_binhex(b"a.exe", b"MZ\x90\x90" + b"x" * 50), budget)
    assert (name, content) == (b"a.exe", b"MZ\x90\x90" + b"x" * 50)


def packed_binhex(name: bytes, content: bytes) -> bytes:
    """Return a BinHex file with a data fork (RFC 1741 4)."""
    head = bytes([len(name)]) + name + bytes(11) + len(content).to_bytes(4, "big") + bytes(6)
    return in_binhex((head + content).replace(b"\x90", b"\x90\0"))


def in_binhex(stream: bytes) -> bytes:
    table = bytes.maketrans(
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr",
    )
    coded = binascii.b2a_base64(stream, newline=False).rstrip(b"=").translate(table)
    return b"(This file must be converted with BinHex 4.0)\r\n:" + coded + b":\r\n"


def test_a_bomb_in_binhex_ends_at_the_limit() -> None:
    with pytest.raises(Unlookable):
        list(binhex_files(in_binhex(b"a\x90\xff" * 60_000), Budget(Limits(content_bytes=1000), 1)))


def test_the_last_of_many_files_in_a_text_is_found(look: Looking) -> None:
    text = "".join(uuencoded(f"{number}.txt", b"x" * 50) for number in range(400))
    parts = look((text + uuencoded("x.exe", PE)).encode(), "a.txt").parts
    assert any(part.name == "x.exe" for part in parts)


def test_a_file_begins_where_a_tab_follows_the_word(look: Looking) -> None:
    text = uuencoded("a.txt", b"x" * 50).replace("`\nend\n", "")
    text += uuencoded("x.exe", PE).replace("begin ", "begin\t")
    parts = look(text.encode(), "a.txt").parts
    assert any(part.name == "x.exe" and ".exe-ms" in part.short_types for part in parts)


def test_many_files_in_a_text_end_at_the_limit(look: Looking) -> None:
    text = "".join(uuencoded(f"{number}.txt", b"x" * 50) for number in range(200))
    contents = look(text.encode(), "a.txt", Limits(parts=50))
    assert contents.unchecked == [Unchecked("limits", "part 1: more than 50 parts")]


@given(st.binary(max_size=300))
def test_nothing_makes_it_raise(octets: bytes) -> None:
    for start in (
        b"",
        b"begin 644 x\n",
        b"=ybegin name=x\n",
        b"data:;base64,",
        in_binhex(b"")[:-3],
    ):
        found(start + octets)
        list(uu_files(start + octets))
