"""What SpamAssassin sees of a message (S-2, S-3)."""

import mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.address import parse_address
from smtpfilter.scan.sample import BODY_LIMIT_BYTES, HEADER_LIMIT_BYTES, TOLERANCE_BYTES, sample

SENDER = parse_address(b"a@example.org")
HEADER = b"Subject: hello\r\n\r\n"


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (HEADER + b"body\r\n", b"Return-Path: <a@example.org>\r\n" + HEADER + b"body\r\n"),
        (b"A: b\n\nbody\n", b"Return-Path: <a@example.org>\nA: b\n\nbody\n"),
        (b"A: b\n\nbody", b"Return-Path: <a@example.org>\nA: b\n\nbody\n"),
        (b"", b"Return-Path: <a@example.org>\r\n"),
        (b" folded\r\n", b" folded\r\n"),
        (b"\nbody\n", b"Return-Path: <a@example.org>\n\nbody\n"),
    ],
)
def test_a_small_message_is_shown_whole_under_its_envelope_sender(
    octets: bytes, shown: bytes
) -> None:
    assert sample(octets, SENDER).octets == shown
    assert not sample(octets, SENDER).truncated


def test_a_message_hardly_over_the_limit_is_not_cut() -> None:
    octets = HEADER + b"x" * (BODY_LIMIT_BYTES + TOLERANCE_BYTES - 2) + b"\r\n"
    assert sample(octets).octets == octets


def test_a_large_body_is_cut_after_a_line() -> None:
    shown = sample(HEADER + b"a line\r\n" * 100_000)
    assert shown.truncated
    assert shown.octets.endswith(b"a line\r\n")
    assert BODY_LIMIT_BYTES - 10 < len(shown.octets) - len(HEADER) <= BODY_LIMIT_BYTES


def test_a_body_of_one_endless_line_is_cut_and_ended() -> None:
    shown = sample(HEADER + b"x" * 1_000_000)
    assert shown.octets.endswith(b"x\r\n")
    assert BODY_LIMIT_BYTES <= len(shown.octets) - len(HEADER) <= BODY_LIMIT_BYTES + 2


def test_an_endless_header_counts_up_to_its_limit() -> None:
    shown = sample(b"A: b\r\n" * 1_000_000)
    assert shown.truncated
    assert len(shown.octets) <= HEADER_LIMIT_BYTES + BODY_LIMIT_BYTES


def test_a_message_is_served_from_a_memory_map_as_well() -> None:
    octets = HEADER + b"a line\r\n" * 100_000
    with mmap.mmap(-1, len(octets)) as mapped:
        mapped.write(octets)
        assert sample(mapped, SENDER) == sample(octets, SENDER)


@given(st.binary(max_size=300))
def test_it_always_ends_in_lf(octets: bytes) -> None:
    assert sample(octets, SENDER).octets.endswith(b"\n")


@pytest.mark.parametrize("limit", [0, 10, 1000, BODY_LIMIT_BYTES, 10 * BODY_LIMIT_BYTES])
def test_the_site_says_how_much_of_a_body_is_shown(limit: int) -> None:
    """S-3, BB-49: what is hardly more is shown whole."""
    octets = HEADER + b"a line\r\n" * 100_000
    shown = sample(octets, body_bytes=limit)

    whole = limit + TOLERANCE_BYTES >= len(octets) - len(HEADER)
    assert shown.truncated is not whole
    assert shown.octets == octets if whole else len(shown.octets) <= len(HEADER) + limit
    assert shown.octets.startswith(HEADER)
