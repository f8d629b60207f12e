"""What is decided for one recipient, and what the decision was made from."""

from dataclasses import dataclass, field
from datetime import datetime

from smtpfilter.mail.edits import Edits
from smtpfilter.mail.envelope import MailId, Recipient
from smtpfilter.mail.reply import Reply
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import BanRule, EffectivePolicy, SenderMatch
from smtpfilter.verdict.category import Category


@dataclass(frozen=True, slots=True)
class Case:
    """One recipient of one message, with everything but the findings.

    `bulk`: the sender is null or the mail is automatic or list mail (N-2).
    """

    mail_id: MailId
    recipient: Recipient
    policy: EffectivePolicy
    sender: SenderMatch
    ban_rules: tuple[BanRule, ...]
    size_bytes: int
    bulk: bool
    now: datetime
    hostname: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision for one recipient.

    `categories`: highest first, never empty.  `blocked_by`: the category that decided, None where
    the mail passes.
    `destiny`: PASS where the mail passes.  `keep`: a held copy is stored.  `edits`: what a
    delivered copy gets.
    `score`: the recipient's own, None where unknown.  `reasons`: sentences, the deciding one first.
    `reply`: what the sender is told where the mail does not pass.  `banned`: paths as in B-6.
    """

    recipient: Recipient
    categories: tuple[Category, ...]
    blocked_by: Category | None
    destiny: Destiny
    keep: bool
    edits: Edits
    reply: Reply
    reasons: tuple[str, ...]
    policy: EffectivePolicy
    score: float | None = None
    banned: tuple[str, ...] = ()
    tell_sender: bool = field(
        default=True
    )  # False: a notice to the sender would be backscatter or is cut off (N-1)

    @property
    def category(self) -> Category:
        """The category a person is shown: the blocking one, else the main one."""
        return self.blocked_by or self.categories[0]
