"""Transfer encodings, as forgiving as mail readers are (reliability M4, M5)."""

import base64
import binascii
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.unpack.transfer import decode, decode_as_any, transfer_encoding


@pytest.mark.parametrize(
    ("value", "token"),
    [
        ("base64", "base64"),
        ("BASE64;", "base64"),
        ('"base64"', "base64"),
        ("(note) base64", "base64"),
        ("base64 (really)", "base64"),
        ("", ""),
        ("(only)", ""),
    ],
)
def test_the_token_is_found(value: str, token: str) -> None:
    assert transfer_encoding(value) == token


@pytest.mark.parametrize(
    ("encoding", "octets", "content"),
    [
        ("base64", b"TVqQ", b"MZ\x90"),
        ("base64", b"T V\r\nq\tQ", b"MZ\x90"),
        ("base64", b"TVqQ\r\n-- \r\nA list", b"MZ\x90"),
        ("base64", b"TVo", b"MZ"),
        ("base64", b"TVo=", b"MZ"),
        ("base64", b"", b""),
        ("quoted-printable", b"M=5a=\r\n=4D\r\n", b"MZM\r\n"),
        ("quoted-printable", b"M= \t\r\n=5A", b"MZ"),
        ("uuencode", b"begin 644 x\r\n#35J0\r\n`\r\nend\r\n", b"MZ\x90"),
        ("x-uue", b"junk\nbegin 0644 x\n#35J0trailing\nend\n", b"MZ\x90"),
        ("7bit", b"as it is\0", b"as it is\0"),
    ],
)
def test_contents_come_out_as_readers_show_them(
    encoding: str, octets: bytes, content: bytes
) -> None:
    """M4, M5."""
    decoded = decode(encoding, octets)
    assert (decoded.contents[0], decoded.problem, decoded.odd) == (content, "", "")


@pytest.mark.parametrize(
    ("octets", "contents"),
    [
        (b"TVo=kAA=", {b"MZ\x90\x00", b"MZ"}),
        (b"TV=oAA==", {b"M\xa0\x00", b"M"}),
        (b"ABC\n\nTVqQAAAA", {b"MZ\x90\x00\x00\x00"}),
        (b"TVqQX\nAAAAX\nAAAAX", {b"MZ\x90" + bytes(6)}),
        (b"begin-base64 644 x\nTVqQTVqQTVqQTVqQTVqQ", {b"MZ\x90" * 5}),
        (b"TVqQ#AAAA", {b"MZ\x90\x00\x00\x00", b"MZ\x90"}),
        (b"T_V_q_Q", {b"MZ\x90"}),
    ],
)
def test_broken_base64_is_read_in_all_ways(octets: bytes, contents: set[bytes]) -> None:
    """M4."""
    assert contents <= set(decode("base64", octets).contents)


def test_broken_escapes_are_read_in_both_ways() -> None:
    """M5."""
    assert set(decode("quoted-printable", b"=G=4D").contents) == {b"=GM", b"GM"}


@pytest.mark.parametrize(
    ("encoding", "octets"),
    [("base64", b"!!!"), ("uuencode", b"no begin"), ("rot13", b"abc"), ("base65", b"TVqQ")],
)
def test_where_nothing_comes_out_it_is_undecodable(encoding: str, octets: bytes) -> None:
    assert decode(encoding, octets).problem


def test_what_has_two_encodings_is_read_in_each() -> None:
    """M2."""
    coded = base64.encodebytes(b"x" * 30)
    assert {coded, b"x" * 30} <= set(decode_as_any(["7bit", "base64"], coded).contents)


@given(st.binary(max_size=500))
def test_what_was_encoded_comes_back(content: bytes) -> None:
    assert decode("base64", base64.encodebytes(content)).contents == (content,)
    quoted = quopri.encodestring(content)
    assert decode("quoted-printable", quoted).contents[0] == quopri.decodestring(quoted)
    lines = [binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45)]
    file = b"begin 644 x\n" + b"".join(lines) + b"end\n"
    assert decode("uue", file).contents[0] == content


@given(st.sampled_from(["base64", "quoted-printable", "uuencode", "7bit", "x"]), st.binary())
def test_nothing_makes_it_raise(encoding: str, octets: bytes) -> None:
    assert decode(encoding, octets).contents
    assert decode_as_any([encoding, ""], octets).contents
