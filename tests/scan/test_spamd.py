"""spamd: only a whole, sane answer counts (B1 to B6); exact points by our template (4.16)."""

import math
import socket
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.config import Endpoint
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.findings import Rule, SpamReport
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.ports.engines import ConnectionBroke, Letter, ScannerFailed
from smtpfilter.scan.report import parse_answer, parse_report
from smtpfilter.scan.sample import TRUNCATED
from smtpfilter.scan.spamd import Spamd, gtube
from tests.scan import fake_engine
from tests.scan.fake_engine import FakeEngine, Play, read_request, spamd_says

Spooled = Callable[[bytes], SpooledMail]
Engine = Callable[[Play], FakeEngine]

TEMPLATE = """\
POSTERN-REPORT 1
score 6.9 required 6.3 autolearn no autolearn_force=no
tests ALL_TRUSTED=-1,FREEMAIL_FROM=0.001,GTUBE=1000,LONG_NAME_OF_A_RULE_WHICH_IS_LONG=0.953
 0.0 FREEMAIL_FROM          Sender email is commonly abused enduser mail provider
                            [spammer01(at)gmail.com]
1000 GTUBE                  BODY: Generic Test for Unsolicited Bulk Email
 1.0 LONG_NAME_OF_A_RULE_WHICH_IS_LONG Subject contains an English UCE tag
"""
STANDARD = """\
Spam detection software, running on the system "mail",
has NOT identified this incoming email as spam.

Content preview:  ---- ---------------------- -------------------------------
   9.9 FAKE                   a line of the mail itself

Content analysis details:   (1.5 points, 6.3 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
-0.0 NO_RELAYS              Informational: message was not relayed via SMTP
 1.5 MISSING_DATE           Missing Date: header and a description that is so long
                            that it needs two lines

The original message was not completely plain text.
"""


def answer(body: str, spam: str = "True ; 6.9 / 6.3", head: str = "SPAMD/1.1 0 EX_OK") -> bytes:
    octets = body.encode()
    return f"{head}\r\nContent-length: {len(octets)}\r\nSpam: {spam}\r\n\r\n".encode() + octets


def read(octets: bytes) -> SpamReport:
    return parse_report(parse_answer(octets))


def test_our_template_gives_exact_points_and_their_sum() -> None:
    report = read(answer(TEMPLATE))
    assert report.score == 999.954
    assert report.autolearn == "no"
    assert report.rules == (
        Rule("ALL_TRUSTED", -1.0),
        Rule(
            "FREEMAIL_FROM",
            0.001,
            "Sender email is commonly abused enduser mail provider [spammer01(at)gmail.com]",
        ),
        Rule("GTUBE", 1000.0, "BODY: Generic Test for Unsolicited Bulk Email"),
        Rule("LONG_NAME_OF_A_RULE_WHICH_IS_LONG", 0.953, "Subject contains an English UCE tag"),
    )


@pytest.mark.parametrize(
    ("line", "autolearn", "prefix"),
    [
        ("autolearn no", "no", ""),
        ("autolearn ham autolearn_force=no", "ham", ""),
        ("autolearn ham autolearn_force=no prefix ", "ham", ""),
        ("autolearn no prefix [OLE] [VIRUS] ", "no", "[OLE] [VIRUS] "),
        ("autolearn no autolearn_force=no prefix a prefix b ", "no", "a prefix b "),
    ],
)
def test_the_rules_have_words_for_the_subject(line: str, autolearn: str, prefix: str) -> None:
    """T-8: _SUBJPREFIX_."""
    report = read(answer(f"POSTERN-REPORT 1\nscore 1 required 6.3 {line}\ntests A=1\n"))

    assert (report.autolearn, report.subject_prefix) == (autolearn, prefix)


def test_no_rules_are_no_points() -> None:
    body = (
        "POSTERN-REPORT 1\nscore -0.0 required 6.3 autolearn ham autolearn_force=no\ntests none\n"
    )
    report = read(answer(body, "False ; -0.0 / 6.3"))
    assert report == SpamReport(0.0, (), "ham")
    assert math.copysign(1, report.score) == 1


