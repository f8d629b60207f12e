"""Messages, recipients and held copies as JSON documents (operating contract, design section 6)."""

from typing import Any

from quarantine.models import MailRecord, RecipientRecord
from quarantine.release import latest_reply
from quarantine.reports import reports_for
from smtpfilter.mail.findings import SpamReport

Document = dict[str, Any]


def mail_document(mail: MailRecord) -> Document:
    """Return one entry of `mails list`, with those recipients that were fetched for it.

    Score and rules are those that the message is known by; each recipient has his own.
    """
    findings = mail.read_findings()
    recipients = list(mail.recipients.all())
    reports = reports_for(recipients, findings)
    return {
        "mail_id": mail.mail_id,
        "received_at": mail.received_at,
        "mail_from": mail.mail_from,
        "subject": mail.subject,
        "size_bytes": mail.size_bytes,
        "score": mail.score,
        "viruses": list(dict.fromkeys(virus.name for virus in findings.infections)),
        "banned": list(dict.fromkeys(path for row in recipients for path in row.banned)),
        "rules": _rules(findings.spam),
        "recipients": [recipient_document(row, reports[row.pk]) for row in recipients],
    }


def full_mail_document(mail: MailRecord) -> Document:
    """Return `mails show`: the entry with everything that was found out about the message."""
    return mail_document(mail) | {
        "message_id": mail.message_id,
        "header_from": mail.header_from,
        "sha256": mail.sha256,
        "client": {
            "address": mail.client_address,
            "name": mail.client_name,
            "helo": mail.client_helo,
            "ident": mail.client_ident,
        },
        "originating": mail.originating,
        "revision": mail.revision,
        "findings": mail.findings,
    }


def recipient_document(row: RecipientRecord, report: SpamReport | None) -> Document:
    """Return one recipient of an entry; his score has the points of our own tests in it."""
    return {
        "address": row.address,
        "category": row.category,
        "destiny": row.destiny,
        "outcome": row.outcome,
        "state": row.state,
        "reply": row.reply,
        "reasons": row.reasons,
        "score": row.score,
        "rules": _rules(report),
    }


def _rules(report: SpamReport | None) -> dict[str, float]:
    return {rule.name: rule.points for rule in report.rules} if report else {}


def held_document(row: RecipientRecord) -> Document:
    """Return one entry of `quarantine list`."""
    return {
        "mail_id": row.mail.mail_id,
        "recipient": row.address,
        "category": row.category,
        "state": row.state,
        "received_at": row.mail.received_at,
        "mail_from": row.mail.mail_from,
        "subject": row.mail.subject,
        "score": row.score,
        "expires_at": row.expires_at,
    }


def full_held_document(row: RecipientRecord) -> Document:
    """Return `quarantine show`: the entry with why it was held, and what became of it."""
    return held_document(row) | {
        "size_bytes": row.mail.size_bytes,
        "sha256": row.mail.sha256,
        "reply": latest_reply(row),
        "reasons": row.reasons,
        "let_through": row.let_through,
        "banned": row.banned,
        "settings": row.effective_settings(),
    }


def release_document(row: RecipientRecord) -> Document:
    """Return the answer of `quarantine release` and `quarantine delete`."""
    return {
        "mail_id": row.mail.mail_id,
        "recipient": row.address,
        "state": row.state,
        "reply": latest_reply(row),
    }
