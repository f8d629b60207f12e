"""Header edits on raw octets (T-5 to T-8, T-10; BB-5 to BB-7, BB-17; reliability S1, S2)."""

# ruff: noqa: E501 - one row of a table is one line

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.edits import Edits, edited_header, fold, header_value
from smtpfilter.mail.message import parse

TAG = "***SPAM*** "


def edit(octets: bytes, **edits: object) -> bytes:
    return edited_header(parse(octets), Edits(**edits))  # type: ignore[arg-type]


def test_our_fields_stand_on_top_in_their_order() -> None:
    """T-5."""
    found = edit(b"A: 1\r\n\r\nbody", prepend=(("X-One", "1"), ("X-Two", "2")))

    assert found == b"X-One: 1\r\nX-Two: 2\r\nA: 1\r\n\r\n"


def test_every_field_of_a_removed_name_goes_whatever_its_case() -> None:
    """T-7, BB-5."""
    octets = b"X-Spam-Flag: NO\r\nA: 1\r\nx-spam-FLAG : YES\r\n folded\r\nX-Spam-Flagged: 1\r\n\r\n"

    found = edit(octets, remove=frozenset({"x-spam-flag"}))

    assert found == b"A: 1\r\nX-Spam-Flagged: 1\r\n\r\n"


@pytest.mark.parametrize(
    ("value", "removed"),
    [
        (b"mx.example.com; spf=pass", True),
        (b"MX.example.com 1; spf=pass", True),
        (b"\r\n mx.example.com;\r\n spf=pass", True),
        (b"mx.example.com", True),
        (b"mx.example.com.evil.example; spf=pass", False),
        (b"other.example; spf=pass", False),
    ],
)
def test_fields_that_claim_to_be_ours_are_removed(value: bytes, removed: bool) -> None:
    """BB-6, Z-11."""
    claims = frozenset({("authentication-results", "mx.example.com")})

    found = edit(b"Authentication-Results: " + value + b"\r\n\r\n", remove_claims=claims)

    assert (found == b"\r\n") is removed


def test_a_field_hidden_behind_a_bare_cr_does_not_come_to_life() -> None:
    """The next hop gets lone CR as line ends: what hid behind one must not become a field of its
    own.
    """
    found = edit(b"A: 1\rX-Spam-Flag: NO\r\n\r\nbody", remove=frozenset({"x-spam-flag"}))

    assert found == b"A: 1X-Spam-Flag: NO\r\n\r\n"


def test_blank_continuation_lines_are_dropped_and_long_lines_left_alone() -> None:
    """T-10."""
    long = b"B: " + b"b" * 3000 + b"\r\n"

    assert edit(b"A: 1\r\n \t\r\n 2\r\n" + long + b"\r\n") == b"A: 1\r\n 2\r\n" + long + b"\r\n"


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        pytest.param(b"Hello\r\n", b"X-One: 1\r\n", id="no field"),
        pytest.param(b" Hello\r\nA: 1", b"X-One: 1\r\n\r\n", id="blank first"),
        pytest.param(b"\r\nbody", b"X-One: 1\r\n\r\n", id="no header"),
        pytest.param(b"", b"X-One: 1\r\n", id="empty"),
        pytest.param(b"A: 1", b"X-One: 1\r\nA: 1", id="no line end"),
        pytest.param(b"A: 1\n\nbody", b"X-One: 1\r\nA: 1\n\n", id="lone LF"),
        pytest.param(
            b"From me Mon\r\nA: 1\r\n\r\n",
            b"X-One: 1\r\nMailbox-Line: From me Mon\r\nA: 1\r\n\r\n",
            id="mbox line",
        ),
    ],
)
def test_our_fields_are_in_the_header_section_of_odd_mail(octets: bytes, expected: bytes) -> None:
    assert edit(octets, prepend=(("X-One", "1"),)) == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        pytest.param(b"Subject: hi\r\n", b"Subject: ***SPAM*** hi\r\n", id="ASCII"),
        pytest.param(b"SUBJECT:hi\r\n", b"SUBJECT: ***SPAM*** hi\r\n", id="name as written"),
        pytest.param(
            b"Subject: =?utf-8?q?gr=C3=BCn?=\r\n",
            b"Subject: ***SPAM*** =?utf-8?q?gr=C3=BCn?=\r\n",
            id="encoded words are not touched",
        ),
        pytest.param(b"Subject: gr\xfcn\r\n", b"Subject: ***SPAM*** gr\xfcn\r\n", id="raw 8-bit"),
        pytest.param(
            b"Subject: hi\r\n there\r\n", b"Subject: ***SPAM*** hi\r\n there\r\n", id="folded"
        ),
        pytest.param(
            b"Subject:\r\n hi\r\n", b"Subject: ***SPAM*** \r\n hi\r\n", id="folded at once"
        ),
        pytest.param(b"Subject:\r\n", b"Subject: ***SPAM***\r\n", id="empty"),
        pytest.param(b"Subject: hi", b"Subject: ***SPAM*** hi", id="no line end"),
        pytest.param(
            b"Subject: ***SPAM*** hi\r\n", b"Subject: ***SPAM*** hi\r\n", id="already tagged"
        ),
        pytest.param(
            b"Subject: Re: ***SPAM*** hi\r\n", b"Subject: Re: ***SPAM*** hi\r\n", id="tagged inside"
        ),
        pytest.param(
            b"Subject: =?utf-8?q?***SPAM***_hi?=\r\n",
            b"Subject: =?utf-8?q?***SPAM***_hi?=\r\n",
            id="already tagged inside an encoded word",
        ),
        pytest.param(
            b"Subject: " + b"a" * 66 + b"\r\n",
            b"Subject: ***SPAM***\r\n " + b"a" * 66 + b"\r\n",
            id="folded to stay under 79",
        ),
        pytest.param(
            b"Subject: a\r\nSubject: b\r\n",
            b"Subject: ***SPAM*** a\r\nSubject: ***SPAM*** b\r\n",
            id="several",
        ),
        pytest.param(b"A: 1\r\n", b"Subject: ***SPAM***\r\nA: 1\r\n", id="missing"),
    ],
)
def test_the_tag_stands_before_the_subject(subject: bytes, expected: bytes) -> None:
    """T-8, BB-7."""
    assert edit(subject, subject_tag=TAG) == expected