def test_without_the_template_the_number_and_the_table_of_the_standard_report_count() -> None:
    report = read(answer(STANDARD, "False ; 1.5 / 6.3"))
    assert report.score == 1.5
    assert report.rules == (
        Rule("NO_RELAYS", 0.0, "Informational: message was not relayed via SMTP"),
        Rule(
            "MISSING_DATE",
            1.5,
            "Missing Date: header and a description that is so long that it needs two lines",
        ),
    )


def test_mail_that_quotes_a_rule_changes_neither_points_nor_rules() -> None:
    quoted = TEMPLATE.replace("[spammer01", "\n9.9 GTUBE forged\ntests EVIL=-900\n[spammer01")
    report = read(answer(quoted))
    assert report.score == 999.954
    assert [rule.name for rule in report.rules] == [r.name for r in read(answer(TEMPLATE)).rules]


def test_descriptions_are_visible_and_bounded() -> None:
    report = read(answer(TEMPLATE.replace("[spammer01", "\x00\x1b" + "x" * 5000)))
    description = report.rules[1].description
    assert len(description) <= 300
    assert "\x00" not in description


BROKEN = [
    b"",
    b"\0\0\0",
    b"SPAMD/1.1 0 EX_OK",
    b"SPAMD/1.1 0 EX_OK\r\n\r\n",
    b"SPAMD/1.1 75 EX_TEMPFAIL\r\n\r\n",
    b"SPAMD/1.0 76 Bad header line: nonsense\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    answer(TEMPLATE, head="SPAMD/1.1 79 EX_TIMEOUT"),
    answer(TEMPLATE, head="SPAMD/x 0 EX_OK"),
    answer(TEMPLATE, spam="True ; nan / 6.3"),
    answer(TEMPLATE, spam="True ; inf / 6.3"),
    answer(TEMPLATE, spam="True ; 1e308 / 6.3"),
    answer(TEMPLATE, spam="True ; - / 6.3"),
    answer(TEMPLATE, spam="True ; / 6.3"),
    answer(TEMPLATE, spam="Maybe ; 1.0 / 6.3"),
    answer(TEMPLATE, spam="True ; 1.0"),
    answer(TEMPLATE)[:-1],
    answer(TEMPLATE) + b"x",
    answer(TEMPLATE).replace(b"Content-length: ", b"Content-length: 9"),
    answer(TEMPLATE).replace(b"Content-length: ", b"Content-length: -"),
    answer(TEMPLATE).replace(b"Content-length:", b"Content-size:"),
    answer(TEMPLATE).replace(b"Spam:", b"Ham:"),
    answer("POSTERN-REPORT 1\n"),
    answer(TEMPLATE.replace("tests ", "rules ")),
    answer(TEMPLATE.replace("GTUBE=1000", "GTUBE=nan")),
    answer(TEMPLATE.replace("GTUBE=1000", "GTUBE=1e308")),
    answer(TEMPLATE.replace("GTUBE=1000", "GTUBE")),
    answer(TEMPLATE.replace("GTUBE=1000", "G\x00TUBE=1000")),
    answer(TEMPLATE.replace("tests ", "tests " + "A=1," * 2000)),
]


@pytest.mark.parametrize("octets", BROKEN, ids=range(len(BROKEN)))
def test_anything_but_a_whole_sane_answer_is_a_failure(octets: bytes) -> None:
    with pytest.raises(ScannerFailed):
        read(octets)


@pytest.mark.parametrize(("given_score", "score"), [("99999.5", 1000.0), ("-99999.5", -1000.0)])
def test_a_score_out_of_all_bounds_is_brought_within_them(given_score: str, score: float) -> None:
    assert read(answer(STANDARD, f"True ; {given_score} / 6.3")).score == score


def test_points_of_a_rule_are_brought_within_bounds() -> None:
    body = TEMPLATE.replace("GTUBE=1000", "GTUBE=99999999")
    assert {r.name: r.points for r in read(answer(body)).rules}["GTUBE"] == 1000.0


