"""Notices as octets, read back by a mail parser (RFC 3464, 3834, 6533; N-3, N-5, BB-30)."""

# ruff: noqa: E501 - one row of a table is one line

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import Message as StdlibMessage

import pytest

from smtpfilter.mail.envelope import Client, Recipient
from smtpfilter.mail.message import parse
from smtpfilter.mail.reply import Reply
from smtpfilter.policy.destiny import Destiny
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.decide import decide
from smtpfilter.verdict.notices import plain_notice, sender_notice
from smtpfilter.verdict.outcome import Outcome, Settlement
from smtpfilter.verdict.texts import Text
from smtpfilter.verdict.told import Told, kind_of_notice, language_of_notice
from tests.unit.builders import (
    ANN,
    BOB,
    CLEAN,
    HOST,
    MAIL_ID,
    NOW,
    address,
    case,
    envelope,
    recipient,
)

ORIGINAL = parse(
    b"Message-ID: <orig@remote.example>\r\nSubject: hello\r\nX: folded\r\n\tline\r\n\r\nsecret body\r\n"
)
REFUSED = Settlement(
    Outcome.REJECTED, Reply(550, "5.1.1", "No such user"), "smtp:[192.0.2.9]:10026"
)
TEXT = Text("What happened", "Your message was refused.\n")


def told(to: Recipient, end: Settlement = REFUSED, blocked_by: Category | None = None) -> Told:
    verdict = decide(case(to.address.text), CLEAN)
    destiny = Destiny.BOUNCE if blocked_by else Destiny.PASS
    return Told(replace(verdict, recipient=to, blocked_by=blocked_by, destiny=destiny), end)


def notice(
    original: bytes | None = None,
    end: Settlement = REFUSED,
    text: Text = TEXT,
    from_address: str = "",
    **rest: object,
) -> bytes:
    sent = replace(envelope(ANN, BOB), **rest)  # type: ignore[arg-type]
    message = ORIGINAL if original is None else parse(original)
    return sender_notice(
        sent,
        message,
        [told(r, end) for r in sent.recipients],
        now=NOW,
        hostname=HOST,
        from_address=from_address,
        text=text,
    )


def parts(octets: bytes) -> list[StdlibMessage]:
    message = message_from_bytes(octets)
    assert not message.defects
    return message.get_payload()  # type: ignore[return-value]


def test_the_notice_says_who_writes_to_whom_about_what() -> None:
    message = message_from_bytes(notice())

    assert message["From"] == f'"Mail filter at {HOST}" <postmaster@{HOST}>'
    assert message["To"] == "<sender@remote.example>"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Message-ID"] == f"<DSN{MAIL_ID}@{HOST}>"
    assert message["In-Reply-To"] == "<orig@remote.example>"
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"


def test_a_notice_octet_for_octet() -> None:
    """RFC 3464, 3834, 6522: what a mail reader is given."""
    end = Settlement(Outcome.REJECTED, Reply(550, "", "No such user"), "smtp:mx.example.net:25")
    whole = notice(end=end, recipients=(recipient(ANN),), client=Client(helo="desk.example.org"))
    assert whole.decode().split("\r\n") == [
        f'From: "Mail filter at {HOST}" <postmaster@{HOST}>',
        "To: <sender@remote.example>",
        "Subject: What happened",
        "Date: Sun, 01 Mar 2026 12:00:00 +0000",
        f"Message-ID: <DSN{MAIL_ID}@{HOST}>",
        "In-Reply-To: <orig@remote.example>",
        "References: <orig@remote.example>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
        f'\tboundary="=_postern_{MAIL_ID}"',
        "",
        "This is a MIME-encapsulated message.",
        "",
        f"--=_postern_{MAIL_ID}",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 7bit",
        "",
        "Your message was refused.",
        "",
        f"--=_postern_{MAIL_ID}",
        "Content-Type: message/delivery-status",
        "Content-Transfer-Encoding: 7bit",
        "",
        f"Reporting-MTA: dns; {HOST}",
        "Received-From-MTA: dns; desk.example.org",
        "Arrival-Date: Sun, 01 Mar 2026 12:00:00 +0000",
        "",
        f"Final-Recipient: rfc822;{ANN}",
        "Action: failed",
        "Status: 5.0.0",
        "Remote-MTA: dns; mx.example.net",
        "Diagnostic-Code: smtp; 550 No such user",
        "Last-Attempt-Date: Sun, 01 Mar 2026 12:00:00 +0000",
        f"Final-Log-ID: {MAIL_ID}",
        "",
        f"--=_postern_{MAIL_ID}",
        "Content-Type: text/rfc822-headers",
        "Content-Transfer-Encoding: 7bit",
        "",
        "Message-ID: <orig@remote.example>",
        "Subject: hello",
        "X: folded",
        "\tline",
        "",
        f"--=_postern_{MAIL_ID}--",
        "",
    ]


