"""Rspamd: what it is told, and what of its answers counts (S-3, S-10, B1 to B7)."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.address import NULL_SENDER, Address, parse_address
from smtpfilter.mail.envelope import Client, Envelope, Recipient
from smtpfilter.mail.findings import Rule, SpamReport
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.ports.engines import ConnectionBroke, Letter, ScannerFailed
from smtpfilter.scan import rspamd
from smtpfilter.scan.rspamd import Rspamd, parse_answer
from smtpfilter.scan.sample import TRUNCATED
from smtpfilter.scan.symbols import ACTION, OTHER, parse_scan
from tests.doubles import rspamd as double
from tests.scan import fake_engine
from tests.scan.fake_engine import FakeEngine

Spooled = Callable[[bytes], SpooledMail]
Engine = Callable[..., FakeEngine]
MAIL = b"Subject: hello\r\n\r\nwords\r\n"


def read(octets: bytes) -> SpamReport:
    return parse_scan(parse_answer(octets))


def test_symbols_become_rules_and_the_score_is_their_sum() -> None:
    """S-10: in Rspamd's points."""
    report = read(double.http(double.scan({"R_SPF_FAIL": 1.0, "BAYES_HAM": -2.9996, "X": 0.0})))

    assert report.engine == "rspamd"
    assert report.score == -2.0
    assert report.rules == (
        Rule("R_SPF_FAIL", 1.0, "What R_SPF_FAIL says [an option]"),
        Rule("BAYES_HAM", -3.0, "What BAYES_HAM says [an option]"),
        Rule("X", 0.0, "What X says [an option]"),
        Rule(ACTION, 0.0, "Rspamd's own count: -1.9996 of 15 points, no action"),
    )


def test_what_rspamd_counts_beyond_its_symbols_is_not_lost() -> None:
    """GTUBE's symbol has no points: a module forced the result."""
    report = read(double.http(double.gtube()))

    assert report.score == 15.0
    assert [(rule.name, rule.points) for rule in report.rules] == [
        ("GTUBE", 0.0),
        (OTHER, 15.0),
        (ACTION, 0.0),
    ]
    assert "reject, checks skipped" in report.rules[-1].description


@pytest.mark.parametrize(("score", "rest"), [(7.0, None), (7.0004, None), (8.5, 1.5), (-1, -8.0)])
def test_rounding_is_no_difference(score: float, rest: float | None) -> None:
    report = read(double.http(double.scan({"A": 3.0, "B": 4.0}, score=score)))

    assert {rule.name: rule.points for rule in report.rules}.get(OTHER) == rest
    assert report.score == pytest.approx(7.0 + (rest or 0.0))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("R_TEST", "R_TEST"),
        ("a, b=[c]", "a__b__c_"),
        ("\x00\n\x1b", "___"),
        ("", "_"),
        ("x" * 500, "x" * 100),
    ],
)
def test_names_cannot_end_their_place_in_a_header(name: str, shown: str) -> None:
    """T-6."""
    body = {"score": 1, "symbols": {name: {"score": 1}}}

    assert parse_scan(json.dumps(body).encode()).rules[0].name == shown


@pytest.mark.parametrize(
    ("symbol", "description"),
    [
        ({}, ""),
        ({"description": "a\nb\x00"}, "a b\ufffd"),
        ({"description": "a", "options": ["x", 7, {"y": 1}, "y\r\nz"]}, "a [x, y z]"),
        ({"description": 7, "options": "x"}, ""),
        ({"description": "a" * 1000}, "a" * 300),
        ({"description": "\ud800"}, "\ufffd"),
    ],
)  # fmt: skip
def test_what_a_symbol_says_is_visible_and_bounded(
    symbol: dict[str, Any], description: str
) -> None:
    """P6: options quote the mail."""
    body = {"score": 1, "symbols": {"A": {"score": 1} | symbol}}

    assert parse_scan(json.dumps(body).encode()).rules[0].description == description