@given(
    st.binary(max_size=300) | st.text(max_size=200).map(lambda t: answer("POSTERN-REPORT 1\n" + t))
)
def test_whatever_comes_is_a_sane_report_or_a_failure(octets: bytes) -> None:
    try:
        report = read(octets)
    except ScannerFailed:
        return
    assert math.isfinite(report.score)
    assert all(abs(rule.points) <= 1000 and len(rule.description) <= 300 for rule in report.rules)


@given(st.text(max_size=300))
def test_whatever_stands_in_a_standard_report_the_number_counts(text: str) -> None:
    assert read(answer(text, "False ; 1.5 / 6.3")).score == 1.5 or text.startswith("POSTERN-REPORT")


def test_the_request_is_the_message_under_the_envelope_sender(
    engine: Engine, spooled: Spooled, envelope: Envelope
) -> None:
    """S-2, S-11: with the Received fields of the front MTA, from which SpamAssassin takes the way
    of the mail; what XFORWARD says is no business of its.
    """
    requests = []

    def play(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        connection.sendall(answer(TEMPLATE))

    octets = b"Received: from x by y; now\r\nSubject: hello\r\n\r\n" + b"a line\r\n" * 20_000
    Spamd(engine(play).endpoint).scan(Letter(spooled(octets), envelope), 5)
    shown = b"Return-Path: <sender@example.org>\r\n" + octets
    head = f"REPORT SPAMC/1.5\r\nUser: postern\r\nContent-length: {len(shown)}\r\n\r\n"
    assert requests == [head.encode() + shown]


def test_a_large_message_is_judged_by_its_beginning_and_says_so(
    engine: Engine, spooled: Spooled, envelope: Envelope
) -> None:
    fake = engine(spamd_says(answer(TEMPLATE)))
    report = Spamd(fake.endpoint).scan(
        Letter(spooled(b"\r\n" + b"a line\r\n" * 100_000), envelope), 5
    )
    assert report.rules[-1].name == TRUNCATED
    assert report.score == 999.954


@pytest.mark.parametrize(
    ("preferences", "user"), [("", "postern"), ("ann+x@example.com", "ann+x@example.com")]
)
def test_spamd_is_told_whose_preferences_count(
    engine: Engine, spooled: Spooled, envelope: Envelope, preferences: str, user: str
) -> None:
    """S-1, BB-50."""
    requests = []

    def play(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        connection.sendall(answer(TEMPLATE))

    Spamd(engine(play).endpoint).scan(Letter(spooled(b"x"), envelope, preferences), 5)
    assert f"\r\nUser: {user}\r\n".encode() in requests[0]


def test_how_much_of_a_body_is_looked_at_says_the_site(
    engine: Engine, spooled: Spooled, envelope: Envelope
) -> None:
    """S-3, BB-49."""
    mail = spooled(b"Subject: x\r\n\r\n" + b"a line\r\n" * 10_000)
    spamd = Spamd(engine(spamd_says(answer(TEMPLATE))).endpoint)

    cut = spamd.scan(Letter(mail, envelope, body_bytes=20_000), 5)
    assert cut.rules[-1].name == TRUNCATED
    assert "20" in cut.rules[-1].description
    assert TRUNCATED not in {rule.name for rule in spamd.scan(Letter(mail, envelope), 5).rules}


def test_an_answer_in_pieces_is_one_answer(
    engine: Engine, spooled: Spooled, envelope: Envelope
) -> None:
    whole = answer(TEMPLATE)
    fake = engine(spamd_says(*(whole[i : i + 7] for i in range(0, len(whole), 7))))
    assert Spamd(fake.endpoint).scan(Letter(spooled(b"x"), envelope), 5) == read(whole)


def test_an_endless_answer_is_a_failure(
    engine: Engine, spooled: Spooled, envelope: Envelope
) -> None:
    fake = engine(spamd_says(b"SPAMD/1.1 0 EX_OK\r\n", *(b"x" * 65536 for _ in range(160))))
    with pytest.raises(ScannerFailed, match="longer than"):
        Spamd(fake.endpoint).scan(Letter(spooled(b"x"), envelope), 5)


def test_hanging_up_without_an_answer_is_worth_a_second_try(
    engine: Engine, spooled: Spooled, envelope: Envelope
) -> None:
    with pytest.raises(ConnectionBroke):
        Spamd(engine(fake_engine.hangs_up).endpoint).scan(
            Letter(spooled(b"x" * 200_000), envelope), 5
        )
    with pytest.raises(ConnectionBroke):
        Spamd(engine(spamd_says()).endpoint).scan(Letter(spooled(b"x"), envelope), 5)


def test_hanging_ends_at_the_deadline(engine: Engine, spooled: Spooled, envelope: Envelope) -> None:
    with pytest.raises(ScannerFailed):
        Spamd(engine(fake_engine.hangs).endpoint).scan(Letter(spooled(b"x"), envelope), 0.3)


def test_failures_hold_nothing_of_the_mail_or_the_answer(
    engine: Engine, spooled: Spooled, envelope: Envelope
) -> None:
    fake = engine(spamd_says(b"SPAMD/1.0 76 Bad header line: secret words\r\n"))
    with pytest.raises(ScannerFailed) as failure:
        Spamd(fake.endpoint).scan(Letter(spooled(b"secret words"), envelope), 5)
    assert "secret" not in str(failure.value)


def test_a_spamd_without_its_rules_fails_its_self_test(engine: Engine) -> None:
    fake = engine(spamd_says(answer(STANDARD, "False ; 1.5 / 6.3")))
    with pytest.raises(ScannerFailed, match="GTUBE"):
        Spamd(fake.endpoint).self_test()


# The real one


def test_the_real_spamd_answers_and_knows_gtube(real_spamd: Endpoint) -> None:
    spamd = Spamd(real_spamd, 30)
    spamd.ping()
    spamd.self_test()


def test_the_real_spamd_gives_exact_points_with_descriptions(
    real_spamd: Endpoint, spooled: Spooled, envelope: Envelope
) -> None:
    report = Spamd(real_spamd).scan(Letter(spooled(gtube()), envelope), 30)
    points = {rule.name: rule.points for rule in report.rules}
    assert points["GTUBE"] == 1000.0
    assert points["MISSING_MID"] == 0.552
    assert report.score == round(math.fsum(points.values()), 3)
    assert all(rule.description for rule in report.rules)


def test_the_real_spamd_reads_the_envelope_sender(
    real_spamd: Endpoint, spooled: Spooled, envelope: Envelope
) -> None:
    mail = spooled(b"From: a@other.example.net\r\nSubject: hello\r\n\r\nwords\r\n")
    report = Spamd(real_spamd).scan(Letter(mail, envelope), 30)
    assert "HEADER_FROM_DIFFERENT_DOMAINS" in {rule.name for rule in report.rules}


def test_the_real_spamd_scores_for_a_name_that_it_never_heard_of(
    real_spamd: Endpoint, spooled: Spooled, envelope: Envelope
) -> None:
    """S-1, S-5: by the site's rules; a name without preferences is no failure."""
    mail = spooled(b"From: a@example.org\r\nSubject: hello\r\n\r\nwords\r\n")
    site = Spamd(real_spamd).scan(Letter(mail, envelope), 30)
    own = Spamd(real_spamd).scan(Letter(mail, envelope, "nobody+x@example.com"), 30)

    assert {rule.name: rule.points for rule in own.rules} == {
        rule.name: rule.points for rule in site.rules
    }


@pytest.mark.parametrize("octets", [b"", b"\0\0", b"\r\n", b"no line end", b" folded\r\n\r\nx"])
def test_the_real_spamd_takes_odd_messages(
    real_spamd: Endpoint, spooled: Spooled, envelope: Envelope, octets: bytes
) -> None:
    assert Spamd(real_spamd).scan(Letter(spooled(octets), envelope), 30).score < 100


def test_the_real_spamd_learns_once_and_forgets(real_spamd: Endpoint) -> None:
    spamd = Spamd(real_spamd, 30)
    octets = b"Message-Id: <learn-once@example.org>\r\nSubject: hello\r\n\r\nunheard-of words\r\n"
    assert spamd.learn(octets, "spam")
    assert not spamd.learn(octets, "spam")
    assert spamd.learn(octets, "forget")
