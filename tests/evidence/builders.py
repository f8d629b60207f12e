"""Small made-up journal entries: only what a test is about needs to be said."""

import hashlib
import itertools
from datetime import UTC, datetime

from smtpfilter.mail.address import Address, parse_address
from smtpfilter.mail.edits import Edits
from smtpfilter.mail.envelope import Client, Envelope, MailId, Recipient
from smtpfilter.mail.findings import Findings, Rule, SpamReport
from smtpfilter.mail.reply import Reply
from smtpfilter.policy.defaults import DEFAULTS
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import EffectivePolicy
from smtpfilter.policy.settings import (
    FIELDS,
)
from smtpfilter.ports.delivery import Handover, Submission
from smtpfilter.ports.journal import JournalEntry, JournalRecipient
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.outcome import Outcome, Settlement
from smtpfilter.verdict.verdict import Verdict

OK = Reply(250, "2.0.0", "Ok: queued as 4XYZ")
BUSY = Reply(451, "4.3.0", "Busy")
NO = Reply(550, "5.1.1", "No such user")
HELD_REPLY = Reply(250, "2.7.0", "Ok, held")
POLICY = EffectivePolicy(
    DEFAULTS, {**dict.fromkeys(FIELDS, "@."), "spam_lover": "ann@example.com"}, True
)
CLIENT = Client(address="192.0.2.1", name="mx.sender.example", ident="4ABC")
OCTETS = b"Subject: hello\r\n\r\nbody \x00\xff\r\n"
SPAM = Findings(spam=SpamReport(1005.3, (Rule("GTUBE", 1000.0, "a test"), Rule("BAYES_99", 5.3))))

_numbers = itertools.count(1)


def address(text: str | bytes) -> Address:
    return parse_address(text.encode() if isinstance(text, str) else text)


def delivered(recipient: str | bytes = "ann@example.com", **changes: object) -> JournalRecipient:
    """A clean message that still has to be handed to the next hop."""
    return _row(recipient, Outcome.PENDING, None, **changes)


def held(recipient: str | bytes = "ann@example.com", **changes: object) -> JournalRecipient:
    """Spam that is held."""
    blocked: dict[str, object] = {
        "categories": (Category.SPAM, Category.CLEAN),
        "blocked_by": Category.SPAM,
        "destiny": Destiny.DISCARD,
        "keep": True,
        "score": 1005.3,
        "reasons": ("score 1005.3 reaches the kill level 6.3", "kill level from @."),
    }
    return _row(recipient, Outcome.HELD, HELD_REPLY, **(blocked | changes))


def deferred(recipient: str | bytes = "ann@example.com") -> JournalRecipient:
    """A message for which an engine was missing."""
    changes = {"blocked_by": Category.UNCHECKED, "destiny": Destiny.TEMPFAIL}
    return _row(recipient, Outcome.DEFERRED, BUSY, **changes)


def entry(
    *recipients: JournalRecipient,
    octets: bytes = OCTETS,
    key: bytes | None = None,
    mail_from: str | bytes = "bob@sender.example",
    now: datetime | None = None,
    findings: Findings = SPAM,
    subject: str = "hello",
    client: Client = CLIENT,
) -> JournalEntry:
    recipients = recipients or (delivered(),)
    now = now or datetime.now(UTC)
    envelope = Envelope(
        mail_id=MailId.make(now, next(_numbers)),
        received_at=now,
        peer="127.0.0.1",
        protocol="LMTP",
        mail_from=address(mail_from),
        recipients=tuple(row.verdict.recipient for row in recipients),
        client=client,
    )
    return JournalEntry(
        envelope=envelope,
        retry_key=key,
        subject=subject,
        message_id="<1@sender.example>",
        header_from="Bob <bob@sender.example>",
        size_bytes=len(octets),
        sha256=hashlib.sha256(octets).hexdigest(),
        findings=findings,
        revision=7,
        originating=False,
        recipients=recipients,
        keep=any(row.verdict.keep for row in recipients),
    )


def settled(outcome: Outcome, reply: Reply, *recipients: str) -> dict[bytes, Settlement]:
    return {recipient.encode(): Settlement(outcome, reply) for recipient in recipients}


def _row(
    recipient: str | bytes, outcome: Outcome, reply: Reply | None, **changes: object
) -> JournalRecipient:
    fields: dict[str, object] = {
        "recipient": Recipient(address(recipient)),
        "categories": (Category.CLEAN,),
        "blocked_by": None,
        "destiny": Destiny.PASS,
        "keep": False,
        "edits": Edits(),
        "reply": reply or OK,
        "reasons": ("no check found anything",),
        "policy": POLICY,
    }
    return JournalRecipient(Verdict(**(fields | changes)), outcome, reply)  # type: ignore[arg-type]


class ScriptedRelay:
    """A next hop that says `replies` in turn, the last one for ever, and keeps what it was sent."""

    name = "smtp:[127.0.0.1]:10026"

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies or (OK,))
        self.sent: list[Submission] = []
        self.octets: list[bytes] = []

    def send(self, submission: Submission) -> Handover:
        self.sent.append(submission)
        self.octets.append(b"".join(submission.content.chunks()))
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        return Handover((reply,) * len(submission.recipients), self.name)
