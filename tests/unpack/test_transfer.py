"""Transfer encodings, as forgiving as mail readers are (reliability M4, M5)."""

import base64
import binascii
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.unpack.transfer import decode, transfer_encoding


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
        ("base64", b"T V\r\nq*Q", b"MZ\x90"),
        ("base64", b"TVo=kAA=", b"MZ\x90\x00"),
        ("base64", b"TVqQ\r\n-- \r\nA", b"MZ\x90"),
        ("base64", b"TVo", b"MZ"),
        ("base64", b"", b""),
        ("quoted-printable", b"M=5a=\r\n=4D\r\n", b"MZM\r\n"),
        ("quoted-printable", b"=ZZ", b"=ZZ"),
        ("uuencode", b"begin 644 x\r\n#35J0\r\n`\r\nend\r\n", b"MZ\x90"),
        ("x-uue", b"junk\nbegin 0644 x\n#35J0trailing\nend\n", b"MZ\x90"),
        ("7bit", b"as it is\0", b"as it is\0"),
    ],
)
def test_contents_come_out_as_readers_show_them(
    encoding: str, octets: bytes, content: bytes
) -> None:
    assert decode(encoding, octets) == (content, None)


@pytest.mark.parametrize(
    ("encoding", "octets"),
    [("base64", b"!!!"), ("uuencode", b"no begin"), ("rot13", b"abc"), ("base65", b"TVqQ")],
)
def test_where_nothing_comes_out_it_is_undecodable(encoding: str, octets: bytes) -> None:
    assert decode(encoding, octets)[1] is not None


@given(st.binary(max_size=500))
def test_what_was_encoded_comes_back(content: bytes) -> None:
    assert decode("base64", base64.encodebytes(content))[0] == content
    assert decode("quoted-printable", quopri.encodestring(content))[0] == quopri.decodestring(
        quopri.encodestring(content)
    )
    lines = [binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45)]
    assert decode("uue", b"begin 644 x\n" + b"".join(lines) + b"end\n")[0] == content


@given(st.sampled_from(["base64", "quoted-printable", "uuencode", "7bit", "x"]), st.binary())
def test_nothing_makes_it_raise(encoding: str, octets: bytes) -> None:
    decode(encoding, octets)
