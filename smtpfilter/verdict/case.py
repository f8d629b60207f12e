"""Making a case: what one recipient wants, and what the lists say about this sender, in one value
for decide().
"""

from collections.abc import Sequence
from datetime import datetime

from smtpfilter.mail.address import Address
from smtpfilter.mail.envelope import MailId, Recipient
from smtpfilter.mail.findings import Authentication
from smtpfilter.policy.banning import rules_for
from smtpfilter.policy.layers import EffectivePolicy, Origin, PolicyBook
from smtpfilter.policy.resolve import is_local, resolve
from smtpfilter.policy.senders import belongs, match_senders
from smtpfilter.verdict.verdict import Case

TEMPERROR = "temperror"  # RFC 8601 2.7: DNS gave no answer


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
    policy: EffectivePolicy | None = None,
) -> Case:
    """Return the case of `recipient`; `identities` are the envelope sender, then the authors
    (W-1).  `policy`: what resolve() said before, for the same book, recipient and profiles.
    """
    mail_from, *authors = identities
    policy = policy or resolve(book, recipient.address, origin.profiles)
    return Case(
        mail_id=mail_id,
        recipient=recipient,
        policy=policy,
        sender=match_senders(book, recipient.address, identities, now, authentication),
        ban_rules=rules_for(book, policy.settings.banned_rulenames or ""),
        size_bytes=size_bytes,
        bulk=bulk,
        now=now,
        hostname=hostname,
        origin=origin,
        authentication=authentication,
        mail_from=mail_from,
        proven=authentication is not None and belongs(mail_from.domain, authentication.proven),
        spoofed=_is_spoofed(book, authors, origin, authentication),
        sender_local=is_local(book, mail_from),
        recipient_delimiter=book.recipient_delimiter,
    )


def _is_spoofed(
    book: PolicyBook,
    authors: Sequence[Address],
    origin: Origin,
    authentication: Authentication | None,
) -> bool:
    """Tell whether an author claims a local domain without proof, in mail from outside.

    Nothing is held against mail about whose sender nobody asked.
    """
    if authentication is None or origin.credible:
        return False
    return any(
        is_local(book, author)
        and not belongs(author.domain, authentication.proven)
        and not _may_belong(author, authentication)
        for author in authors
    )


def _may_belong(author: Address, found: Authentication) -> bool:
    """Tell whether DNS gave no answer that could have proven this author.

    Only domains beside his count: a sender can make DNS fail for a domain of his own.
    """
    unsure = [one.domain for one in found.signatures if one.result == TEMPERROR]
    unsure += [found.spf_domain] if found.spf == TEMPERROR else []
    return any(
        belongs(author.domain, (domain,)) or domain.endswith(f".{author.domain}")
        for domain in unsure
    )
