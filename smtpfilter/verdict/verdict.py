"""What is decided for one recipient, and what the decision was made from."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from smtpfilter.mail.address import NULL_SENDER, Address
from smtpfilter.mail.edits import Edits
from smtpfilter.mail.envelope import MailId, Recipient
from smtpfilter.mail.findings import Authentication
from smtpfilter.mail.reply import Reply
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import BanRule, EffectivePolicy, Origin, SenderMatch
from smtpfilter.verdict.category import Category


@dataclass(frozen=True, slots=True)
class PenPal:
    """The recipient wrote to the sender, `age` ago: worth `points`, below 0 (PP-1)."""

    age: timedelta
    points: float


@dataclass(frozen=True, slots=True)
class Case:
    """One recipient of one message, with everything but the findings.

    `bulk`: the sender is null or the mail is automatic or list mail (N-2).  `origin`: how the mail
    came to us.  `authentication`: as in Findings; the sender lists were asked with it.
    `proven`: the domain of `mail_from` is shown to have sent the mail, by DKIM or SPF.  `spoofed`:
    it came from outside, and an author claims a local domain without proof.  `sender_local`: the
    domain of `mail_from` is a local one.
    `pen_pal`: the mail answers mail of the recipient's own, None where nobody looked.
    `recipient_delimiter`: characters at which an address extension may begin, "" for none.
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
    origin: Origin = Origin()  # noqa: RUF009 - a frozen value
    authentication: Authentication | None = None
    mail_from: Address = NULL_SENDER
    proven: bool = False
    spoofed: bool = False
    sender_local: bool = False
    recipient_delimiter: str = ""
    pen_pal: PenPal | None = None

    @property
    def credible(self) -> bool:
        """The envelope sender is himself: one of ours, or authenticated (T-3)."""
        return self.origin.credible or self.proven


@dataclass(frozen=True, slots=True)
class NoticeOrder:
    """Somebody other than the sender is to be told (N-5, N-6).

    `kind`: "virus_admin", "newvirus_admin", "banned_admin", "spam_admin", "bad_header_admin",
    "unchecked_admin", or "warnvirusrecip", "warnbannedrecip", "warnbadhrecip".  `to`: canonical
    address.  `names`: of viruses, for newvirus_admin: only those never seen before count.
    """

    kind: str
    to: str
    language: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision for one recipient.

    `categories`: highest first, never empty.  `blocked_by`: the category that decided, None where
    the mail passes.
    `destiny`: PASS where the mail passes.  `keep`: a held copy is stored.  `edits`: what a
    delivered copy gets.
    `score`: the recipient's own, None where unknown.  `reasons`: sentences, the deciding one first.
    `reply`: what the sender is told where the mail does not pass; of bounced mail the refusal that
    the notice speaks of.  `banned`: paths as in B-6.
    `suppressed`: why the sender gets no notice, "" where one may go to him (N-1).
    `tell_discard`: he is told even of mail that is held or discarded.
    `forward_as`: the address with which the next hop is asked, None for the recipient's own.
    `forward_method`: next hops, "" for the site's.  `listed`: numbers of the sender rules that
    counted.  `notices`: who else is told.  `let_through`: what would have let it pass, sentences.
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
    suppressed: str = ""
    tell_discard: bool = False
    forward_as: Address | None = None
    forward_method: str = ""
    listed: tuple[int, ...] = ()
    notices: tuple[NoticeOrder, ...] = ()
    let_through: tuple[str, ...] = ()

    @property
    def category(self) -> Category:
        """The category a person is shown: the blocking one, else the main one."""
        return self.blocked_by or self.categories[0]
