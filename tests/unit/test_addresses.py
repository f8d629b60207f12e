"""Paths of MAIL FROM and RCPT TO: what is forwarded is what was received (reliability 3.2, U1 to
U4).
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.address import (
    BadPath,
    canonical_domain,
    forward,
    parse_address,
    parse_path,
)


@pytest.mark.parametrize(
    ("path", "local", "domain"),
    [
        ('"a b"@x', "a b", "x"),
        (r'"a\"b"@x', 'a"b', "x"),
        ('"a@b"@x', "a@b", "x"),
        ('"a>b"@x', "a>b", "x"),
        ('"a@b"', "a@b", ""),
        (r"a\@b@x", r"a\@b", "x"),
        ("@r1,@r2:u@x", "u", "x"),
        ("u(c)@x", "u(c)", "x"),
        ("=?utf-8?q?a?=@x", "=?utf-8?q?a?=", "x"),
        ("=?x?q?=40evil?=@x", "=?x?q?=40evil?=", "x"),
        ("u@[127.0.0.1]", "u", "[127.0.0.1]"),
        ("u@[IPv6:::1]", "u", "[ipv6:::1]"),
        ("u@[É.]", "u", "[é.]"),
        ('""@x', "", "x"),
        ("u", "u", ""),
        ("u@", "u", ""),
        ("@x", "", "x"),
        ("u@x.", "u", "x"),
        ("u@-x", "u", "-x"),
        ("a%b@x", "a%b", "x"),
        ("a!b@x", "a!b", "x"),
        ("a..b@x", "a..b", "x"),
        ("a" * 65 + "@x", "a" * 65, "x"),
        ("u@" + "d." * 128 + "x", "u", "d." * 128 + "x"),
        ("User@EXAMPLE.com", "User", "example.com"),
        ("ü@exämple.org", "ü", "xn--exmple-cua.org"),
        ("u@straße.de", "u", "xn--strae-oqa.de"),
        ("u@x。org", "u", "x.org"),
        ("", "", ""),
    ],
)
def test_odd_addresses_are_understood_and_forwarded_unchanged(
    path: str, local: str, domain: str
) -> None:
    """U1, U3, U4."""
    octets = f"<{path}> SIZE=1".encode()

    address, rest = parse_path(octets)

    assert (address.local, address.domain) == (local, domain)
    assert forward(address) == f"<{path}>".encode()
    assert rest == b"SIZE=1"


@pytest.mark.parametrize(
    "octets",
    [
        b"u@x", b"<u@x", b"<u@x>SIZE=1", b"<a\x00b@x>", b"<a\rb@x>", b"<a\nb@x>", b"<a\tb@x>",
        b"<a\x7fb@x>", b'<"a>@x', b"<" + b"a" * 1100 + b"@x>", b"<@r:>", b"", b"<",
    ],
)  # fmt: skip
def test_what_is_no_path_is_refused(octets: bytes) -> None:
    """U2: control characters never get in."""
    with pytest.raises(BadPath):
        parse_path(octets)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"u@x", "address must stand in angle brackets"),
        (b"<u@x>SIZE=1", "garbage after address"),
        (b"<u@x", "no closing angle bracket"),
        (b'<"a\\">@x', "no closing angle bracket"),
        (b"<" + b"a" * 1023 + b"@x>", "address too long"),
        (b"<a\nb@x>", "control character in address"),
        (b"<@r:>", "no mailbox in address"),
    ],
)
def test_the_refusal_says_what_is_wrong(octets: bytes, why: str) -> None:
    with pytest.raises(BadPath) as caught:
        parse_path(octets)
    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("octets", "path", "rest"),
    [
        (b"<" + b"a" * 1022 + b"@x>", b"a" * 1022 + b"@x", b""),
        (b'<"a\\">b"@x> X', b'"a\\">b"@x', b"X"),
        (b'<"a\\\\"@x>', b'"a\\\\"@x', b""),
        (b"<\\>@x>", None, b""),  # outside of quotes a backslash quotes nothing
        (b"<u@x>  X=X\x0b ", b"u@x", b"X=X\x0b"),
    ],
)
def test_where_a_path_ends(octets: bytes, path: bytes | None, rest: bytes) -> None:
    """RFC 5321 4.1.2: at the first bracket that is not quoted."""
    if path is None:
        with pytest.raises(BadPath, match="garbage"):
            parse_path(octets)
    else:
        address, parameters = parse_path(octets)
        assert (address.octets, parameters) == (path, rest)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("User@EXAMPLE.com", "user@example.com"),
        ('"user"@example.com', "user@example.com"),
        ("user@exämple.org", "USER@XN--EXMPLE-CUA.ORG"),
        ("user@ｅxample.com", "user@example.com"),
        ("user@example.com.", "user@example.com"),
    ],
)
def test_spellings_of_one_mailbox_have_one_canonical_form(one: str, other: str) -> None:
    assert parse_address(one.encode()).canonical == parse_address(other.encode()).canonical


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("İ@example.com", "i@example.com"),  # the Turkish dotted capital I
        ("\u212a@example.com", "k@example.com"),  # the Kelvin sign
        ("ÄNNE@example.com", "änne@example.com"),  # Unicode case is not ours to fold
        ("user@раypal.com", "user@paypal.com"),  # Cyrillic letters
    ],
)
def test_look_alikes_stay_apart(one: str, other: str) -> None:
    """U3, U4."""
    assert parse_address(one.encode()).canonical != parse_address(other.encode()).canonical


@given(st.binary(max_size=200))
def test_any_path_is_forwarded_as_received_or_refused(octets: bytes) -> None:
    try:
        address = parse_address(octets)
    except BadPath:
        return

    assert forward(address) == b"<" + octets + b">"
    assert address.canonical == address.canonical.translate({c: c + 32 for c in range(65, 91)})


@given(st.text(max_size=80))
def test_canonical_domains_are_fixed_points(text: str) -> None:
    once = canonical_domain(text)

    assert canonical_domain(once) == once
