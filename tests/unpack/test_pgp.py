"""What OpenPGP wraps without encryption is looked into, armored or not (gpg --store)."""

import base64
import bz2
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.policy.site import Limits
from smtpfilter.unpack.contents import Contents
from smtpfilter.unpack.limits import Budget
from smtpfilter.unpack.pgp import is_open, pgp_members
from tests.unpack.packing import PE

Looking = Callable[..., Contents]

ONE_PASS = b"\x90\x0d\x03\0\x08\x01" + bytes(8) + b"\x01"


def literal(content: bytes, name: bytes = b"x.exe") -> bytes:
    """Return a literal data packet in the old format (RFC 9580 4.2.2 and 5.9)."""
    body = b"b" + bytes([len(name)]) + name + bytes(4) + content
    return b"\xae" + len(body).to_bytes(4, "big") + body


def in_pieces(packet: bytes) -> bytes:
    """Return the packet in the new format, with a partial length (RFC 9580 4.2.1.4)."""
    body = packet[5:]
    rest = len(body) - 128
    return b"\xcb\xe7" + body[:128] + b"\xff" + rest.to_bytes(4, "big") + body[128:]


def deflated(packet: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(packet) + packer.flush()


def armored(packet: bytes, label: str = "MESSAGE") -> bytes:
    coded = base64.encodebytes(packet).decode()
    head = f"-----BEGIN PGP {label}-----\nComment: words\n\n{coded}=W5bE\n"
    return f"{head}-----END PGP {label}-----\n".encode()


PACKETS = {
    "literal": literal(PE),
    "in pieces": in_pieces(literal(PE)),
    "signed": ONE_PASS + literal(PE),
    "not compressed": b"\xa3\0" + literal(PE),
    "zip": b"\xa3\1" + deflated(literal(PE)),
    "zlib": b"\xa3\2" + zlib.compress(ONE_PASS + literal(PE)),
    "bzip2": b"\xa3\3" + bz2.compress(literal(PE)),
    "twice": b"\xa3\2" + zlib.compress(b"\xa3\3" + bz2.compress(literal(PE))),
}


@pytest.mark.parametrize("packet", PACKETS.values(), ids=PACKETS)
@pytest.mark.parametrize("dress", [bytes, armored, lambda one: b"words\n\n" + armored(one)])
def test_data_that_is_not_encrypted_is_found(
    look: Looking, packet: bytes, dress: Callable[[bytes], bytes]
) -> None:
    """M9."""
    parts = look(dress(packet), "a.dat").parts
    assert any(part.nodes[-1] == (".exe", ".exe-ms", "x.exe") for part in parts)


def test_damage_does_not_hide_what_comes_before_it(look: Looking) -> None:
    opened = look(b"\xa3\2" + zlib.compress(literal(PE))[:-4], "a.gpg")
    assert opened.parts[-1].name == "x.exe"


@pytest.mark.parametrize(
    "content",
    [
        b"\xa3\1words that are no packed data",
        b"\xcb\x05b\xffxyz",
        b"\x85\x01\x0c\x03" + bytes(100),
        b"\xff\xd8\xff\xe0" + bytes(100),
        "\u043f\u0440\u0438\u0432\u0435\u0442".encode("koi8-r") * 9,
    ],
    ids=["not packed", "long name", "encrypted", "picture", "text"],
)
def test_other_content_is_nothing(look: Looking, content: bytes) -> None:
    opened = look(content, "a.bin")
    assert len(opened.parts) == 1
    assert opened.unchecked == []


def test_it_ends_at_its_limit(look: Looking) -> None:
    """X-1."""
    bomb = b"\xa3\2" + zlib.compress(literal(bytes(1_000_000)))
    opened = look(bomb, limits=Limits(free_bytes=100_000, content_bytes=100_000))
    assert [remark.kind for remark in opened.unchecked] == ["limits"]


@given(st.binary(max_size=60), st.sampled_from([b"", *PACKETS.values()]))
def test_whatever_comes_it_ends(octets: bytes, start: bytes) -> None:
    for content in (octets, start[:20] + octets, b"\xcb" + octets, b"\xa3\1" + octets):
        if is_open(content):
            list(pgp_members(content, Budget(Limits(), len(content))))
