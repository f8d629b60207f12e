"""Octets to header fields: where the header section ends, and what it says.  Parsing never raises."""

# ruff: noqa: E501 - one row of a table is one line

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smtpfilter.mail import headers, words
from smtpfilter.mail.edits import Edits, edited_header
from smtpfilter.mail.envelope import Client
from smtpfilter.mail.message import MOST_AUTHORS, authenticated, believed_client, parse
from tests.unit.builders import OSCAR, address, envelope

OWN = "mx.example.com"


@pytest.mark.parametrize(
    ("octets", "names", "body"),
    [
        pytest.param(b"A: 1\r\nB: 2\r\n\r\nbody\r\n", ["A", "B"], b"body\r\n", id="usual"),
        pytest.param(b"A: 1\nB: 2\n\nbody\n", ["A", "B"], b"body\n", id="lone LF"),
        pytest.param(b"A: 1\r\n\tmore\r\n \r\n and more\r\n\r\nbody", ["A"], b"body", id="folded"),
        pytest.param(b"\r\nbody", [], b"body", id="no header"),
        pytest.param(b"", [], b"", id="empty"),
        pytest.param(b"\r\n", [], b"", id="one line end"),
        pytest.param(b"A: 1\r\n", ["A"], b"", id="no body, no empty line"),
        pytest.param(b"A: 1", ["A"], b"", id="no line end"),
        pytest.param(b"A: 1\r\n\r\n", ["A"], b"", id="empty body"),
        pytest.param(b"just text\r\n\r\nA: 1\r\n", [], b"just text\r\n\r\nA: 1\r\n", id="no field"),
        pytest.param(b"A: 1\r\nno field\r\nB: 2\r\n", ["A"], b"no field\r\nB: 2\r\n", id="stray line"),
        pytest.param(b"A: 1\r\nX\r\nB: 2\r\n", ["A"], b"X\r\nB: 2\r\n", id="stray letter"),
        pytest.param(b" A: 1\r\n\r\nx", [], b" A: 1\r\n\r\nx", id="blank first"),
        pytest.param(b"From me Mon\r\nA: 1\r\n\r\nbody", ["A"], b"body", id="mbox line"),
        pytest.param(b">From me Mon\r\nA: 1\r\n\r\nbody", ["A"], b"body", id="quoted mbox line"),
        pytest.param(b"A : 1\r\nb:2\r\n\r\nbody", ["A", "b"], b"body", id="blank before the colon"),
        pytest.param(b"A: 1\rB: 2\r\n\r\nbody", ["A"], b"body", id="bare CR is no line end"),
        pytest.param(b"A: 1\r\n\r\r\nbody", ["A"], b"body", id="empty line with a bare CR"),
        pytest.param(b"A\x00: 1\r\n\r\nbody", [], b"A\x00: 1\r\n\r\nbody", id="NUL in a name"),
        pytest.param(b"\xef\xbb\xbfA: 1\r\n\r\nx", [], b"\xef\xbb\xbfA: 1\r\n\r\nx", id="BOM"),
    ],
)  # fmt: skip
def test_the_header_section_ends_where_postfix_ends_it(
    octets: bytes, names: list[str], body: bytes
) -> None:
    message = parse(octets)

    assert [field.name for field in message.fields] == names
    assert octets[message.body_start :] == body


@given(st.binary(max_size=300) | st.lists(st.sampled_from(
    [b"A: 1", b"Subject: x", b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"From ", b"x", b"\0", b"\xff"]
), max_size=30).map(b"".join))  # fmt: skip
def test_parsing_never_raises_and_accounts_for_every_octet(octets: bytes) -> None:
    message = parse(octets)

    section = (
        message.mbox_line + b"".join(field.raw for field in message.fields) + message.separator
    )
    assert section + octets[message.body_start :] == octets
    for field in message.fields:
        assert octets[field.start : field.start + len(field.raw)] == field.raw
    told = (message.subject, message.message_id, message.header_from)
    assert all("\0" not in text for text in told)
    assert message.is_bulk(address(OSCAR)) in (True, False)
    assert len(message.authors) <= MOST_AUTHORS
    headers.check(message, smtputf8=False)