def test_points_out_of_all_bounds_are_brought_within_them() -> None:
    report = read(double.http(double.scan({"A": 5e8})))

    assert (report.rules[0].points, report.score) == (1000.0, 1000.0)
    assert [rule.name for rule in report.rules] == ["A", ACTION]


WHOLE = double.http(double.scan({"A": 1.0}))


def changed(**fields: Any) -> bytes:
    document = json.loads(double.scan({"A": 1.0})) | fields
    return double.http(json.dumps(document).encode())


def scored(score: bytes) -> bytes:
    body = double.scan({"A": 1.0})
    assert body.count(b'"score":1.0,"required') == 1
    return double.http(body.replace(b'"score":1.0,"required', b'"score":%b,"required' % score))


BROKEN = [
    b"",
    b"\0\0\0",
    b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"SPAMD/1.1 0 EX_OK\r\n\r\n",
    WHOLE[:-1],
    WHOLE.replace(b"200 OK", b"503 Busy"),
    WHOLE.replace(b"200 OK", b"301 Elsewhere"),
    WHOLE.replace(b"200 OK", b"x"),
    WHOLE.replace(b"Content-Length: ", b"Content-Length: 9"),
    WHOLE.replace(b"Content-Length: ", b"Content-Length: " + b"9" * 50),
    WHOLE.replace(b"Content-Length: ", b"Content-Length: -"),
    WHOLE.replace(b"Content-Length:", b"Content-Size:"),
    WHOLE.replace(b"Connection: close", b"Transfer-Encoding: chunked"),
    WHOLE.replace(b"Server: ", b"X: y\r\n" * 200),
    WHOLE.replace(b"Server: ", b"Server: " + b"x" * 70_000),
    double.http(b""),
    double.http(b"pong"),
    double.http(b"[]"),
    double.http(b"null"),
    double.http(b"\xff\xfe\xff"),
    double.http(b"{" * 100_000),
    double.http(b"[" * 100_000),
    double.http(b'{"error":"invalid command"}'),
    scored(b"nan"),
    scored(b"NaN"),
    scored(b"-Infinity"),
    scored(b"1e999"),
    scored(b"1" + b"0" * 400),
    scored(b"1" + b"0" * 9000),
    changed(score=None),
    changed(score="1.0"),
    changed(score=True),
    changed(score=1e300),
    changed(required_score="15"),
    changed(symbols=None),
    changed(symbols=["A"]),
    changed(symbols={"A": 1.0}),
    changed(symbols={"A": {}}),
    changed(symbols={"A": {"score": "1"}}),
    changed(symbols={"A": {"score": None}}),
    changed(symbols={str(number): {"score": 0} for number in range(1001)}),
]  # fmt: skip


@pytest.mark.parametrize("octets", BROKEN, ids=range(len(BROKEN)))
def test_anything_but_a_whole_sane_answer_is_a_failure(octets: bytes) -> None:
    """B5."""
    with pytest.raises(ScannerFailed):
        read(octets)


def test_an_action_that_is_none_and_a_missing_limit_are_no_failure() -> None:
    """Only points decide."""
    action = read(changed(action=None, required_score=None)).rules[-1].description

    assert action == "Rspamd's own count: 1 points, no action named"
    assert len(read(changed(action="x" * 999)).rules[-1].description) < 100


def test_an_answer_in_chunks_is_one_answer() -> None:
    """A proxy before Rspamd may speak so."""
    body = double.scan({"A": 1.0})
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)

    assert read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks) == read(WHOLE)


