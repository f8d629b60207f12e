"""What the text of a notice may say: names and values for its template (2(t) of amavisd's list).

Every name of FACTS is there for every kind of notice, so that a template is right or wrong at once
and not at three in the morning.  Values are text, numbers or lists of them; all text is visible().
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from smtpfilter.mail import words
from smtpfilter.mail.envelope import Envelope, MailId
from smtpfilter.mail.findings import Findings, SpamReport, visible
from smtpfilter.mail.message import Message
from smtpfilter.verdict.mime import lines_of
from smtpfilter.verdict.told import Told

MOST_SHOWN = 100  # items of one list
LONGEST_LINE = 1000  # characters of one value
LONGEST_HEADER_BYTES = 16_000
MOST_HEADER_LINES = 500
LONGEST_HEADER_LINE = 4000  # characters

FACTS: dict[str, Any] = {
    "hostname": "",
    "mail_id": "",
    "link": "",
    "received_at": "",
    "sender": "",
    "header_from": "",
    "header_to": "",
    "header_date": "",
    "subject": "",
    "message_id": "",
    "user_agent": "",
    "size_bytes": 0,
    "client": "",
    "helo": "",
    "protocol": "",
    "viruses": [],
    "new_viruses": [],
    "scanners": [],
    "banned": [],
    "bad_headers": [],
    "unchecked": [],
    "score": "",
    "rules": [],
    "header": [],
    "recipients": [],
    "more_recipients": 0,
    "count": 1,
    "about": "",
    "messages": [],
    "more_messages": 0,
}
"""The names, with the values that they have where nothing is known.

