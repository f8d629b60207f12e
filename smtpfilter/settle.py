"""What the journal is told about a judged message, and the key under which a retry finds it
again.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from smtpfilter.mail.envelope import Envelope, Recipient
from smtpfilter.mail.findings import Findings
from smtpfilter.mail.message import Message
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.mail.reply import Reply
from smtpfilter.policy.destiny import Destiny
from smtpfilter.ports.journal import JournalEntry, JournalRecipient
from smtpfilter.verdict.facts import message_facts
from smtpfilter.verdict.outcome import Outcome, Settlement
from smtpfilter.verdict.plan import Plan
from smtpfilter.verdict.reply import bounced, waits_for_notice
from smtpfilter.verdict.verdict import NoticeOrder, Verdict

_OUTCOMES = {Destiny.REJECT: Outcome.REJECTED, Destiny.TEMPFAIL: Outcome.DEFERRED}


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that was decided about one message, nothing of it done yet.

    `headers`: the edited header section of each of the plan's deliveries.
    """

    envelope: Envelope
    message: Message
    mail: SpooledMail
    findings: Findings
    plan: Plan
    headers: tuple[bytes, ...]
    originating: bool
    revision: int


def retry_key(envelope: Envelope, mail: SpooledMail) -> bytes | None:
    """Return the 32 octets that name this message upstream, None without a queue id: then nothing
    is ever skipped.
    """
    if not envelope.client.ident:
        return None
    digest = hashlib.sha256()
    words = (
        envelope.peer.encode(),
        envelope.client.ident.encode(),
        envelope.mail_from.octets,
        mail.sha256.encode(),
    )
    for word in words:
        digest.update(len(word).to_bytes(4, "big") + word)
    return digest.digest()


def unique(recipients: Iterable[Recipient]) -> tuple[Recipient, ...]:
    """Return the recipients, each forward-path once: a doubled RCPT gets one copy."""
    return tuple({recipient.address.octets: recipient for recipient in recipients}.values())


def outcome_of(reply: Reply) -> Outcome:
    """Return what the next hop's reply means for the recipient."""
    if reply.accepted:
        return Outcome.DELIVERED
    return Outcome.REJECTED if reply.permanent else Outcome.DEFERRED


def settle_at_once(judgement: Judgement) -> dict[bytes, Settlement]:
    """Return how it ends for the recipients about whom the next hop is not asked.

    On SMTP input one tempfail defers the message for all, since there is one reply (F-1).
    """
    verdicts = judgement.plan.verdicts
    deferring = next((v for v in verdicts if v.destiny is Destiny.TEMPFAIL), None)
    if deferring and not judgement.envelope.lmtp:
        deferred = Settlement(Outcome.DEFERRED, deferring.reply)
        return {verdict.recipient.address.octets: deferred for verdict in verdicts}
    return {
        verdict.recipient.address.octets: _end(judgement.envelope, verdict)
        for verdict in verdicts
        if verdict.destiny is not Destiny.PASS
    }


def journal_entry(judgement: Judgement, settled: Mapping[bytes, Settlement]) -> JournalEntry:
    """Return what is recorded before anything is sent; `settled` is settle_at_once().

    What waits for a notice stays open until the sender is told: a retry must tell him, if we could
    not.
    """
    envelope, message = judgement.envelope, judgement.message
    rows = tuple(
        _row(envelope, verdict, settled.get(verdict.recipient.address.octets))
        for verdict in judgement.plan.verdicts
    )
    notices = _orders(judgement, settled)
    return JournalEntry(
        envelope=envelope,
        retry_key=retry_key(envelope, judgement.mail),
        subject=message.subject,
        message_id=message.message_id,
        header_from=message.header_from,
        size_bytes=judgement.mail.size_bytes,
        sha256=judgement.mail.sha256,
        findings=judgement.findings,
        revision=judgement.revision,
        originating=judgement.originating,
        recipients=rows,
        keep=judgement.plan.keep and any(row.outcome is not Outcome.DEFERRED for row in rows),
        notices=notices,
        facts=facts_of(judgement) if notices else {},
    )


def facts_of(judgement: Judgement) -> dict[str, Any]:
    """Return what the notices to others may say of the message (2(t)), JSON.

    What is known only when one is sent is added then: who sends it, and how it ended for each
    recipient.
    """
    return message_facts(
        judgement.envelope,
        judgement.message,
        judgement.findings,
        size_bytes=judgement.mail.size_bytes,
        hostname="",
    )


def _orders(judgement: Judgement, settled: Mapping[bytes, Settlement]) -> tuple[NoticeOrder, ...]:
    """Return who beside the sender is told, each once for one kind of notice (N-5): nobody of mail
    that the sender is to send again.
    """
    ends = {path: end.outcome for path, end in settled.items()}
    return tuple(
        dict.fromkeys(
            order
            for path, verdict in judgement.plan.by_path.items()
            if ends.get(path) is not Outcome.DEFERRED
            for order in verdict.notices
        )
    )


def _row(envelope: Envelope, verdict: Verdict, end: Settlement | None) -> JournalRecipient:
    if end is None or waits_for_notice(envelope, verdict, end):
        return JournalRecipient(verdict, Outcome.PENDING, None)
    return JournalRecipient(verdict, end.outcome, end.reply)


def _end(envelope: Envelope, verdict: Verdict) -> Settlement:
    """Return how it ends for a recipient whose mail is stopped; a bounce without a notice is a
    discard (F-5).
    """
    unseen = Outcome.HELD if verdict.keep else Outcome.DISCARDED
    if verdict.destiny is Destiny.BOUNCE:
        outcome = unseen if verdict.suppressed else Outcome.BOUNCED
        return Settlement(outcome, bounced(envelope, verdict))
    return Settlement(_OUTCOMES.get(verdict.destiny, unseen), verdict.reply)
