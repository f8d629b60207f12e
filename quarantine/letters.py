"""What stands in a notice of the outbox: the facts of its message, as far as its reader may know
them, in the words of its template.

A recipient learns nothing of other recipients (Z-17), an administrator only of those whose policy
names him.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from appliance.notices.shipped import SUMMARY, TO_RECIPIENTS
from quarantine.models import MailRecord, Notice, RecipientRecord
from quarantine.reports import reports_for
from smtpfilter.mail.address import parse_mailbox
from smtpfilter.ports.policy import Templates
from smtpfilter.verdict.facts import FACTS, MOST_SHOWN, recipient_fact, report_facts, shown_time
from smtpfilter.verdict.notices import plain_notice

MOST_IN_SUMMARY = 50  # messages that a summary lists

_PREFIXES = {"spam_admin": "SA", **dict.fromkeys(TO_RECIPIENTS, "VR")}  # of Message-IDs, as amavisd


@dataclass(frozen=True, slots=True)
class Letters:
    """`public_url`: where the screens are, without a slash at its end."""

    templates: Templates
    hostname: str
    public_url: str

    def octets(self, notice: Notice, now: datetime) -> bytes:
        """Return the notice as a message.  Raises PolicyUnavailable."""
        kind = notice.kind if notice.mail else SUMMARY
        name = f"{_PREFIXES.get(notice.kind, 'VA')}{notice.created_at:%Y%m%d%H%M%S}.{notice.pk}"
        return plain_notice(
            to=notice.address,
            message_id=f"{name}@{self.hostname}",
            now=now,
            hostname=self.hostname,
            from_address=self.templates.from_address(),
            text=self.templates.text(kind, notice.language, self.facts(notice)),
        )

    def facts(self, notice: Notice) -> dict[str, Any]:
        """Return what the text may say (smtpfilter.verdict.facts.FACTS)."""
        known = {name: notice.facts.get(name, nothing) for name, nothing in FACTS.items()}
        known["hostname"] = self.hostname
        if notice.mail is None:
            messages = [
                {**message, "link": self._link(message["mail_id"])} for message in known["messages"]
            ]
            return known | {"messages": messages}
        known |= _recipient_facts(notice, notice.mail)
        known |= {"mail_id": notice.mail.mail_id, "link": self._link(notice.mail.mail_id)}
        return known | {"header": []} if notice.kind in TO_RECIPIENTS else known

    def _link(self, mail_id: str) -> str:
        return f"{self.public_url}/mails/{mail_id}/"


def summary_facts(kind: str, notices: QuerySet[Notice]) -> dict[str, Any]:
    """Return the facts of a summary of `notices`, whose messages stand in the order of arrival."""
    count = notices.count()
    first = notices.select_related("mail").order_by("id")[:MOST_IN_SUMMARY]
    return FACTS | {
        "about": kind,
        "count": count,
        "messages": [
            {
                "mail_id": mail.mail_id,
                "received_at": shown_time(mail.received_at),
                "sender": mail.mail_from,
                "subject": " ".join(mail.subject.split()),
            }
            for mail in (notice.mail for notice in first)
            if mail
        ],
        "more_messages": max(0, count - MOST_IN_SUMMARY),
    }


def _recipient_facts(notice: Notice, mail: MailRecord) -> Mapping[str, Any]:
    rows = [row for row in mail.recipients.order_by("position") if _concerns(notice, row)]
    banned = dict.fromkeys(path for row in rows for path in row.banned)
    reports = set(reports_for(rows, mail.read_findings()).values())
    own = notice.kind in TO_RECIPIENTS or len(reports) == 1
    return {
        **(report_facts(next(iter(reports), None)) if own else {}),
        "recipients": [
            recipient_fact(
                address=row.address,
                category=row.category,
                outcome=row.outcome,
                reply=row.reply,
                reasons=row.reasons,
                score=row.score,
                banned=row.banned,
            )
            for row in rows[:MOST_SHOWN]
        ],
        "more_recipients": max(0, len(rows) - MOST_SHOWN),
        "banned": list(banned)[:MOST_SHOWN],
    }


def _concerns(notice: Notice, row: RecipientRecord) -> bool:
    if notice.kind in TO_RECIPIENTS:
        return row.canonical == notice.address
    named = row.effective_settings().get(notice.kind, {}).get("value") or ""
    return notice.address in map(_canonical, str(named).split(","))


def _canonical(text: str) -> str:
    mailbox = parse_mailbox(text.strip().encode("utf-8", "replace"))
    return mailbox.canonical if mailbox else ""