def test_a_header_section_over_one_mib_ends_at_the_last_whole_line() -> None:
    octets = b"A: 1\r\n" * 200000 + b"\r\nbody"

    message = parse(octets)

    assert message.too_long
    assert len(message.fields) == (1 << 20) // len(b"A: 1\r\n")
    assert message.body_start == len(message.fields) * len(b"A: 1\r\n")


@pytest.mark.parametrize(
    ("octets", "body_start"),
    [
        (b"A: 1\r\n\r\n" + bytes(1 << 20), 8),
        (b"A: 1\r\nno field\r\n" + bytes(1 << 20), 6),
        (b"A: 1\r\n", 6),
    ],
)
def test_a_large_body_makes_no_long_header_section(octets: bytes, body_start: int) -> None:
    message = parse(octets)

    assert [field.name for field in message.fields] == ["A"]
    assert message.body_start == body_start
    assert not message.too_long


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b"plain", "plain"),
        (b" folded\r\n\tonce\r\n twice", "folded\tonce twice"),
        (b"=?utf-8?q?gr=C3=BCn?=", "grün"),
        (b"=?UTF-8?B?Z3LDvG4=?= and =?iso-8859-1?q?bl=FC_te?=", "grün and blü te"),
        (b"=?utf-8?b?Z3LD?=\r\n =?utf-8?b?vG4=?=", "grün"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?= c", "ab c"),
        (b"=?utf-8?Q?gr=C3=BCn?=", "grün"),
        (b"=?koi8-r?b?8NLJ18XU?=", "Привет"),
        (b"=?utf-8*en?q?language?=", "language"),
        (b"gr\xc3\xbcn", "grün"),
        (b"gr\xfcn", "grün"),
        (b"=?zip?b?Z3Jlbg==?=", "gren"),
        (b"=?../../x?q?a?=", "a"),
        (b"=?utf-8?q?a=0D=0AX-Evil:_1=00?=", "a\r\nX-Evil: 1\ufffd"),
        (b"=?utf-8?b?!!!?=", ""),
        (b"=?utf-8?b?Z3L_D-vG4=?=", "grün"),
        (b"=?utf-8?q?=FF=FE?=", "\ufffd\ufffd"),
        (b"=?utf-16?b?//4=?=", ""),
        (b"=?utf-8?b?Z3LDvG4?=", "grün"),
        (b"=?utf-8?b?Z3Jlb?=", "gre"),
        (b"=?cp9999?q?gr=C3=BCn?=", "grün"),
        (b"=?iso-2022-kr?b?Gw==?=", "\ufffd"),
        (b"=?broken", "=?broken"),
    ],
)
def test_subjects_are_decoded(raw: bytes, subject: str) -> None:
    """RFC 2047; reliability M13: no charset name reaches a codec that is no charset."""
    assert parse(b"Subject: " + raw + b"\r\n\r\n").subject == subject


@pytest.mark.parametrize(
    ("value", "authors"),
    [
        ("a@x.example", ["a@x.example"]),
        ("A B <a@x.example>", ["a@x.example"]),
        ('"boss@corp.example" <evil@x.example>', ["evil@x.example"]),
        ('"boss@corp.example" evil@x.example', ["evil@x.example"]),
        ("(boss@corp.example) a@x.example (c (d) e)", ["a@x.example"]),
        ("a@x.example, B <b@y.example>,,", ["a@x.example", "b@y.example"]),
        ("Group: a@x.example, <b@y.example>;", ["a@x.example", "b@y.example"]),
        ("undisclosed:;", []),
        ("<@r.example:a@x.example>", ["@r.example:a@x.example"]),
        ("a @ x.example", ["a@x.example"]),
        ("=?utf-8?q?boss=40corp.example?= <evil@x.example>", ["evil@x.example"]),
        ("<a@x.example", ["a@x.example"]),
        ("<boss@corp.example> <evil@x.example>", ["boss@corp.example", "evil@x.example"]),
        ("<boss@corp.example><evil@x.example", ["boss@corp.example", "evil@x.example"]),
        ("B <b@y.example> <>, a@x.example <>", ["b@y.example", "a@x.example"]),
        ("(a (b) boss@corp.example) a@x.example", ["a@x.example"]),
        ("(a <boss@corp.example>; b) a@x.example", ["a@x.example"]),
        ("Group: <a@x.example>; B b@y.example", ["a@x.example", "b@y.example"]),
        ("boss@corp.example: a@x.example;", ["a@x.example"]),
        ("John a@x(comment).example", ["a@x.example"]),
        ("<>", []),
        ("nobody", []),
        ("a\x00b@x.example, " + "a" * 1100 + "@x.example, b@y.example", ["b@y.example"]),
        ("A <a@x.example>, A again <a@x.example>", ["a@x.example"]),
        ('"unclosed <a@x.example>', []),
    ],
)
def test_authors_are_the_addresses_of_the_from_field(value: str, authors: list[str]) -> None:
    """W-1, U5: display names and comments name nobody."""
    message = parse(f"From: {value}\r\n\r\n".encode())

    assert [author.text for author in message.authors] == authors