def test_a_mail_without_an_id_is_answered_without_one() -> None:
    message = message_from_bytes(notice(b"Subject: x\r\n\r\n"))
    assert message["In-Reply-To"] is message["References"] is None


def test_it_has_text_status_and_header_section_but_never_the_body() -> None:
    """N-3: whatever RET says."""
    octets = notice(ret=b"FULL")
    text, status, headers = parts(octets)

    assert text.get_content_type() == "text/plain"
    assert status.get_content_type() == "message/delivery-status"
    assert headers.get_content_type() == "text/rfc822-headers"
    assert text.get_payload() == "Your message was refused.\r\n"
    assert headers.get_payload().startswith(
        "Message-ID: <orig@remote.example>\r\nSubject: hello\r\nX: folded\r\n\tline"
    )
    assert b"secret body" not in octets


def test_the_status_part_names_message_and_recipients() -> None:
    """RFC 3464 2.2, 2.3."""
    first = recipient(ANN, orcpt=b"rfc822;Ann+2Bnews@example.com")
    octets = notice(envid=b"QQ+2B314", recipients=(first, recipient(BOB)))
    _, status, _ = parts(octets)

    about, ann, bob = status.get_payload()
    assert about["Reporting-MTA"] == f"dns; {HOST}"
    assert about["Original-Envelope-Id"] == "QQ+314"
    assert about["Arrival-Date"] == "Sun, 01 Mar 2026 12:00:00 +0000"
    assert ann["Original-Recipient"] == "rfc822;Ann+news@example.com"
    assert ann["Final-Recipient"] == f"rfc822;{ANN}"
    assert ann["Action"] == "failed"
    assert ann["Status"] == "5.1.1"
    assert ann["Diagnostic-Code"] == "smtp; 550 5.1.1 No such user"
    assert bob["Final-Recipient"] == f"rfc822;{BOB}"
    assert ann["Remote-MTA"] == "dns; [192.0.2.9]"
    assert ann["Last-Attempt-Date"] == "Sun, 01 Mar 2026 12:00:00 +0000"
    assert ann["Final-Log-ID"] == str(MAIL_ID)
    assert bob["Original-Recipient"] is None


@pytest.mark.parametrize(
    ("client", "shown"),
    [
        (Client(), None),
        (
            Client(address="192.0.2.7", helo="desk.example.org"),
            "dns; desk.example.org ([192.0.2.7])",
        ),
        (Client(address="2001:db8::7"), "dns; [IPv6:2001:db8::7]"),
        (Client(helo="a)\r\nAction: delivered(ä"), "dns; a?  Action: delivered??"),
    ],
    ids=["unknown", "with HELO", "without HELO", "hostile HELO"],
)
def test_the_status_part_names_the_client(client: Client, shown: str | None) -> None:
    """RFC 3464 2.2.4."""
    about = parts(notice(client=client))[1].get_payload()[0]
    assert about["Received-From-MTA"] == shown


