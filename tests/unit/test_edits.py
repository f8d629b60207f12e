"""Header edits on raw octets (T-5 to T-8, T-10; BB-5 to BB-7, BB-17; reliability S1, S2)."""

# ruff: noqa: E501 - one row of a table is one line

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smtpfilter.mail.edits import Edits, edited_header, fold, header_value, repaired, tagged
from smtpfilter.mail.message import parse
from smtpfilter.mail.words import decode

TAG = "***SPAM*** "


def edit(octets: bytes, **edits: object) -> bytes:
    return edited_header(parse(octets), Edits(**edits))  # type: ignore[arg-type]


def test_our_fields_stand_on_top_in_their_order() -> None:
    """T-5."""
    found = edit(b"A: 1\r\n\r\nbody", prepend=(("X-One", "1"), ("X-Two", "2")))

    assert found == b"X-One: 1\r\nX-Two: 2\r\nA: 1\r\n\r\n"


def test_an_added_subject_and_the_trace_stand_between_our_fields_and_the_original() -> None:
    """T-5, T-9: the Received field is above all that was there, an mbox line included."""
    message = parse(b"From me Mon\r\nA: 1\r\n\r\n")
    edits = Edits(prepend=(("X-One", "1"),), subject_tag=TAG)

    found = edited_header(message, edits, b"Received: x\r\n")

    assert found == (
        b"X-One: 1\r\nSubject: ***SPAM***\r\nReceived: x\r\nMailbox-Line: From me Mon\r\nA: 1\r\n\r\n"
    )


def test_the_trace_is_left_out_where_it_is_not_allowed() -> None:
    """T-5."""
    found = edited_header(parse(b"A: 1\r\n\r\n"), Edits(traced=False), b"Received: x\r\n")

    assert found == b"A: 1\r\n\r\n"


