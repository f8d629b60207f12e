"""From outcomes to what the sender hears: one reply for SMTP input, one per recipient for LMTP
(F-1, F-2, O-5).
"""

from collections.abc import Mapping, Sequence

from smtpfilter.mail.envelope import Envelope, Recipient
from smtpfilter.mail.reply import Reply, reply
from smtpfilter.verdict.outcome import Outcome, Settlement
from smtpfilter.verdict.verdict import Verdict

# How F-1 counts those who do not get the mail, in this order.
_COUNTED = {
    "BOUNCE": (Outcome.BOUNCED,),
    "REJECT": (Outcome.REJECTED,),
    "DISCARD": (Outcome.HELD, Outcome.DISCARDED),
}

Settled = Mapping[bytes, Settlement]  # by the octets of the forward-path


def settle_smtp(
    envelope: Envelope, verdicts: Sequence[Verdict], settled: Settled
) -> Reply:
    """Return the one reply for all recipients.

    Any 4xx is the answer for the whole message.  A 5xx is given only where every recipient is
    refused; in a mixture they count as accepted, and needs_notice() says whom to tell about it
    (unlike amavisd, which refused the whole where some were discarded: X-9).
    """
    ends = [settled[verdict.recipient.address.octets] for verdict in verdicts]
    deferred = next((end for end in ends if end.reply.temporary), None)
    if deferred:
        return deferred.reply
    outcomes = {end.outcome for end in ends}
    delivered = next((end for end in ends if end.outcome is Outcome.DELIVERED), None)
    others = _counts(ends)
    if delivered:
        passed = _from_next_hop(delivered)
        return (
            reply(250, "2.0.0", f"{passed}, but {others}")
            if others
            else reply(250, "2.0.0", passed)
        )
    if outcomes == {Outcome.REJECTED}:
        return _refusal(envelope, verdicts[0], ends[0])
    if outcomes <= {Outcome.HELD, Outcome.DISCARDED} or outcomes == {Outcome.BOUNCED}:
        return ends[0].reply
    return reply(250, "2.5.0", f"Ok, id={envelope.mail_id}, {others}")


def settle_lmtp(envelope: Envelope, settled: Settled) -> tuple[Reply, ...]:
    """Return one reply per RCPT TO of the transaction, in its order; a doubled recipient hears the
    same twice.
    """
    return tuple(settled[recipient.address.octets].reply for recipient in envelope.recipients)


def needs_notice(
    envelope: Envelope, verdicts: Sequence[Verdict], settled: Settled
) -> tuple[Recipient, ...]:
    """Return the recipients whose refusal the sender hears only by a notice of ours (F-6, O-5,
    N-1).

    They are those refused in an SMTP transaction that is answered with 2xx.  Nobody is told whose
    address is the null sender, who asked for no failure notice, or to whom a notice would be
    backscatter.
    """
    if envelope.lmtp or not envelope.mail_from.octets:
        return ()
    ends = [settled[verdict.recipient.address.octets] for verdict in verdicts]
    if any(end.reply.temporary for end in ends):
        return ()
    if all(end.outcome is Outcome.REJECTED for end in ends):
        return ()
    return tuple(
        verdict.recipient
        for verdict, end in zip(verdicts, ends, strict=True)
        if end.outcome is Outcome.REJECTED
        and not verdict.suppressed
        and verdict.recipient.wants_failure_notice
    )


def _counts(ends: Sequence[Settlement]) -> str:
    counted = (
        (name, sum(end.outcome in outcomes for end in ends)) for name, outcomes in _COUNTED.items()
    )
    return ", and ".join(f"{count} {name}" for name, count in counted if count)


def _from_next_hop(end: Settlement) -> str:
    hop = f"({end.hop})" if end.hop else ""  # an earlier attempt's answer has lost it
    return f"from MTA{hop}: {end.reply}"


def _refusal(envelope: Envelope, verdict: Verdict, end: Settlement) -> Reply:
    """Return our own refusal as it is, the next hop's with its name."""
    if verdict.blocked_by is not None:
        return end.reply
    theirs = _from_next_hop(end)
    text = f"id={envelope.mail_id} - Rejected by next-hop MTA on relaying, {theirs}"
    return reply(end.reply.code, end.reply.enhanced, text)