@pytest.mark.parametrize(
    "value",
    [
        b", ".join(b"user%d@x.example" % n for n in range(4000)),
        b"(" * 50000 + b"a@x.example",
        b'"' * 50000,
        b"\\" * 50000,
        b"<" * 50000,
        b'"a' + b"\\" * 50001,
    ],
    ids=["4000 addresses", "comments", "quotes", "backslashes", "brackets", "escapes"],
)
def test_hostile_from_fields_are_read(value: bytes) -> None:
    """Reliability finding 16: at most 100 authors, no recursion.  Quadratic time would show as a
    test that hangs.
    """
    assert len(parse(b"From: " + value + b"\r\n\r\n").authors) <= MOST_AUTHORS


@pytest.mark.parametrize(
    ("field", "mail_from", "bulk"),
    [
        ("X: y", OSCAR, False),
        ("X: y", "", True),
        ("List-Id: <l.example>", OSCAR, True),
        ("List-Unsubscribe: <mailto:x@y>", OSCAR, True),
        ("Mailing-List: x", OSCAR, True),
        ("Precedence: bulk", OSCAR, True),
        ("Precedence: JUNK", OSCAR, True),
        ("Precedence: first-class", OSCAR, False),
        ("Auto-Submitted: no", OSCAR, False),
        ("Auto-Submitted: auto-replied (vacation)", OSCAR, True),
        ("From: MAILER-DAEMON@x.example", OSCAR, True),
        ("X: y", "owner-list@x.example", True),
        ("X: y", "list-bounces@x.example", True),
        ("X: y", "list-bounces+user=y@x.example", True),
        ("X: y", "list-request@x.example", True),
        ("X: y", "downer@x.example", False),
        ("X: y", "list-owner@x.example", True),
        ("X: y", "list-bounce@x.example", True),
        ("X: y", "list-admin@x.example", True),
        ("X: y", "administrator@x.example", False),
        ("List-Post: <mailto:x@y>", OSCAR, True),
        ("Precedence: list", OSCAR, True),
        ("Precedence: auto-reply", OSCAR, True),
        ("Precedence: auto_reply", OSCAR, True),
        ("Precedence: listing", OSCAR, False),
        ("Precedence: first-class\r\nPrecedence: bulk", OSCAR, True),
        ("Auto-Submitted: No (by hand)", OSCAR, False),
        ("Auto-Submitted: no; x=y", OSCAR, False),
        ("Auto-Submitted: no\r\nAuto-Submitted: auto-generated", OSCAR, True),
        ("Auto-Submitted: notified", OSCAR, True),
        ("Auto-Submitted:", OSCAR, True),
        ("From: double-bounce@x.example", OSCAR, True),
        ("From: Mailer <mailer@x.example>", OSCAR, True),
        ("From: a@x.example, autoreply@x.example", OSCAR, True),
        ("From: mailers@x.example", OSCAR, False),
    ],
)
def test_bulk_mail_is_known_by_its_marks(field: str, mail_from: str, bulk: bool) -> None:
    """N-2, BB-28, line by line."""
    message = parse(f"{field}\r\n\r\n".encode())

    assert message.is_bulk(address(mail_from)) is bulk