def test_fields_of_a_removed_family_go() -> None:
    """Z-11."""
    found = edit(b"X-Own-Any: 1\r\nx-OWN-: 2\r\nX-Owner: 3\r\n\r\n", remove_beginnings=("x-own-",))

    assert found == b"X-Owner: 3\r\n\r\n"


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
        (b"mx.example.com.; spf=pass", True),
        (b'"mx.example.com"; spf=pass', True),
        (b'"mx.ex\\ample.com" 1; spf=pass', True),
        (b"(a (b) \\) c) mx.example.com (d) 1; spf=pass", True),
        (b'(") mx.example.com; spf=pass (")', True),
        (b"(mx.example.com) other.example; spf=pass", False),
        (b"mx.example.com.evil.example; spf=pass", False),
        (b"mx.example.commercial; spf=pass", False),
        (b"other.example; spf=pass", False),
    ],
)
def test_fields_that_claim_to_be_ours_are_removed(value: bytes, removed: bool) -> None:
    """BB-6, Z-11."""
    claims = frozenset({("authentication-results", "mx.example.com")})

    found = edit(b"Authentication-Results: " + value + b"\r\n\r\n", remove_claims=claims)

    assert (found == b"\r\n") is removed


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (b"other.example; spf=pass", True),
        (b"other.example 1; none", True),
        (b"other.example", True),
        (b"spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=x.example; dkim=pass", False),
        (b"; spf=pass", False),
        (b"(only a comment; )", False),
        (b"", False),
        (b"two words; spf=pass", False),
    ],
)
def test_results_that_do_not_say_whose_they_are_are_removed(value: bytes, named: bool) -> None:
    """T-7: where we check ourselves, nobody may mistake them for ours."""
    octets = b"Authentication-Results: " + value + b"\r\n\r\n"

    assert (edit(octets, remove_nameless=True) == octets) is named
    assert edit(octets) == octets


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
        pytest.param(b"Subject:\r\n hi\r\n", b"Subject: ***SPAM*** hi\r\n", id="folded at once"),
        pytest.param(b"Subject:\r\n", b"Subject: ***SPAM***\r\n", id="empty"),
        pytest.param(b"Subject: hi", b"Subject: ***SPAM*** hi", id="no line end"),
        pytest.param(
            b"Subject: ***SPAM*** hi\r\n", b"Subject: ***SPAM*** hi\r\n", id="already tagged"
        ),
        pytest.param(
            b"Subject: Re: ***SPAM*** hi\r\n", b"Subject: ***SPAM*** Re: hi\r\n", id="tagged inside"
        ),
        pytest.param(
            b"Subject: =?utf-8?q?***SPAM***_hi?=\r\n",
            b"Subject: =?utf-8?q?***SPAM***_hi?=\r\n",
            id="already tagged inside an encoded word",
        ),
        pytest.param(
            b"Subject: =?utf-8?q?Gr=C3=BCn?= and =?utf-8?q?so_***SPAM***_=C3=BC?=\r\n",
            b"Subject: ***SPAM*** =?utf-8?b?R3LDvG4=?= and so =?utf-8?b?w7w=?=\r\n",
            id="tagged inside an encoded word further on",
        ),
        pytest.param(
            b"Subject: ***SPAM*** a ***SPAM*** b\r\n",
            b"Subject: ***SPAM*** a b\r\n",
            id="tagged twice",
        ),
        pytest.param(
            b"Subject: a ***SP***SPAM***AM*** b\r\n",
            b"Subject: ***SPAM*** a b\r\n",
            id="a copy in a copy",
        ),
        pytest.param(
            b"Subject: a\r\n\t=?utf-8?q?=0D=0AX-Evil:_1?= ***SPAM***\r\n",
            b"Subject: ***SPAM*** a =?utf-8?b?DQpYLUV2aWw6?= 1\r\n",
            id="line ends in an encoded word stay encoded",
        ),
        pytest.param(
            b"Subject: " + b"a" * 10000 + b" ***SPAM***\r\n",
            b"Subject: ***SPAM***\r\n " + b"a" * 10000 + b" ***SPAM***\r\n",
            id="tagged where a long subject is not read",
        ),
        pytest.param(
            b"Subject: Re: ***SPAM*** " + b"a" * 10000 + b"\r\n",
            b"Subject: ***SPAM***\r\n Re: ***SPAM*** " + b"a" * 10000 + b"\r\n",
            id="a long subject is not cut",
        ),
        pytest.param(
            b"Subject: ***SPAM*** " + b"***SPAM*** " * 1000 + b"\r\n",
            b"Subject: ***SPAM*** " + b"***SPAM*** " * 1000 + b"\r\n",
            id="a long subject that begins with the tag",
        ),
        pytest.param(
            b"Subject: =?utf-8?q?a?=\r\n b ***SPAM***\r\n",
            b"Subject: ***SPAM*** a b\r\n",
            id="tag at the end",
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


@pytest.mark.parametrize(
    ("tag", "raw", "expected"),
    [
        ("[\N{SNOWMAN}] ", b"hi", b"Subject: =?utf-8?b?W+KYg10=?= hi\r\n"),
        ("=?x?q?y?= ", b"hi", b"Subject: =?utf-8?b?PT94P3E/eT89?= hi\r\n"),
        ("[junk]", b"", b"Subject: [junk]\r\n"),
        ("[junk]", b"=?utf-8?q?x?=", b"Subject: [junk] =?utf-8?q?x?=\r\n"),
        ("word " * 20, b"hi", b"Subject:" + b" word" * 14 + b"\r\n" + b" word" * 6 + b" hi\r\n"),
        (" ", b"hi", b"Subject: hi\r\n"),
    ],
    ids=["not ASCII", "like an encoded word", "empty", "before a word", "long", "blank"],
)
def test_tags_of_all_sorts(tag: str, raw: bytes, expected: bytes) -> None:
    """T-8."""
    assert tagged(b"Subject: " + raw + b"\r\n", tag) == expected


_SUBJECTS = st.one_of(
    st.binary(max_size=60),
    st.lists(
        st.sampled_from(
            [b"[junk]", b"[ju", b"nk]", b" ", b"\r\n ", b"\t", b"=?utf-8?q?[junk]_?=", b"=?utf-8?q?=C3=BC?=", b"\xfc", b"hi", b"x" * 70]
        ),
        max_size=9,
    ).map(b"".join),
)  # fmt: skip


@example(b"\x0b\x00", "[junk] ")
@given(_SUBJECTS, st.sampled_from(["[junk] ", "[junk]", "[\N{SNOWMAN}nk] ", " [junk] ", "nk]"]))
def test_tagging_twice_is_tagging_once(subject: bytes, tag: str) -> None:
    """T-8, BB-7: no double tag; the text of the tag and what was there before, in this order."""
    unbroken = re.sub(rb"\n(?![ \t])", b"", subject)
    raw = repaired(parse(b"Subject: " + unbroken + b"\r\n\r\n").fields[0].raw)
    before = parse(raw + b"\r\n").subject

    once = tagged(raw, tag)

    assert tagged(once, tag) == once
    after = parse(once + b"\r\n").subject
    assert after.startswith(tag.strip())
    assert after.count(tag.strip()) == 1
    if tag.strip() not in before:
        assert after.removeprefix(tag.strip()).strip() == before.strip()
    if tag.endswith(" "):  # what can be folded is
        old = {line.strip() for line in raw.split(b"\r\n")}
        old |= {line.removeprefix(b"Subject:").strip() for line in old}
        for line in once.split(b"\r\n"):
            assert len(line) <= 78 or line.strip() in old or len(line.split()) < 3


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
    """T-11, BB-42: the body's octets are those received, and so is what is not edited (T-10)."""
    octets = line_end.join(lines) + rest
    message = parse(octets)
    edits = Edits(prepend=(("X-One", "1"),), remove=frozenset({"x-spam-flag"}), subject_tag=tag)

    copy = edited_header(message, edits) + octets[message.body_start :]

    again = parse(copy)
    assert copy.endswith(octets[message.body_start :])
    kept = [field for field in message.fields if field.key not in ("x-spam-flag", "subject")]
    assert b"".join(repaired(field.raw) for field in kept) in b"".join(
        field.raw for field in again.fields if field.key not in ("subject", "x-one")
    )
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


@given(st.text("a ", max_size=400), st.sampled_from(["X-Spam-Status", "X"]))
def test_folding_keeps_every_word_and_blank(value: str, name: str) -> None:
    """T-6: no line is blank, which would be a fault of the header section."""
    found = fold(name, value)

    lines = found.split(b"\r\n")[:-1]
    assert found.replace(b"\r\n\t", b" ") == f"{name}: {value}\r\n".encode()
    assert all(line.strip() for line in lines)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (b"x" * 65, b" [t] " + b"x" * 65),  # 78 octets
        (b"x" * 66, b" [t]\r\n " + b"x" * 66),
        (b"x" * 65 + b"X", b" [t]\r\n " + b"x" * 65 + b"X"),
        (b"x" * 65 + b"\r\n\ty", b" [t] " + b"x" * 65 + b"\r\n\ty"),
        (b"x" * 20 + b"\r\n " + b"y" * 70, b" [t] " + b"x" * 20 + b"\r\n " + b"y" * 70),
        (b"", b" [t]"),
    ],
)
def test_a_tag_breaks_the_line_only_where_it_gets_too_long(subject: bytes, expected: bytes) -> None:
    """T-8, RFC 5322 2.1.1: what was folded stays folded as it was."""
    assert tagged(b"Subject: " + subject + b"\r\n", "[t] ") == b"Subject:" + expected + b"\r\n"