@given(
    st.binary(max_size=300)
    | st.binary(max_size=200).map(double.http)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["score", "symbols", "options", "A"]) | st.text(max_size=5), inner
            )
        ),
    ).map(lambda document: double.http(json.dumps(document).encode()))
)
def test_whatever_comes_is_a_sane_report_or_a_failure(octets: bytes) -> None:
    """B5."""
    try:
        report = read(octets)
    except ScannerFailed:
        return
    assert math.isfinite(report.score)
    assert report.score == pytest.approx(math.fsum(r.points for r in report.rules), abs=0.001)
    assert all(abs(r.points) <= 1000 for r in report.rules if r.name != OTHER)
    assert all(len(r.description) <= 300 for r in report.rules)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=20),
        st.floats(-1e6, 1e6) | st.integers(-(10**9), 10**9),
        max_size=20,
    ),
    st.floats(-1e6, 1e6),
)
def test_points_of_any_size_make_a_sum(points: dict[str, float], score: float) -> None:
    symbols = {name: {"score": worth} for name, worth in points.items()}
    report = parse_scan(json.dumps({"score": score, "symbols": symbols}).encode())

    assert len(report.rules) - len(points) in (1, 2)
    assert report.score == pytest.approx(max(-1000, min(1000, score)), abs=0.02)


# What Rspamd is told


def told(
    engine: Engine, letter: Letter, *, tcp: bool = False
) -> tuple[dict[str, list[str]], bytes, SpamReport]:
    """Return the fields and the message of the one request, and what came of it."""
    played = double.Rspamd(A=1.0)
    report = Rspamd(engine(played, tcp=tcp).endpoint).scan(letter, 5)
    assert not played.complaints
    (fields,), (shown,) = played.asked, played.shown
    return fields, shown, report


def full(envelope: Envelope, **client: str) -> Envelope:
    people = tuple(Recipient(parse_address(b"%b@example.com" % name)) for name in (b"a", b"b"))
    return replace(envelope, recipients=people, client=Client(**client))


@pytest.mark.parametrize("tcp", [False, True])
def test_rspamd_is_told_what_is_known_of_the_mails_way(
    engine: Engine, spooled: Spooled, envelope: Envelope, tcp: bool
) -> None:
    """S-10: on a unix socket or a port."""
    known = full(envelope, address="192.0.2.7", name="mx.example.org", helo="mx", ident="4ABC")
    fields, shown, report = told(engine, Letter(spooled(MAIL), known), tcp=tcp)

    assert fields == {
        "from": ["sender@example.org"],
        "rcpt": ["a@example.com", "b@example.com"],
        "ip": ["192.0.2.7"],
        "hostname": ["mx.example.org"],
        "helo": ["mx"],
        "queue-id": ["4ABC"],
        "content-length": [str(len(MAIL))],
    }
    assert shown == MAIL
    assert report.score == 1.0


def test_what_is_not_known_is_not_told(
    engine: Engine, spooled: Spooled, envelope: Envelope
) -> None:
    """The null sender is; and the mail has our own id where Postfix's is not known."""
    anonymous = replace(envelope, mail_from=NULL_SENDER, client=Client(address="unknown"))
    fields, _, _ = told(engine, Letter(spooled(MAIL), anonymous))

    assert fields.keys() == {"from", "queue-id", "content-length"}
    assert (fields["from"], fields["queue-id"]) == (["<>"], [str(envelope.mail_id)])


def test_preferences_are_told_as_whose_settings_count(
    engine: Engine, spooled: Spooled, envelope: Envelope
) -> None:
    """S-1, S-10."""
    fields, _, _ = told(engine, Letter(spooled(MAIL), envelope, preferences="ann"))

    assert fields["deliver-to"] == ["ann"]


def test_words_of_a_client_make_no_field_of_their_own(
    engine: Engine, spooled: Spooled, envelope: Envelope
) -> None:
    """Whatever XFORWARD or an address brings."""
    known = full(envelope, helo="x\r\nSettings-Id: none", name="y" * 5000, ident="\x00")
    hostile = Address(b"a\r\nFlags: skip@x", b"", "x")
    known = replace(known, recipients=(Recipient(hostile), *known.recipients))
    fields, _, _ = told(engine, Letter(spooled(MAIL), known))

    assert fields.keys() == {"from", "rcpt", "content-length"}
    assert fields["rcpt"] == ["a@example.com", "b@example.com"]