@pytest.mark.parametrize(
    ("outcome", "reply", "hop", "blocked_by", "expected"),
    [
        (Outcome.REJECTED, Reply(550, "", "no"), "smtp:mx.example.com:25", None,
         ("failed", "5.0.0", "dns; mx.example.com", "smtp; 550 no")),
        (Outcome.REJECTED, Reply(554, "5.7.0", "Reject"), "", Category.VIRUS,
         ("failed", "5.7.0", None, "smtp; 554 5.7.0 Reject")),
        (Outcome.BOUNCED, Reply(250, "2.5.0", "Ok, BOUNCE"), "", Category.BANNED,
         ("failed", "5.7.1", None, f"smtp; 554 5.7.1 Bounced, id={MAIL_ID} - BANNED")),
        (Outcome.HELD, Reply(250, "2.7.0", "Ok, discarded"), "", Category.SPAM,
         ("failed", "5.7.1", None, f"smtp; 554 5.7.1 Held, id={MAIL_ID} - spam")),
        (Outcome.DISCARDED, Reply(250, "2.7.0", "Ok, discarded"), "", Category.MTA,
         ("failed", "5.7.1", None, f"smtp; 554 5.7.1 Discarded, id={MAIL_ID} - blocked")),
        (Outcome.DELIVERED, Reply(250, "2.0.0", "Ok"), "smtp:[2001:db8::1]:25", None,
         ("relayed", "2.0.0", "dns; [IPv6:2001:db8::1]", "smtp; 250 2.0.0 Ok")),
        (Outcome.DELIVERED, Reply(250, "2.0.0", "Ok"), "lmtp:/run/lmtp", None,
         ("delivered", "2.0.0", "x-unix; /run/lmtp", "smtp; 250 2.0.0 Ok")),
        (Outcome.DEFERRED, Reply(451, "4.3.0", "Busy"), "smtp:[192.0.2.9]:25", None,
         ("delayed", "4.3.0", "dns; [192.0.2.9]", "smtp; 451 4.3.0 Busy")),
    ],
)  # fmt: skip
def test_the_words_for_how_it_ended(
    outcome: Outcome,
    reply: Reply,
    hop: str,
    blocked_by: Category | None,
    expected: tuple[str | None, ...],
) -> None:
    """N-3, RFC 3464 2.3: what the sender's MTA heard as 2xx is told as the failure that it is."""
    one = told(recipient(ANN), Settlement(outcome, reply, hop), blocked_by)
    octets = sender_notice(
        envelope(ANN), ORIGINAL, [one], now=NOW, hostname=HOST, from_address="", text=TEXT
    )
    group = parts(octets)[1].get_payload()[1]
    names = ("Action", "Status", "Remote-MTA", "Diagnostic-Code")
    assert tuple(group[name] for name in names) == expected
    assert (group["Last-Attempt-Date"] is None) == (not hop)


@pytest.mark.parametrize(
    ("ends", "kind"),
    [
        ([(Outcome.REJECTED, None)], "failure"),
        ([(Outcome.REJECTED, Category.MTA)], "failure"),
        ([(Outcome.BOUNCED, Category.VIRUS)], "virus"),
        ([(Outcome.REJECTED, Category.BANNED)], "banned"),
        ([(Outcome.BOUNCED, Category.SPAM)], "spam"),
        ([(Outcome.BOUNCED, Category.BAD_HEADER)], "bad_header"),
        ([(Outcome.BOUNCED, Category.UNCHECKED)], "unchecked"),
        ([(Outcome.REJECTED, Category.OVERSIZED)], "oversized"),
        ([(Outcome.DELIVERED, None)], "success"),
        ([(Outcome.HELD, Category.VIRUS)], "held"),
        ([(Outcome.DISCARDED, Category.SPAM)], "discarded"),
        ([(Outcome.BOUNCED, Category.SPAM)] * 2, "spam"),
        ([(Outcome.DELIVERED, None), (Outcome.BOUNCED, Category.SPAM)], "mixed"),
    ],
)
def test_the_kind_of_a_notice(ends: list[tuple[Outcome, Category | None]], kind: str) -> None:
    """N-3: the text is chosen by what stopped the mail; one notice for all recipients."""
    ok = Reply(250, "2.0.0", "Ok")
    all_told = tuple(told(recipient(ANN), Settlement(end, ok), by) for end, by in ends)
    assert kind_of_notice(all_told) == kind
    assert language_of_notice(all_told) == "en"


def test_a_bounce_tells_the_refusal_that_was_not_said() -> None:
    """N-3, F-2: the verdict's own words, where there are any."""
    refusal = Reply(554, "5.7.0", "Bounce, id=1 - INFECTED: Eicar")
    end = Settlement(Outcome.BOUNCED, Reply(250, "2.5.0", "Ok, BOUNCE"))
    one = told(recipient(ANN), end, Category.VIRUS)
    one = replace(one, verdict=replace(one.verdict, reply=refusal))
    assert one.diagnosis(MAIL_ID) == refusal
    assert one.status(MAIL_ID) == "5.7.0"


