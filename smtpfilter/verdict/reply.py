"""From outcomes to what the sender hears: one reply for SMTP input, one per recipient for LMTP, and
a notice about what no reply can tell (F-1, F-2, F-5, F-6, N-1, O-5).
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.reply import Reply, reply
from smtpfilter.policy.destiny import Destiny
from smtpfilter.verdict.outcome import Outcome, Settlement
from smtpfilter.verdict.told import Told
from smtpfilter.verdict.verdict import Verdict

# The words by which F-1 counts those who do not get the mail.
_BOUNCE, _REJECT, _DISCARD = "BOUNCE", "REJECT", "DISCARD"
_SUPPRESSED = "DISCARD(bounce.suppressed)"
_UNSEEN = (Outcome.HELD, Outcome.DISCARDED)

Settled = Mapping[bytes, Settlement]  # by the octets of the forward-path


def settle_smtp(envelope: Envelope, verdicts: Sequence[Verdict], settled: Settled) -> Reply:
    """Return the one reply for all recipients.

    Any 4xx is the answer for the whole message.  A 5xx is given only where every recipient is
    refused; in a mixture they count as accepted, and told_of() says whom to tell about it (unlike
    amavisd, which refused the whole where some were discarded: X-9).
    """
    ends = [settled[verdict.recipient.address.octets] for verdict in verdicts]
    deferred = next((end for end in ends if end.reply.temporary), None)
    if deferred:
        return deferred.reply
    words = [_word(verdict, end) for verdict, end in zip(verdicts, ends, strict=True)]
    others = _counts(words)
    delivered = next((end for end in ends if end.outcome is Outcome.DELIVERED), None)
    if delivered:
        passed = _from_next_hop(delivered)
        return reply(250, "2.0.0", f"{passed}, but {others}" if others else passed)
    if len(set(words)) > 1:
        return reply(250, "2.5.0", f"Ok, id={envelope.mail_id}, {others}")
    return _refusal(envelope, verdicts[0], ends[0]) if words[0] == _REJECT else ends[0].reply


def settle_lmtp(envelope: Envelope, settled: Settled) -> tuple[Reply, ...]:
    """Return one reply per RCPT TO of the transaction, in its order; a doubled recipient hears the
    same twice.
    """
    return tuple(settled[recipient.address.octets].reply for recipient in envelope.recipients)


def bounced(envelope: Envelope, verdict: Verdict) -> Reply:
    """Return our 2xx for mail with the destiny bounce: a notice goes to the sender, or is
    suppressed (F-1, F-2, F-5).
    """
    if not envelope.lmtp:
        word = _SUPPRESSED if verdict.suppressed else _BOUNCE
        return reply(250, "2.5.0", f"Ok, id={envelope.mail_id}, {word}")
    done = (
        f"suppressed ({verdict.suppressed})"
        if verdict.suppressed
        else f"was sent ({verdict.reply})"
    )
    return reply(250, "2.5.0", f"Ok <{verdict.recipient.address}>, DSN {done}")


def waits_for_notice(envelope: Envelope, verdict: Verdict, end: Settlement) -> bool:
    """Tell whether this end is final only when the sender's notice about it was taken (N-4).

    A refusal on SMTP input may need one, depending on what becomes of the other recipients.
    """
    match end.outcome:
        case Outcome.BOUNCED:
            return True
        case Outcome.REJECTED:
            return not envelope.lmtp
        case Outcome.HELD | Outcome.DISCARDED:
            return verdict.tell_discard
    return False


def told_of(envelope: Envelope, verdicts: Sequence[Verdict], settled: Settled) -> tuple[Told, ...]:
    """Return the recipients of whom the sender hears by a notice of ours (N-1, F-6, O-5).

    They are those whose mail was bounced, or refused in an SMTP transaction that is answered with
    2xx, or held from a sender of ours; and those who were reached, where he asked to hear of that
    and the next hop does not see to it.  A 4xx on SMTP input is for all: nothing has failed yet.
    """
    ends = [Told(verdict, settled[verdict.recipient.address.octets]) for verdict in verdicts]
    waiting = not envelope.lmtp and any(told.settlement.reply.temporary for told in ends)
    passed_back = envelope.lmtp or all(told.settlement.outcome is Outcome.REJECTED for told in ends)
    return tuple(
        told
        for told in ends
        if _is_told(told, passed_back=passed_back)
        and not (waiting and told.settlement.outcome is not Outcome.DELIVERED)
    )


def _is_told(told: Told, *, passed_back: bool) -> bool:
    verdict, recipient = told.verdict, told.recipient
    if verdict.suppressed:
        return False
    match told.settlement.outcome:
        case Outcome.BOUNCED:
            return True
        case Outcome.REJECTED:
            return recipient.wants_failure_notice and not passed_back
        case Outcome.HELD | Outcome.DISCARDED:
            return verdict.tell_discard
        case Outcome.DELIVERED:
            return recipient.wants_success_notice and not told.settlement.dsn
    return False


def _word(verdict: Verdict, end: Settlement) -> str:
    """Return how F-1 counts this recipient, "" where the mail was delivered."""
    if end.outcome in _UNSEEN:
        return _SUPPRESSED if verdict.destiny is Destiny.BOUNCE else _DISCARD
    return {Outcome.BOUNCED: _BOUNCE, Outcome.REJECTED: _REJECT}.get(end.outcome, "")


def _counts(words: Sequence[str]) -> str:
    count = Counter(words)
    order = (_BOUNCE, _SUPPRESSED, _REJECT, _DISCARD)
    return ", and ".join(f"{count[word]} {word}" for word in order if count[word])


def _from_next_hop(end: Settlement) -> str:
    return f"from MTA({end.hop}): {end.reply}"


def _refusal(envelope: Envelope, verdict: Verdict, end: Settlement) -> Reply:
    """Return our own refusal as it is, the next hop's with its name."""
    if verdict.blocked_by is not None:
        return end.reply
    theirs = _from_next_hop(end)
    text = f"id={envelope.mail_id} - Rejected by next-hop MTA on relaying, {theirs}"
    return reply(end.reply.code, end.reply.enhanced, text)
