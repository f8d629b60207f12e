"""The Received field of delivered copies (T-9; RFC 5321 4.4, RFC 6531 3.7.3)."""

import re
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.address import BadPath, parse_address
from smtpfilter.mail.envelope import Recipient
from smtpfilter.mail.message import parse
from smtpfilter.mail.trace import received
from tests.unit.builders import ANN, BOB, HOST, MAIL_ID, NOW, envelope, recipient

# RFC 5321 4.4, after unfolding; comments only where Postern writes one.
STAMP = re.compile(
    r"from (?P<source>[A-Za-z0-9.-]+|\[[0-9A-Za-z:.]+\])(?: \((?P<address>\[[0-9A-Za-z:.]+\])\))?"
    r" by (?P<by>[A-Za-z0-9.-]+) \(Postern(?:, port (?P<port>\d+))?\)"
    r" with (?P<protocol>E?SMTP|LMTP|UTF8SMTP|UTF8LMTP) id (?P<id>[0-9A-Za-z]{11})"
    r"(?: for <(?P<recipient>[^<>\s\"();]+@[^<>\s\"();]+)>)?; (?P<date>.+)"
)


def trace(*recipients: str, **rest: Any) -> bytes:
    given_recipients = tuple(map(recipient, recipients or (ANN,)))
    return received(envelope(**rest), given_recipients, HOST, NOW)


def stamp(*recipients: str, **rest: Any) -> re.Match[str]:
    """Return the parts of the only field that the trace is, folded in lines of at most 78."""
    octets = trace(*recipients, **rest)
    (field,) = parse(octets + b"\r\n").fields
    assert field.raw == octets
    assert field.name == "Received"
    found = STAMP.fullmatch(" ".join(octets.decode().partition(":")[2].split()))
    assert found, octets
    return found


def test_the_whole_field() -> None:
    """T-9."""
    assert trace(helo="mx.example.com", port=10025, protocol="LMTP") == (
        b"Received: from mx.example.com ([127.0.0.1])\r\n"
        b"\tby filter.example.com (Postern, port 10025)\r\n"
        b"\twith LMTP id " + str(MAIL_ID).encode() + b"\r\n"
        b"\tfor <ann@example.com>;\r\n"
        b"\tSun, 01 Mar 2026 12:00:00 +0000\r\n"
    )


@pytest.mark.parametrize(
    ("protocol", "smtputf8", "expected"),
    [
        ("SMTP", False, "SMTP"),
        ("ESMTP", False, "ESMTP"),
        ("LMTP", False, "LMTP"),
        ("ESMTP", True, "UTF8SMTP"),
        ("LMTP", True, "UTF8LMTP"),
    ],
)
def test_the_protocol_is_told(protocol: str, smtputf8: bool, expected: str) -> None:
    """T-9; RFC 6531 4.3."""
    assert stamp(protocol=protocol, smtputf8=smtputf8)["protocol"] == expected


@pytest.mark.parametrize(
    ("helo", "peer", "source", "address"),
    [
        ("MX.Example.com.", "192.0.2.1", "mx.example.com", "[192.0.2.1]"),
        ("mx", "2001:DB8::1", "mx", "[IPv6:2001:db8::1]"),
        ("mx", "fe80::1%eth0", "mx", "[IPv6:fe80::1]"),
        ("mx", "::ffff:192.0.2.1", "mx", "[192.0.2.1]"),
        ("mx", "", "mx", None),
        ("", "", "unknown", None),
        ("[192.0.2.7]", "192.0.2.1", "[192.0.2.7]", "[192.0.2.1]"),
        ("[ipv6:2001:db8::7]", "192.0.2.1", "[IPv6:2001:db8::7]", "[192.0.2.1]"),
        ("[999.0.2.7]", "192.0.2.1", "unknown", "[192.0.2.1]"),
        ("bücher.example", "192.0.2.1", "xn--bcher-kva.example", "[192.0.2.1]"),
        ("a b", "192.0.2.1", "unknown", "[192.0.2.1]"),
        ("x) by y (Postfix", "192.0.2.1", "unknown", "[192.0.2.1]"),
        ("x\r\nX-Evil: 1", "192.0.2.1", "unknown", "[192.0.2.1]"),
        ("-x.example", "192.0.2.1", "unknown", "[192.0.2.1]"),
        ("a" * 300, "192.0.2.1", "unknown", "[192.0.2.1]"),
        ("a" * 255, "192.0.2.1", "a" * 255, "[192.0.2.1]"),
        ("a" * 256, "192.0.2.1", "unknown", "[192.0.2.1]"),
        ("ü" * 200, "192.0.2.1", "unknown", "[192.0.2.1]"),
    ],
)
def test_the_host_that_connected_is_named_harmlessly(
    helo: str, peer: str, source: str, address: str | None
) -> None:
    """T-9: no HELO gets out of its place."""
    found = stamp(helo=helo, peer=peer)

    assert (found["source"], found["address"]) == (source, address)


def test_a_unix_socket_has_no_port() -> None:
    assert stamp(port=0)["port"] is None
    assert stamp(port=10030)["port"] == "10030"


@pytest.mark.parametrize(
    ("recipients", "named"),
    [
        ((ANN,), ANN),
        ((ANN, BOB), None),
        (("a'b+c/d=e@example.com",), "a'b+c/d=e@example.com"),
        (("ann@[192.0.2.1]",), "ann@[192.0.2.1]"),
        (('"a> ; b"@example.com',), None),
        (("@relay.example:ann@example.com",), None),
        (("postmaster",), None),
        (("a(b)@example.com",), None),
        (("a@b@example.com",), None),
        (
            ("a" * 242 + "@example.com",),
            "a" * 242 + "@example.com",
        ),  # 254 octets, RFC 5321 4.5.3.1.3
        (("a" * 243 + "@example.com",), None),
    ],
)
def test_only_a_single_recipient_is_named(recipients: tuple[str, ...], named: str | None) -> None:
    """T-9: with several, none learns of another."""
    assert stamp(*recipients)["recipient"] == named


@pytest.mark.parametrize(("smtputf8", "named"), [(True, "grün@bücher.example"), (False, None)])
def test_utf_8_addresses_stand_in_smtputf8_mail_only(smtputf8: bool, named: str | None) -> None:
    """RFC 6531 3.7.3, 3.7.4."""
    assert stamp("grün@bücher.example", smtputf8=smtputf8)["recipient"] == named


def test_the_date_is_the_one_given() -> None:
    """T-9: RFC 5322 3.3."""
    assert parsedate_to_datetime(stamp()["date"]) == NOW


@given(st.text(max_size=60), st.binary(max_size=60), st.booleans())
def test_whatever_they_call_themselves_the_field_is_well_formed(
    helo: str, mailbox: bytes, smtputf8: bool
) -> None:
    """T-9, P6."""
    try:
        to = Recipient(parse_address(mailbox))
    except BadPath:
        to = recipient(ANN)

    octets = received(envelope(helo=helo, peer=helo, smtputf8=smtputf8), (to,), HOST, NOW)

    assert STAMP.fullmatch(" ".join(octets.decode().partition(":")[2].split()))
    assert octets.count(b"\r\n") == octets.count(b"\r\n\t") + 1
    assert smtputf8 or octets.isascii()
