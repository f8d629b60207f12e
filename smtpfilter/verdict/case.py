"""Making a case: what one recipient wants, and what the lists say about this sender, in one value
for decide().
"""

from collections.abc import Sequence
from datetime import datetime

from smtpfilter.mail.address import Address
from smtpfilter.mail.envelope import MailId, Recipient
from smtpfilter.mail.findings import Authentication
from smtpfilter.policy.banning import rules_for
from smtpfilter.policy.layers import Origin, PolicyBook
from smtpfilter.policy.resolve import resolve
from smtpfilter.policy.senders import match_senders
from smtpfilter.verdict.verdict import Case


def make_case(
    book: PolicyBook,
    recipient: Recipient,
    *,
    mail_id: MailId,
    identities: Sequence[Address],
    size_bytes: int,
    bulk: bool,
    now: datetime,
    hostname: str,
    origin: Origin = Origin(),  # noqa: B008 - a frozen value
    authentication: Authentication | None = None,
) -> Case:
    """Return the case of `recipient`; `identities` are the envelope sender, then the authors
    (W-1).
    """
    policy = resolve(book, recipient.address, origin.profiles)
    return Case(
        mail_id=mail_id,
        recipient=recipient,
        policy=policy,
        sender=match_senders(book, recipient.address, identities, now),
        ban_rules=rules_for(book, policy.settings.banned_rulenames or ""),
        size_bytes=size_bytes,
        bulk=bulk,
        now=now,
        hostname=hostname,
        origin=origin,
        authentication=authentication,
    )