def test_one_notice_tells_of_at_most_1100_recipients() -> None:
    """N-3: and of all of them together."""
    many = tuple(recipient(f"r{number}@example.com") for number in range(1200))
    groups = parts(notice(recipients=many))[1].get_payload()
    assert len(groups) == 1 + 1100


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ("Post Office <post@example.com>", "Post Office <post@example.com>"),
        ("post@example.com", "post@example.com"),
        ("Büro <post@example.com>", "=?utf-8?b?QsO8cm8=?= <post@example.com>"),
        ("nobody", f'"Mail filter at {HOST}" <postmaster@{HOST}>'),
        ("a\r\nBcc: x@example.com", "x@example.com"),
    ],
)
def test_the_site_may_say_who_writes(wanted: str, shown: str) -> None:
    message = message_from_bytes(notice(from_address=wanted))
    assert message["From"] == shown
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    "subject",
    ["plain", "größer " * 30, "x " * 200, "a\r\nBcc: eve@example.com", "ä\r\n\r\nbody\x00"],
)
def test_no_subject_can_begin_a_field(subject: str) -> None:
    octets = notice(text=Text(subject, "words\n"))
    message = message_from_bytes(octets, policy=policy.default)
    assert message["Bcc"] is None
    assert len(list(message.iter_parts())) == 3
    assert str(message["Subject"]).split() == subject.replace("\x00", "\ufffd").split()
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))


def test_a_long_subject_in_another_language_is_folded() -> None:
    """RFC 2047 2: a line with an encoded word has at most 76 characters."""
    octets = notice(text=Text("Größe " * 40, "x\n"))
    head = octets.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert all(len(line) <= 76 for line in head if b"=?utf-8?" in line)
    assert message_from_bytes(octets, policy=policy.default)["Subject"].split() == ["Größe"] * 40


def test_words_in_other_languages_survive() -> None:
    text = Text("Größe", "Zu groß: „Über“ — \ud83c " + "x" * 2000 + "\n")
    first = parts(notice(text=text))[0]
    assert first["Content-Transfer-Encoding"] == "quoted-printable"
    assert "Zu groß: „Über“ —" in first.get_payload(decode=True).decode()


def test_a_plain_notice_says_that_a_program_wrote_it() -> None:
    """N-5, RFC 3834: auto-generated, for it answers nothing that the reader sent."""
    octets = plain_notice(
        to="root@example.com",
        message_id=f"VA{MAIL_ID}@{HOST}",
        now=NOW,
        hostname=HOST,
        from_address="",
        text=Text("Virus", "found: Eicar\nFrom: x\n"),
    )
    message = message_from_bytes(octets)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["To"] == "<root@example.com>"
    assert message["Message-ID"] == f"<VA{MAIL_ID}@{HOST}>"
    assert message["From"] == f'"Mail filter at {HOST}" <postmaster@{HOST}>'
    assert message.get_payload() == "found: Eicar\r\nFrom: x\r\n"


def test_a_plain_notice_octet_for_octet() -> None:
    """RFC 5322, 6532: addresses in UTF-8 stand as they are, text is encoded."""
    octets = plain_notice(
        to="jürgen\ud800@exämple.org",
        message_id="VA1@x",
        now=NOW,
        hostname=HOST,
        from_address="Filter <filter@example.com>",
        text=Text("Größe", "Zu groß.\n"),
    )
    assert octets.decode().split("\r\n") == [
        "From: Filter <filter@example.com>",
        "To: <jürgen?@exämple.org>",
        "Subject: =?utf-8?b?R3LDtsOfZQ==?=",
        "Date: Sun, 01 Mar 2026 12:00:00 +0000",
        "Message-ID: <VA1@x>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "Zu gro=C3=9F.",
        "",
    ]


@pytest.mark.parametrize(
    ("length", "encoding"), [(990, "7bit"), (991, "quoted-printable"), (5000, "quoted-printable")]
)
def test_a_line_that_is_too_long_for_smtp_is_encoded(length: int, encoding: str) -> None:
    """RFC 5321 4.5.3.1.6."""
    text = parts(notice(text=Text("s", "a\n" + "x" * length + "\nb\n")))[0]
    assert text["Content-Transfer-Encoding"] == encoding
    lines = text.get_payload(decode=True).split(b"\r\n")  # type: ignore[union-attr]
    assert lines == [b"a", b"x" * length, b"b", b""]
    assert all(len(line) <= 990 for line in str(text.get_payload()).split("\r\n"))


def test_at_most_64_kib_of_whole_fields_come_back() -> None:
    """N-3."""
    field = b"A: " + b"x" * 507 + b"\r\n"
    for count, kept in ((128, 128), (129, 128)):
        headers = parts(notice(field * count + b"\r\n"))[2]
        assert str(headers.get_payload()).count("A: x") == kept
    one_more = field * 127 + b"A: " + b"x" * 508 + b"\r\n"
    assert str(parts(notice(one_more))[2].get_payload()).count("A: x") == 127