def test_a_tag_of_several_lines_is_kept_whole() -> None:
    """T-8: an encoded tag before no text at all leaves no blank at the end."""
    long = "word " * 30
    lines = tagged(b"Subject: " + b"x" * 70 + b"\r\n", long).split(b"\r\n")
    assert b" ".join(b" ".join(lines).split()) == b"Subject: " + b"word " * 30 + b"x" * 70
    assert all(len(line) <= 78 for line in lines)
    assert tagged(b"Subject:\r\n", "[\u00f6] ") == b"Subject: =?utf-8?b?W8O2XQ==?=\r\n"
    assert tagged(b"Subject:\r\n", "[X] X ") == b"Subject: [X] X\r\n"


def test_a_header_value_keeps_its_place_for_what_is_left_out() -> None:
    assert header_value(" a\tb\r\nc\x00d\xe9e ") == "a b  c?d?e"
    assert header_value("x" * 1000) == "x" * 900


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("[t]", b"Subject: [t]Re:  a\r\n"), ("[t] ", b"Subject: [t] Re: a\r\n")],
)
def test_of_a_tag_inside_the_subject_only_its_own_blank_goes(tag: str, expected: bytes) -> None:
    """T-8."""
    assert tagged(b"Subject: Re: [t] a\r\n", tag) == expected


def test_a_long_subject_that_is_written_anew_is_folded_again() -> None:
    """T-8."""
    written = tagged(b"Subject: Re: [spam] " + b"word " * 30 + b"\r\n", "[spam] ")
    first, *rest = written.removesuffix(b"\r\n").split(b"\r\n")
    assert first.startswith(b"Subject: [spam] Re: word word")
    assert all(line.startswith(b" word") and len(line) <= 78 for line in rest)
    assert b"".join([first, *rest]).count(b"word") == 30


def test_an_empty_line_with_a_bare_cr_becomes_an_empty_line() -> None:
    """T-10: programs disagree on what it ends."""
    assert edited_header(parse(b"A: 1\r\n\r\r\nbody"), Edits(traced=False)) == b"A: 1\r\n\r\n"


def test_a_first_word_that_is_too_long_stays_beside_the_name() -> None:
    """RFC 5322 3.2.2: a line of a name alone would be an empty field to some."""
    assert fold("X", "y" * 100 + " z") == b"X: " + b"y" * 100 + b"\r\n\tz\r\n"


def test_an_encoded_tag_keeps_all_its_letters() -> None:
    """T-8."""
    assert (
        decode(tagged(b"Subject: a\r\n", "\u00f6X ").decode().partition(":")[2]).strip()
        == "\u00f6X a"
    )
