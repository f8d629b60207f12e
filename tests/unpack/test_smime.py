"""An opaque S/MIME signature carries the message itself, which is looked into."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.unpack.contents import Contents
from smtpfilter.unpack.mime import Walk
from smtpfilter.unpack.smime import signed_message
from tests.unpack.packing import PE
from tests.unpack.test_mime import attachment, multipart

SIGNED = bytes.fromhex("06092a864886f70d010702")
ENVELOPED = bytes.fromhex("06092a864886f70d010703")
DIGESTED = bytes.fromhex("06092a864886f70d010705")
DATA = bytes.fromhex("06092a864886f70d010701")
INNER = multipart(attachment("x.exe", PE))


def told(tag: int, content: bytes) -> bytes:
    """Return an element whose length is told in advance."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def untold(tag: int, content: bytes) -> bytes:
    """Return an element that ends with two zeros."""
    return bytes((tag, 0x80)) + content + b"\0\0"


def signed(
    content: bytes, element: Callable[[int, bytes], bytes], *, pieces: bool = False
) -> bytes:
    """Return SignedData around `content`, without any signer."""
    octets = told(4, content)
    if pieces:
        octets = element(0x24, told(4, content[:100]) + told(4, content[100:]))
    data = element(0x30, DATA + element(0xA0, octets))
    inside = element(0x30, told(2, b"\1") + told(0x31, b"") + data + told(0x31, b""))
    return element(0x30, SIGNED + element(0xA0, inside))


@pytest.mark.parametrize("element", [told, untold])
@pytest.mark.parametrize("pieces", [False, True])
def test_the_message_in_it_is_found(element: Callable[[int, bytes], bytes], pieces: bool) -> None:
    assert signed_message(signed(INNER, element, pieces=pieces)) == INNER


def test_its_parts_stand_under_it(walk: Callable[..., Walk]) -> None:
    """BB-12, X-5: an .exe in a signed message is as visible as in any other."""
    coded = base64.encodebytes(signed(INNER, told))
    head = b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\n"
    walked = walk(head + b"Content-Transfer-Encoding: base64\r\n\r\n" + coded)
    assert walked.parts[-1].nodes[-1] == ("application/octet-stream", ".exe", ".exe-ms", "x.exe")
    assert walked.parts[-1].nodes[0][-1] == "smime.p7m"
    assert walked.unchecked == []


def pem(label: str, content: bytes) -> bytes:
    coded = base64.encodebytes(content).decode()
    return f"-----BEGIN {label}-----\n{coded}-----END {label}-----\n".encode()


def digested(content: bytes) -> bytes:
    """Return DigestedData (RFC 5652 7)."""
    data = told(0x30, DATA + told(0xA0, told(4, content)))
    return told(0x30, DIGESTED + told(0xA0, told(0x30, told(2, b"\0") + told(0x30, DATA) + data)))


@pytest.mark.parametrize(
    "wrapped",
    [digested(INNER), told(0x30, DATA + told(0xA0, told(4, INNER)))],
    ids=["digested", "data"],
)
def test_other_wrappers_carry_a_message_too(wrapped: bytes) -> None:
    assert signed_message(wrapped) == INNER


@pytest.mark.parametrize("label", ["CMS", "PKCS7", "PKCS #7 SIGNED DATA"])
@pytest.mark.parametrize("wrap", [digested, lambda content: signed(content, told)])
def test_a_program_in_pem_is_found(
    look: Callable[..., Contents], label: str, wrap: Callable[[bytes], bytes]
) -> None:
    """M9: it need not be a message that was wrapped."""
    opened = look(b"words\n\n" + pem(label, wrap(PE)), "a.txt")
    assert opened.parts[-1].short_types == (".exe", ".exe-ms")
    assert opened.unchecked == []


def test_short_text_in_pem_is_shown_to_scanners(walk: Callable[..., Walk]) -> None:
    """Text alone is no part, but what is in it is looked into."""
    text = f"begin-base64 644 x.exe\n{base64.encodebytes(PE).decode()}====\n".encode()
    walked = walk(b"Subject: hello\n\n" + pem("CMS", signed(text, told)))
    assert any(part.name == "x.exe" for part in walked.parts)


def test_what_is_encrypted_in_pem_is_only_a_guess(look: Callable[..., Contents]) -> None:
    """Buttons of payment services hold such, which nobody is to decrypt."""
    locked = told(0x30, ENVELOPED + told(0xA0, told(0x30, bytes(300))))
    opened = look(b"<input value='" + pem("PKCS7", locked) + b"'>", "a.html")
    assert opened.unchecked == []
    assert len(opened.parts) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"words",
        told(0x30, SIGNED),
        told(0x30, SIGNED + told(0xA0, told(0x30, told(2, b"\1") + told(0x30, DATA)))),
        signed(INNER, told)[:40],
        told(0x30, SIGNED + b"\xa0\xff"),
        untold(0x30, SIGNED + b"\xa0\x80" * 50),
    ],
    ids=["nothing", "text", "empty", "beside", "cut", "length", "deep"],
)
def test_what_carries_no_message_has_none(content: bytes) -> None:
    assert signed_message(content) in (b"", INNER[:0])


@given(st.binary(max_size=80))
def test_whatever_comes_it_ends(octets: bytes) -> None:
    signed_message(b"\x30\x80" + SIGNED + octets)


def test_a_signed_sample_is_opened(walk: Callable[..., Walk], corpus: Path) -> None:
    walked = walk((corpus / "encrypted" / "gen_smime_opaque_signed.eml").read_bytes())
    assert walked.parts[-1].nodes[-1][-1] == "eicar.com"