def test_the_original_recipient_is_told_as_the_sender_wrote_him() -> None:
    """RFC 3461 4.2, 6533 3: for an ASCII sender in ASCII, for another in UTF-8."""
    odd = recipient(ANN, orcpt=b"rfc822;a+2B;b+0D+0AX:+20y+2Bz@example.com")
    _, status, _ = parts(notice(recipients=(odd,), envid=b"a+0Db"))
    assert status.get_payload()[1]["Original-Recipient"] == "rfc822;a+;b X: y+z@example.com"
    assert status.get_payload()[0]["Original-Envelope-Id"] == "a b"

    utf8 = recipient(ANN, orcpt=b"ut\xfff-8;" + "änne+FF".encode())
    assert rb"Original-Recipient: ut?f-8;\x{E4}nne\x{FFFD}" in notice(recipients=(utf8,))
    global_notice = notice(mail_from=address("ü@x.org"), recipients=(utf8,), envid="ö".encode())
    assert "Original-Recipient: ut?f-8;änne\ufffd\r\n".encode() in global_notice
    assert "Original-Envelope-Id: ö\r\n".encode() in global_notice


def test_fields_come_back_as_they_were_but_for_nul() -> None:
    _, _, headers = parts(notice(b"A: x \r\nB: aX\r\nC: 1\x002\r\n\r\n"))
    assert str(headers.get_payload()).split("\r\n") == ["A: x ", "B: aX", "C: 12", ""]


def test_a_long_name_of_a_client_is_cut() -> None:
    """RFC 5321 4.5.3.1.2."""
    _, status, _ = parts(notice(client=Client(helo="h" * 300)))
    assert status.get_payload()[0]["Received-From-MTA"] == f"dns; {'h' * 255}"


def test_the_language_is_the_first_recipients() -> None:
    """N-7."""
    german = decide(case(ANN, notice_language="de"), CLEAN)
    made = (Told(german, REFUSED), told(recipient(BOB)))
    assert language_of_notice(made) == "de"
    assert language_of_notice(made[::-1]) == "en"
    none = replace(german.policy, settings=replace(german.policy.settings, notice_language=None))
    assert language_of_notice((Told(replace(german, policy=none), REFUSED),)) == "en"


def test_a_utf8_sender_gets_a_global_notice() -> None:
    """RFC 6533."""
    octets = notice(
        mail_from=address("jürgen@exämple.org"), recipients=(recipient("änne@example.com"),)
    )
    _, status, headers = parts(octets)

    assert "To: <jürgen@exämple.org>\r\n".encode() in octets
    assert status["Content-Transfer-Encoding"] == "8bit"
    assert status.get_content_type() == "message/global-delivery-status"
    assert headers.get_content_type() == "message/global-headers"
    assert headers["Content-Transfer-Encoding"] == "8bit"
    assert "Final-Recipient: utf-8;änne@example.com\r\n".encode() in octets


def test_an_ascii_sender_gets_an_ascii_notice_about_utf8_recipients() -> None:
    """RFC 6533 3: utf-8-addr-xtext."""
    octets = notice(recipients=(recipient("änne@example.com"),))

    assert octets.isascii()
    assert rb"Final-Recipient: utf-8;\x{E4}nne@example.com" in octets


@pytest.mark.parametrize(
    "original",
    [
        b"Subject: gr\xc3\xbcn\r\n\r\n",
        b"Subject: " + b"x" * 5000 + b"\r\n\r\n",
        b"A: 1\nB: 2\rC: 3\x00\n\n",
        b"",
        b"A: 1\r\n" * 50000 + b"\r\n",
        b"Message-ID: <a>\r\n\r\n--=_boundary",
    ],
    ids=["8-bit", "long line", "odd line ends", "empty", "300 KB", "no fields of note"],
)
def test_hostile_originals_make_a_clean_notice(original: bytes) -> None:
    octets = notice(original)

    assert len(parts(octets)) == 3
    assert octets.isascii()
    assert b"\0" not in octets
    assert octets.count(b"\n") == octets.count(b"\r\n") == octets.count(b"\r")
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))
    assert len(octets) < 100000


def test_header_fields_come_back_readable() -> None:
    _, _, headers = parts(notice(b"Subject: gr\xc3\xbcn\r\n\r\n"))

    assert headers.get_payload(decode=True).rstrip() == "Subject: grün".encode()
