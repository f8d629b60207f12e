"""What the journal is told about a judged message, and the key under which a retry finds it
again.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from smtpfilter.mail.envelope import Envelope, Recipient
from smtpfilter.mail.findings import Findings
from smtpfilter.mail.message import Message
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.mail.reply import Reply
from smtpfilter.policy.destiny import Destiny
from smtpfilter.ports import JournalEntry, JournalRecipient, Settlement
from smtpfilter.verdict.outcome import Outcome
from smtpfilter.verdict.plan import Plan
from smtpfilter.verdict.verdict import Verdict

_OUTCOMES = {
    Destiny.REJECT: Outcome.REJECTED,
    Destiny.TEMPFAIL: Outcome.DEFERRED,
    Destiny.BOUNCE: Outcome.BOUNCED,
}


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
        verdict.recipient.address.octets: Settlement(_outcome(verdict), verdict.reply)
        for verdict in verdicts
        if verdict.destiny is not Destiny.PASS
    }


def journal_entry(judgement: Judgement, settled: Mapping[bytes, Settlement]) -> JournalEntry:
    """Return what is recorded before anything is sent; `settled` is settle_at_once().

    A refusal on SMTP input stays open until the sender is told: a retry must tell him, if we
    could not.
    """
    envelope, message = judgement.envelope, judgement.message
    rows = tuple(
        _row(verdict, settled.get(verdict.recipient.address.octets), lmtp=envelope.lmtp)
        for verdict in judgement.plan.verdicts
    )
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
    )


def _row(verdict: Verdict, end: Settlement | None, *, lmtp: bool) -> JournalRecipient:
    if end is None or (end.outcome is Outcome.REJECTED and not lmtp):
        return JournalRecipient(verdict, Outcome.PENDING, None)
    return JournalRecipient(verdict, end.outcome, end.reply)


def _outcome(verdict: Verdict) -> Outcome:
    unseen = Outcome.HELD if verdict.keep else Outcome.DISCARDED
    return _OUTCOMES.get(verdict.destiny, unseen)