RECEIVED = (
    "Received: from helo.example (name.example [{ip}])\r\n"
    "\t(using TLSv1.3 with cipher X (256/256 bits))\r\n"
    "\tby {by} (Postfix) with {proto} id 4abcXYZ123\r\n"
    "\tfor <ann@example.com>; Sun, 1 Mar 2026 12:00:00 +0000 (UTC)\r\n\r\n"
)


def received(*, by: str = OWN, ip: str = "192.0.2.1", proto: str = "ESMTPS") -> bytes:
    return RECEIVED.format(by=by, ip=ip, proto=proto).encode()


def test_the_client_of_our_own_postfix_is_read_from_received() -> None:
    message = parse(received(ip="IPv6:2001:db8::1"))

    assert believed_client(message, envelope(), OWN.upper()) == Client(
        address="2001:db8::1",
        name="name.example",
        helo="helo.example",
        proto="ESMTPS",
        ident="4abcXYZ123",
        source="REMOTE",
    )


def test_all_that_postfix_may_write_about_a_login_is_skipped() -> None:
    """TLS with its key exchange, a client's certificate, the login's name; several recipients."""
    octets = (
        f"Received: from [192.0.2.9] (unknown [192.0.2.1])\r\n"
        "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n"
        "\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\r\n"
        '\t(Client CN "desk (2)", Issuer "example (verified OK)" (not verified))\r\n'
        "\t(Authenticated sender: ann@example.com)\r\n"
        f"\tby {OWN} (Postfix/MTA) with ESMTPSA id 4abcXYZ123;\r\n"
        "\tSun, 1 Mar 2026 12:00:00 +0000 (UTC)\r\n\r\n"
    ).encode()

    assert believed_client(parse(octets), envelope(), OWN) == Client(
        address="192.0.2.1",
        helo="[192.0.2.9]",
        proto="ESMTPSA",
        ident="4abcXYZ123",
        source="REMOTE",
        authenticated=True,
    )


def test_mail_of_a_local_program_has_only_a_queue_id() -> None:
    octets = (
        f"Received: by {OWN} (Postfix, from userid 1000)\r\n\tid 4abcXYZ123; Sun\r\n\r\n".encode()
    )

    assert believed_client(parse(octets), envelope(), OWN) == Client(
        ident="4abcXYZ123", source="LOCAL"
    )


@pytest.mark.parametrize(
    "octets",
    [
        received(by="other.example"),
        b"Received: from x (x [192.0.2.1]) by other.example (Postfix) id 4abcXYZ; x\r\n"
        + received(),
        f"Received: from x by {OWN} with Exim; x\r\n\r\n".encode(),
        b"X: y\r\n\r\n",
    ],
    ids=["another host", "not the topmost", "not Postfix", "none"],
)
def test_received_fields_of_others_are_not_believed(octets: bytes) -> None:
    assert believed_client(parse(octets), envelope(), OWN) == Client()


def test_xforward_goes_before_received() -> None:
    given_client = Client(address="198.51.100.1")
    message = parse(received())

    assert believed_client(message, envelope(client=given_client), OWN) == given_client
    assert believed_client(message, envelope(), "") == Client()


@pytest.mark.parametrize(
    ("proto", "logged_in"),
    [
        ("SMTP", False),
        ("ESMTP", False),
        ("ESMTPS", False),
        ("ESMTPA", True),
        ("ESMTPSA", True),
        ("UTF8SMTP", False),
        ("UTF8SMTPS", False),
        ("UTF8SMTPA", True),
        ("UTF8SMTPSA", True),
    ],
)
@pytest.mark.parametrize("xforward", [Client(), Client(address="198.51.100.1", ident="4abcXYZ123")])
def test_our_own_postfix_tells_who_logged_in(proto: str, logged_in: bool, xforward: Client) -> None:
    """RFC 3848, RFC 6531 4.3: XFORWARD does not say it, whatever else it gives."""
    client = believed_client(parse(received(proto=proto)), envelope(client=xforward), OWN)

    assert client.authenticated is logged_in
    assert client.address == (xforward.address or "192.0.2.1")


LOGIN = received(proto="ESMTPSA")
OTHERS = received(by="other.example", proto="ESMTPSA")
CERTIFICATE = b'(Client CN "x by mx.example.com (Postfix) with ESMTPSA id 4abcXYZ123", Issuer "y" (not verified))'