@pytest.mark.parametrize("tag", ["[ÄÖÜ] ", "[ÄÖÜ]", "[junk] ", "[junk]", "⚠" * 60 + " "])
@pytest.mark.parametrize(
    "raw",
    [b"hi", b"=?utf-8?q?gr=C3=BCn?= hi", b"gr\xc3\xbcn", b"=?utf-8?b?Z3LD?=\r\n =?utf-8?b?vG4=?="],
)
def test_the_decoded_subject_is_tag_and_original(tag: str, raw: bytes) -> None:
    """T-8: a blank is put in only where an encoded word would not be one without it."""
    original = parse(b"Subject: " + raw + b"\r\n\r\n").subject

    found = edit(b"Subject: " + raw + b"\r\n\r\n", subject_tag=tag)

    subject = parse(found).subject
    assert subject in (tag + original, f"{tag} {original}")
    assert all(len(word) <= 75 for word in found.split())


def test_a_tag_of_two_characters_is_not_sought_in_the_subject() -> None:
    assert edit(b"Subject: a: b\r\n", subject_tag=": ") == b"Subject: : a: b\r\n"


_LINES = st.lists(
    st.sampled_from([b"A: 1", b"Subject: x", b"X-Spam-Flag: YES", b" fold", b"", b"junk", b"\t", b"a\rb: c", b"From x"]),
    max_size=8,
)  # fmt: skip


@given(
    _LINES,
    st.sampled_from([b"\r\n", b"\n"]),
    st.binary(max_size=40),
    st.text(max_size=20).map(lambda tag: "".join(c for c in tag if c.isprintable())),
)
def test_edits_never_change_the_body_and_removed_fields_are_gone(
    lines: list[bytes], line_end: bytes, rest: bytes, tag: str
) -> None:
    octets = line_end.join(lines) + rest
    message = parse(octets)
    edits = Edits(prepend=(("X-One", "1"),), remove=frozenset({"x-spam-flag"}), subject_tag=tag)

    copy = edited_header(message, edits) + octets[message.body_start :]

    again = parse(copy)
    assert copy.endswith(octets[message.body_start :])
    assert again.fields[0].raw == b"X-One: 1\r\n"
    assert not again.all("X-Spam-Flag")
    if message.separator or message.stray_line:
        assert copy[again.body_start :] == octets[message.body_start :]


@given(st.text())
def test_header_values_are_printable_ascii_of_one_line(text: str) -> None:
    """S2."""
    value = header_value(text)

    assert value.isascii()
    assert value.isprintable()
    assert len(value) <= 900


def test_fields_are_folded_between_words_only() -> None:
    """T-6."""
    tests = ", ".join(f"RULE_NUMBER_{n}=0.1" for n in range(30))
    value = f"Yes, score=6.3 tests=[{tests}] " + "w" * 100

    found = fold("X-Spam-Status", value)

    *lines, last, end = found.split(b"\r\n")
    assert end == b""
    assert all(len(line) < 79 for line in lines)
    assert last == b"\t" + b"w" * 100
    assert found.replace(b"\r\n\t", b" ") == f"X-Spam-Status: {value}\r\n".encode()
