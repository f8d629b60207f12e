"""Messages, recipients and held copies as JSON documents (operating contract, design section 6)."""

from typing import Any

from quarantine.models import MailRecord, RecipientRecord
from quarantine.release import latest_reply

Document = dict[str, Any]


def mail_document(mail: MailRecord) -> Document:
    """Return one entry of `mails list`, with those recipients that were fetched for it."""
    findings = mail.read_findings()
    recipients = list(mail.recipients.all())
    return {
        "mail_id": mail.mail_id,
        "received_at": mail.received_at,
        "mail_from": mail.mail_from,
        "subject": mail.subject,
        "size_bytes": mail.size_bytes,
        "score": mail.score,
        "viruses": list(dict.fromkeys(virus.name for virus in findings.viruses or ())),
        "banned": list(dict.fromkeys(path for row in recipients for path in row.banned)),
        "rules": {rule.name: rule.points for rule in findings.spam.rules} if findings.spam else {},
        "recipients": [recipient_document(row) for row in recipients],
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


def recipient_document(row: RecipientRecord) -> Document:
    return {
        "address": row.address,
        "category": row.category,
        "destiny": row.destiny,
        "outcome": row.outcome,
        "state": row.state,
        "reply": row.reply,
        "reasons": row.reasons,
    }


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
        "score": row.mail.score,
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
