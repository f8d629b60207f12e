"""Subjects of all kinds get their tag once and stay readable, over real sockets (T-8, T-10; BB-7,
BB-17).
"""

from email import message_from_bytes, policy

import pytest

from tests.flows.black_box import BOB, CAROL, Box
from tests.flows.mails import body, mail

TAGGED = ("spam_destiny=pass", "spam_subject_tag2=***SPAM*** ")


def subject_lines(content: bytes) -> list[bytes]:
    """Return the lines of the Subject fields as they are."""
    header = content.partition(b"\r\n\r\n")[0]
    lines: list[bytes] = []
    inside = False
    for line in header.split(b"\r\n"):
        inside = line.lower().startswith(b"subject:") or (inside and line[:1] in (b" ", b"\t"))
        lines += [line] if inside else []
    return lines


@pytest.mark.parametrize(
    ("field", "subject"),
    [
        (b"Subject: Hello", "***SPAM*** Hello"),
        (b"Subject:Hello", "***SPAM*** Hello"),
        (b"Subject: =?utf-8?q?gr=C3=BCn?= tea", "***SPAM*** grün tea"),
        (b"Subject: =?utf-8?b?Z3LDvG4=?=", "***SPAM*** grün"),
        (b"Subject: =?iso-8859-1?q?gr=FCn?=", "***SPAM*** grün"),
        ("Subject: grün".encode(), "***SPAM*** grün"),
        ("Subject: grün".encode("latin-1"), "***SPAM*** grün"),
        (b"Subject: ***SPAM*** Hello", "***SPAM*** Hello"),
        (b"Subject: Re: ***SPAM*** Hello ***SPAM*** ", "***SPAM*** Re: Hello"),
        (b"Subject: =?utf-8?q?***SPAM***_gr=C3=BCn?=", "***SPAM*** grün"),
        (b"Subject: a\r\n folded\r\n\tone", "***SPAM*** a folded one"),
        (b"Subject: " + b"word " * 13, "***SPAM*** " + ("word " * 13).strip()),
        (b"Subject:", "***SPAM***"),
        (b"X-None: x", "***SPAM***"),
    ],
    ids=[
        "ascii", "no blank", "q", "b", "latin-1 word", "raw utf-8", "raw latin-1", "tagged",
        "tagged twice", "tagged word", "folded", "long", "empty", "missing",
    ],
)  # fmt: skip
def test_a_subject_is_the_tag_and_what_it_was(box: Box, field: bytes, subject: str) -> None:
    """BB-7, T-8: without the tag of an earlier scan, in lines of at most 78 octets; unlike with
    amavisd octets that are no ASCII stay as they came.
    """
    box.set(BOB, *TAGGED)
    box.engines.says(score=10)
    sent = mail(subject="@").replace(b"Subject: @", field)
    assert box.send(sent, BOB).startswith("250 2.0.0 ")
    content = box.hop.delivered[0].content or b""
    assert " ".join(box.copy(BOB).subject.split()) == subject
    assert all(len(line) <= 78 for line in subject_lines(content))
    if field.isascii():
        read = message_from_bytes(content, policy=policy.default)["Subject"]
        assert " ".join(read.split()) == subject
    else:
        assert field.partition(b" ")[2] in content
    assert body(content) == body(sent)


def test_each_of_several_subjects_is_tagged(box: Box) -> None:
    """BB-7, BB-17, T-8: and the second one is a bad header section, which passes with an alert."""
    box.set(BOB, *TAGGED)
    box.set(CAROL, "bypass_spam_checks=yes")
    box.engines.says(score=10)
    sent = mail(subject="one").replace(b"Date: ", b"Subject: two\r\nDate: ")
    assert box.send(sent, BOB, CAROL).startswith("250 2.0.0 ")
    subjects = {
        t.accepted[0]: [bytes(line) for line in subject_lines(t.content or b"")]
        for t in box.hop.delivered
    }
    assert subjects[BOB] == [b"Subject: ***SPAM*** one", b"Subject: ***SPAM*** two"]
    assert subjects[CAROL] == [b"Subject: one", b"Subject: two"]
    alert = box.copy(CAROL).first("X-Amavis-Alert")
    assert alert == "BAD HEADER SECTION, Duplicate header field: Subject"


@pytest.mark.parametrize(
    ("change", "alert"),
    [
        ((b"From: Ann", b"From: x@example.org\r\nFrom: Ann"), "Duplicate header field: From"),
        ((b"Date: Tue", b"Date: Mon\r\nDate: Tue"), "Duplicate header field: Date"),
        ((b"Subject: ", b"Subject: \0"), "NUL"),
        ((b"Subject: ", b"Subject: \r"), "Bare CR"),
        ((b"Subject: ", b"Subject: \xff"), "8-bit"),
        ((b"Subject: ", b"X-Long: " + b"x" * 2000 + b"\r\nSubject: "), "998"),
        ((b"Subject: ", b"X-Odd: a\r\n \t\r\nSubject: "), "continuation line of blanks"),
        ((b"Date: Tue, 24 Nov 2026 10:00:00 +0000\r\n", b""), "Missing"),
        ((b"From: Ann <ann@example.org>\r\n", b""), "Missing"),
    ],
    ids=["From", "Date", "NUL", "CR", "8-bit", "long", "blank line", "no Date", "no From"],
)
def test_a_bad_header_section_passes_with_an_alert_and_repaired(
    box: Box, change: tuple[bytes, bytes], alert: str
) -> None:
    """BB-17, H-1, T-10; unlike with amavisd long lines are not cut."""
    sent = mail().replace(*change)
    assert box.send(sent, BOB).startswith("250 2.0.0 ")
    assert box.row(BOB)["category"] == "bad_header"
    told = box.copy(BOB).first("X-Amavis-Alert") or ""
    assert told.startswith("BAD HEADER SECTION, ")
    assert alert.lower() in told.lower()
    header = (box.hop.delivered[0].content or b"").partition(b"\r\n\r\n")[0]
    lines = header.split(b"\r\n")
    assert all(line.strip() for line in lines)
    assert b"\r" not in b"".join(lines)
    assert body(box.hop.delivered[0].content or b"") == body(sent)
