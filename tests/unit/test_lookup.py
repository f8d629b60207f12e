"""Lookup keys against golden files, and what a person may write for one (K-1, BB-63, BB-64)."""

# ruff: noqa: E501 - one row of a table is one line

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.address import BadPath, parse_address
from smtpfilter.policy.lookup import (
    BadKey,
    candidate_keys,
    domain_keys,
    lookup_keys,
    parse_key,
    priority,
)
from tests.unit.builders import address

DATA = Path(__file__).parent / "data" / "lookup"


def test_keys_are_those_of_the_golden_file() -> None:
    found = []
    for line in (DATA / "keys.in").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        delimiter, _, text = line.partition("\t")
        octets = text.removeprefix("<>").encode()
        keys = lookup_keys(parse_address(octets), "" if delimiter == "none" else delimiter)
        found.append(f"{text}\t{' | '.join(keys)}")

    assert found == (DATA / "keys.ref").read_text(encoding="utf-8").splitlines()


def test_only_the_twenty_most_general_suffixes_of_a_deep_domain_are_kept() -> None:
    deep = ".".join(f"d{n}" for n in range(30))

    keys = domain_keys(deep)

    assert keys[0] == deep
    assert len(keys) == 21
    assert keys[-1] == ".d29"


@given(st.binary(max_size=80))
def test_every_address_gets_the_site_key_last(octets: bytes) -> None:
    try:
        parsed = parse_address(octets)
    except BadPath:
        return

    for delimiter in ("", "+", "-", "=", "+-"):
        keys = lookup_keys(parsed, delimiter)
        assert keys[-1] == "@."
        assert len(keys) == len(set(keys)) <= 26
        assert candidate_keys(parsed).issuperset(keys)


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("@.", "@."),
        (".", "@."),
        ("example.com", "example.com"),
        ("@example.com", "example.com"),
        (" @Example.COM ", "example.com"),
        (".example.com", ".example.com"),
        ("@.example.com", ".example.com"),
        ("@.com", ".com"),
        ("user@example.com", "user@example.com"),
        ("USER+Tag@EXAMPLE.com", "user+tag@example.com"),
        ("user@exämple.org", "user@xn--exmple-cua.org"),
        ("exämple.org", "xn--exmple-cua.org"),
        (".Exämple.org", ".xn--exmple-cua.org"),
        ("Postmaster@", "postmaster@"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("user@[IPv6:::1]", "user@[ipv6:::1]"),
        ('"a b"@example.com', "a b@example.com"),
        ('"a@b"@example.com', "a@b@example.com"),
        ("<>", ""),
    ],
)
def test_a_key_is_printed_in_one_form(written: str, printed: str) -> None:
    assert parse_key(written) == printed


@pytest.mark.parametrize(
    "written",
    [
        "", "@", "..", "@..com", "a..b", "*", "*@*", "*@example.com", "user@*", "two words",
        "exa mple.com", "user@.example.com", "-x.com", "a\x00b@example.com", "a\nb@example.com", "user@ex＠mple.com",
        "\ud800@example.com", "a" * 64 + ".com", "@@example.com",
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused_with_a_sentence(written: str) -> None:
    with pytest.raises(BadKey, match=r"no (lookup key|address)") as caught:
        parse_key(written)

    assert repr(written.strip()) in str(caught.value)
    assert re.search(r"user@ for any local domain\.$|is no address\.$", str(caught.value))


@pytest.mark.parametrize(
    "text",
    ["User+Foo@Sub.Example.COM", "postmaster@exämple.org", "a.b@[192.0.2.1]", '"x y"@example.com'],
)
def test_what_is_stored_under_a_printed_key_is_found(text: str) -> None:
    keys = lookup_keys(address(text), "+")

    assert parse_key(text) == keys[0]
    assert {parse_key(key) for key in keys if " " not in key} == {
        key for key in keys if " " not in key
    }


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("user+ext@example.com", 9),
        ("user@example.com", 8),
        ("user+ext@", 7),
        ("user@", 6),
        ("example.com", 5),
        ("a@b+x@example.com", 9),
        (".deep.sub.example.com", 3),
        (".sub.example.com", 3),
        (".example.com", 2),
        (".com", 1),
        ("@.", 0),
    ],
)
def test_priority_follows_from_the_form_of_the_key(key: str, number: int) -> None:
    """P-1."""
    assert priority(key) == number