`recipients`: {address, category, outcome, action, reply, reasons, score, banned}, without those who
are beyond MOST_SHOWN: `more_recipients`.  `rules`: {name, points}.  Only a summary counts and lists
`messages`: {mail_id, received_at, sender, subject, link} about one kind of notice, `about`.
"""

SAMPLE: dict[str, Any] = FACTS | {
    "hostname": "filter.example.com",
    "mail_id": "2yFf5aXk0Qz",
    "link": "https://filter.example.com/mails/2yFf5aXk0Qz/",
    "received_at": "2026-03-01 12:00:00 UTC",
    "sender": "ann@example.org",
    "header_from": "Ann <ann@example.org>",
    "header_to": "Bob <bob@example.com>",
    "header_date": "Sun, 1 Mar 2026 13:00:00 +0100",
    "subject": "The figures for March",
    "message_id": "<1@example.org>",
    "user_agent": "Mail 1.0",
    "size_bytes": 12345,
    "client": "mail.example.org [192.0.2.1]",
    "helo": "mail.example.org",
    "protocol": "ESMTP",
    "viruses": ["Eicar-Test-Signature"],
    "new_viruses": ["Eicar-Test-Signature"],
    "scanners": ["clamd"],
    "banned": ["multipart/mixed | application/octet-stream,.exe,report.exe"],
    "bad_headers": ['Missing required header field: "Date"'],
    "unchecked": ["report.zip: encrypted"],
    "score": "9.3",
    "rules": [{"name": "GTUBE", "points": "1000.0"}],
    "header": ["From: Ann <ann@example.org>", "Subject: The figures for March"],
    "recipients": [
        {
            "address": "bob@example.com",
            "category": "virus",
            "outcome": "held",
            "action": "failed",
            "reply": "554 5.7.1 Held, id=2yFf5aXk0Qz - INFECTED",
            "reasons": ["The virus scanner found Eicar-Test-Signature."],
            "score": "9.3",
            "banned": [],
        }
    ],
    "about": "virus_admin",
    "count": 2,
    "messages": [
        {
            "mail_id": "2yFf5aXk0Qz",
            "received_at": "2026-03-01 12:00:00 UTC",
            "sender": "ann@example.org",
            "subject": "The figures for March",
            "link": "https://filter.example.com/mails/2yFf5aXk0Qz/",
        }
    ],
}
"""A made-up mail, on which templates are tried out."""


def message_facts(
    envelope: Envelope, message: Message, findings: Findings, *, size_bytes: int, hostname: str
) -> dict[str, Any]:
    """Return what is known of a message, JSON: FACTS, those about recipients still empty."""
    client = envelope.client
    named = (client.name, f"[{client.address}]" if client.address else None)
    viruses = findings.infections
    return FACTS | {
        "hostname": hostname,
        "mail_id": str(envelope.mail_id),
        "received_at": shown_time(envelope.received_at),
        "sender": _line(envelope.mail_from.text),
        "header_from": _line(message.header_from),
        "header_to": _field(message, "to"),
        "header_date": _field(message, "date"),
        "subject": _line(message.subject),
        "message_id": _line(message.message_id),
        "user_agent": _field(message, "user-agent") or _field(message, "x-mailer"),
        "size_bytes": size_bytes,
        "client": _line(" ".join(filter(None, named))),
        "helo": _line(client.helo or ""),
        "protocol": envelope.protocol,
        "viruses": _once(virus.name for virus in viruses),
        "scanners": _once(virus.scanner for virus in viruses),
        "bad_headers": _once(complaint.text for complaint in findings.bad_headers or ()),
        "unchecked": _once(item.text for item in findings.unchecked),
        "header": _header(message),
        **report_facts(findings.spam),
    }


def report_facts(report: SpamReport | None) -> dict[str, Any]:
    """Return what a spam report says."""
    return {
        "score": shown_score(report.score if report else None),
        "rules": [
            {"name": rule.name, "points": shown_score(rule.points)}
            for rule in (report.rules if report else ())[:MOST_SHOWN]
        ],
    }


def told_facts(told: Sequence[Told], mail_id: MailId, findings: Findings) -> dict[str, Any]:
    """Return the facts about those of whom the sender is told; nothing of others' settings.

    They have one spam report, or none is shown (S-1).
    """
    reports = {findings.report_for(one.verdict.policy.settings.preferences) for one in told}
    return {
        **report_facts(reports.pop() if len(reports) == 1 else None),
        "recipients": [
            recipient_fact(
                address=one.recipient.address.text,
                category=str(one.verdict.category),
                outcome=str(one.settlement.outcome),
                action=one.action,
                reply=str(one.diagnosis(mail_id)),
                banned=one.verdict.banned,
            )
            for one in told[:MOST_SHOWN]
        ],
        "more_recipients": max(0, len(told) - MOST_SHOWN),
        "banned": _once(path for one in told for path in one.verdict.banned),
    }


def recipient_fact(
    *,
    address: str,
    category: str,
    outcome: str,
    reply: str,
    action: str = "",
    reasons: Sequence[str] = (),
    score: float | None = None,
    banned: Sequence[str] = (),
) -> dict[str, Any]:
    """Return one item of `recipients`."""
    return {
        "address": _line(address),
        "category": category,
        "outcome": outcome,
        "action": action,
        "reply": _line(reply),
        "reasons": _once(reasons),
        "score": shown_score(score),
        "banned": _once(banned),
    }


def shown_time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def shown_score(score: float | None) -> str:
    """Return points with one to three decimals, "" where they are unknown."""
    if score is None:
        return ""
    text = f"{score:.3f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text


def _header(message: Message) -> list[str]:
    """Return the lines of the header section as they stand, whole fields only."""
    kept: list[str] = []
    length = 0
    for field in message.fields:
        lines = lines_of(field.raw.rstrip(b"\r\n")).split(b"\r\n")
        length += len(field.raw)
        if length > LONGEST_HEADER_BYTES or len(kept) + len(lines) > MOST_HEADER_LINES:
            return [*kept, "[...]"]
        kept += [visible(words.raw_text(line), LONGEST_HEADER_LINE) for line in lines]
    return kept


def _field(message: Message, name: str) -> str:
    return _line(words.decode(message.first(name) or ""))


def _line(text: str) -> str:
    """Return `text` as one line that begins no other: a subject may hold an encoded line end."""
    return " ".join(visible(text, LONGEST_LINE).split())


def _once(texts: Iterable[str]) -> list[str]:
    """Return at most MOST_SHOWN texts, each once."""
    return [_line(text) for text in islice(dict.fromkeys(texts), MOST_SHOWN)]