@pytest.mark.parametrize(
    ("octets", "ident", "own_postfix"),
    [
        pytest.param(OTHERS, "4abcXYZ123", OWN, id="another host"),
        pytest.param(OTHERS[:-2] + LOGIN, "4abcXYZ123", OWN, id="not the topmost"),
        pytest.param(LOGIN, "5another99", OWN, id="of another hop"),
        pytest.param(LOGIN, "4abcXYZ123", "", id="nobody is believed"),
        pytest.param(b"X: y\r\n\r\n", "4abcXYZ123", OWN, id="none"),
        pytest.param(
            received(proto="ESMTPS").replace(b"(using TLSv1.3 with cipher X (256/256 bits))", CERTIFICATE),
            "4abcXYZ123",
            OWN,
            id="in a client's certificate",
        ),
        pytest.param(
            LOGIN.replace(b"(using", b"(unclosed (using"), "4abcXYZ123", OWN, id="unbalanced comments"
        ),
        pytest.param(LOGIN.replace(b"ESMTPSA", b""), "4abcXYZ123", OWN, id="no protocol"),
    ],
)  # fmt: skip
def test_nobody_logs_in_by_writing_that_he_did(octets: bytes, ident: str, own_postfix: str) -> None:
    assert not authenticated(parse(octets), own_postfix, ident)


def test_the_queue_id_of_xforward_is_the_one_that_counts() -> None:
    """A field that an earlier hop of ours wrote tells nothing of this one."""
    other = Client(address="198.51.100.1", ident="5another99")
    assert not believed_client(parse(LOGIN), envelope(client=other), OWN).authenticated
    assert believed_client(
        parse(LOGIN), envelope(client=replace(other, ident="4abcXYZ123")), OWN
    ).authenticated


def test_of_a_received_field_4000_characters_are_read() -> None:
    """P6."""
    start, end = LOGIN.split(b"by mx", 1)
    start = start.replace(b"X (256", b"X" * (3990 - len(start)) + b" (256")
    assert not authenticated(parse(start + b"by mx" + end), OWN)


def test_a_login_counts_where_the_queue_id_is_unknown() -> None:
    assert authenticated(parse(LOGIN), OWN)
    assert authenticated(parse(LOGIN.replace(b" id 4abcXYZ123", b"")), OWN, "4abcXYZ123")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a(b)c", "ac"),
        ('a "b (c)" d', "a b (c) d"),
        ("(a\\)b) c", "c"),
        ("a\\(b) c", "a(b) c"),
        ('"a', "a"),
        ("a\\", "a\\"),
        ("(a\\", ""),
        ("(" * 100000, ""),
        ('"' * 100001, ""),
    ],
)
def test_comments_and_quotation_marks_are_taken_off(text: str, plain: str) -> None:
    """RFC 5322 3.2.2, 3.2.4; in linear time, whatever is nested or left open."""
    assert words.bare(text) == plain


@given(st.text(max_size=120))
@example("X\u00f6")
@example("a  X\u00f6X")
def test_encoded_texts_are_read_again(text: str) -> None:
    """RFC 2047: words of 75 characters at most, ASCII only."""
    encoded = words.encode(text)

    assert words.decode(encoded) == text
    assert encoded.isascii()
    assert encoded.isprintable()
    assert all(len(word) <= 75 for word in encoded.split() if word.startswith("=?"))


def test_the_whole_corpus_is_read_and_its_bodies_stay(corpus: Path) -> None:
    for file in sorted(corpus.glob("*/*.eml")):
        octets = file.read_bytes()
        message = parse(octets)
        told = (message.subject, message.header_from, message.authors, message.received_count)
        assert told, file
        headers.check(message, smtputf8=False)
        edits = Edits(prepend=(("X-Test", "1"),), subject_tag="***SPAM*** ")
        copy = edited_header(message, edits) + octets[message.body_start :]
        again = parse(copy)
        assert copy[again.body_start :] == octets[message.body_start :], file
        assert again.first("X-Test") == "1", file
        assert "***SPAM***" in again.subject, file