def test_of_very_many_recipients_those_who_have_room_are_told(
    engine: Engine, spooled: Spooled, envelope: Envelope
) -> None:
    many = tuple(Recipient(parse_address(b"%060d@example.com" % number)) for number in range(1100))
    fields, _, _ = told(engine, Letter(spooled(MAIL), replace(envelope, recipients=many)))

    assert 300 < len(fields["rcpt"]) < 1100
    assert sum(map(len, fields["rcpt"])) < rspamd.LONGEST_FIELDS


@pytest.mark.parametrize(("body_bytes", "cut"), [(20_000, True), (200_000, False)])
def test_a_large_message_is_judged_by_its_beginning_and_says_so(
    engine: Engine, spooled: Spooled, envelope: Envelope, body_bytes: int, cut: bool
) -> None:
    """S-3, BB-49: by the site's own limit."""
    letter = Letter(spooled(MAIL + b"a line\r\n" * 12_500), envelope, body_bytes=body_bytes)
    _, shown, report = told(engine, letter)

    assert (report.rules[-1].name == TRUNCATED) is cut
    assert len(shown) <= len(MAIL) + body_bytes
    assert (len(shown) < len(letter.mail.octets)) is cut


# Faults


def asked(engine: Engine, play: Any, letter: Letter, seconds: float = 5) -> SpamReport:
    return Rspamd(engine(play).endpoint).scan(letter, seconds)


def says(*pieces: bytes) -> fake_engine.Play:
    """Answer a request, read to its end, with `pieces`, each in a packet of its own."""

    def play(connection: Any) -> None:
        double.read_request(connection)
        for piece in pieces:
            connection.sendall(piece)

    return play


def test_hanging_up_is_worth_a_second_try_and_hanging_ends_at_the_deadline(
    engine: Engine, spooled: Spooled, envelope: Envelope
) -> None:
    """B2, B3."""
    letter = Letter(spooled(MAIL), envelope)
    for play in (says(), fake_engine.hangs_up):
        with pytest.raises(ConnectionBroke):
            asked(engine, play, letter)
    with pytest.raises(ScannerFailed):
        asked(engine, fake_engine.hangs, letter, seconds=0.3)


def test_an_answer_in_pieces_is_one_answer_and_an_endless_one_a_failure(
    engine: Engine, spooled: Spooled, envelope: Envelope
) -> None:
    """B4, B5."""
    letter = Letter(spooled(MAIL), envelope)
    pieces = [WHOLE[start : start + 7] for start in range(0, len(WHOLE), 7)]
    assert asked(engine, says(*pieces), letter) == read(WHOLE)
    with pytest.raises(ScannerFailed, match="longer than"):
        asked(engine, says(b"HTTP/1.1 200 OK\r\n", *(b"x" * 65536 for _ in range(20))), letter)


def test_failures_hold_nothing_of_the_mail_or_the_answer(
    engine: Engine, spooled: Spooled, envelope: Envelope
) -> None:
    """P6."""
    answers = (
        b"HTTP/1.1 503 secret words\r\nContent-Length: 0\r\n\r\n",
        b"secret words\r\n\r\n",
        double.http(b"secret words"),
        changed(symbols={"secret words": "secret words"}),
    )
    for answer in answers:
        with pytest.raises(ScannerFailed) as failure:
            asked(engine, says(answer), Letter(spooled(b"secret words"), envelope))
        assert "secret" not in str(failure.value)


def test_it_answers_ping_and_knows_gtube(engine: Engine) -> None:
    """B8."""
    working = Rspamd(engine(double.Rspamd()).endpoint)
    working.ping()
    working.self_test()
    for play, match in ((says(WHOLE), "pong"), (says(double.http(b"")), "pong")):
        with pytest.raises(ScannerFailed, match=match):
            Rspamd(engine(play).endpoint).ping()
    with pytest.raises(ScannerFailed, match="GTUBE"):
        Rspamd(engine(says(double.http(double.scan({"A": 0.5})))).endpoint).self_test()
