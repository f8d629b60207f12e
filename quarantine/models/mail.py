"""One row per message and one per recipient of it, for all mail: delivered, held and refused.

Rows are made by quarantine/store.py alone.  The primary key of a message is MailId.number, so that
the order of ids is the order of arrival and lists page by it.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, HashIndex
from django.db import models
from django.db.models import Q

from quarantine.models.attempt import LEASE
from smtpfilter.mail.envelope import MailId
from smtpfilter.mail.findings import Findings
from smtpfilter.policy.destiny import Destiny
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.outcome import Outcome


class HeldState(StrEnum):
    """What became of a kept copy, for one recipient (design 4.10)."""

    HELD = "held"
    REQUESTED = "requested"  # its owner asked for a release that someone else must grant
    RELEASING = "releasing"  # a Release row says how far it is
    RELEASED = "released"
    FAILED = "failed"  # the next hop refused it; may be tried again
    DELETED = "deleted"  # in the bin, can be restored
    EXPIRED = "expired"


COPY_STATES = (HeldState.HELD, HeldState.REQUESTED, HeldState.RELEASING, HeldState.FAILED)
"""States in which the octets are still needed."""


UNKNOWN = "unknown"
"""Shown, and looked for, instead of `pending` where nobody is at work any more; never stored."""


class MailRecord(models.Model):
    """One message.  All text is visible() text; `mail_from_path` has the octets received.

    `later_ids`: ids under which later attempts of the same message were logged; null where there
    were none.  `score`: SpamAssassin points, null where the message was not scored.  `findings`:
    Findings.to_json().
    """

    id = models.BigIntegerField(primary_key=True)
    later_ids = ArrayField(models.BigIntegerField(), null=True)
    received_at = models.DateTimeField()
    peer = models.TextField()
    protocol = models.TextField()
    client_address = models.TextField(default="")
    client_name = models.TextField(default="")
    client_port = models.TextField(default="")
    client_proto = models.TextField(default="")
    client_helo = models.TextField(default="")
    client_ident = models.TextField(default="")
    client_source = models.TextField(default="")
    mail_from = models.TextField()
    mail_from_canonical = models.TextField()
    mail_from_path = models.BinaryField()
    body_type = models.TextField(default="")  # BODY= of MAIL FROM, "" where not given
    smtputf8 = models.BooleanField(default=False)
    ret = models.BinaryField(null=True)
    envid = models.BinaryField(null=True)
    subject = models.TextField()
    message_id = models.TextField()
    header_from = models.TextField()
    size_bytes = models.BigIntegerField()
    sha256 = models.TextField()
    score = models.FloatField(null=True)
    findings = models.JSONField()
    revision = models.BigIntegerField()
    originating = models.BooleanField(default=False)
    has_body = models.BooleanField(default=False)

    class Meta:
        db_table = "quarantine_mail"
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("mail_from_canonical", "-id"), name="mail_by_sender"),
            GinIndex(
                fields=("later_ids",),
                name="mail_by_later_id",
                condition=Q(later_ids__isnull=False),
            ),
            models.Index(fields=("id",), name="mail_with_body", condition=Q(has_body=True)),
            # By hash: an id may be longer than a B-tree takes, and would fail the message.
            HashIndex(
                fields=("message_id",),
                name="own_mail_by_message_id",
                condition=Q(originating=True) & ~Q(message_id=""),
            ),
        )

    def __str__(self) -> str:
        return self.mail_id

    @property
    def mail_id(self) -> str:
        """The id as people see it, 11 characters."""
        return str(MailId(self.id))

    def read_findings(self) -> Findings:
        return Findings.from_json(self.findings)


class RecipientRecord(models.Model):
    """What was decided for one recipient, why, and how it ended.

    `path`: forward-path octets, the key within the message.  `owner`: the canonical address without
    extension, whose mailbox it is.  `settings`: {origin: {field: value}}, all effective settings
    grouped by the key they came from.  `reply`: the line that settled it.  `reasons`: sentences,
    the deciding one first.  `let_through`: sentences, what would have let it pass.  `score`: the
    recipient's own.
    """

    id = models.BigAutoField(primary_key=True)
    mail = models.ForeignKey(MailRecord, on_delete=models.CASCADE, related_name="recipients")
    position = models.IntegerField()
    path = models.BinaryField()
    orcpt = models.BinaryField(null=True)
    notify = models.TextField(default="")  # keywords by comma, "" where not given
    address = models.TextField()
    canonical = models.TextField()
    owner = models.TextField()
    domain = models.TextField()
    category = models.TextField()
    destiny = models.TextField()
    blocked = models.BooleanField()
    outcome = models.TextField()
    state = models.TextField(null=True)  # noqa: DJ001 - null says that no copy was kept
    reply = models.TextField(default="")
    reasons = models.JSONField(default=list)
    let_through = models.JSONField(default=list, db_default=[])
    banned = models.JSONField(default=list)
    settings = models.JSONField(default=dict)
    score = models.FloatField(null=True)
    settled_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "quarantine_recipient"
        ordering = ("-mail_id", "position")
        constraints = (
            models.UniqueConstraint(fields=("mail", "path"), name="recipient_once_per_mail"),
            models.CheckConstraint(
                condition=Q(outcome__in=[str(outcome) for outcome in Outcome]),
                name="recipient_outcome",
            ),
            models.CheckConstraint(
                condition=Q(state__isnull=True) | Q(state__in=[str(state) for state in HeldState]),
                name="recipient_state",
            ),
            models.CheckConstraint(
                condition=Q(category__in=[str(category) for category in Category]),
                name="recipient_category",
            ),
            models.CheckConstraint(
                condition=Q(destiny__in=[str(destiny) for destiny in Destiny]),
                name="recipient_destiny",
            ),
        )
        indexes = (
            models.Index(fields=("owner", "-mail"), name="recipient_by_owner"),
            models.Index(fields=("domain", "-mail"), name="recipient_by_domain"),
            models.Index(fields=("canonical", "-mail"), name="recipient_by_canonical"),
            models.Index(
                fields=("state", "-mail"),
                name="recipient_by_state",
                condition=Q(state__isnull=False),
            ),
            models.Index(
                fields=("expires_at",),
                name="recipient_expiring",
                condition=Q(state__isnull=False) & ~Q(state=str(HeldState.EXPIRED)),
            ),
        )

    def __str__(self) -> str:
        return f"{MailId(self.mail_id)} to {self.address}"

    @property
    def shown_outcome(self) -> str:
        """The outcome, or "unknown" where an attempt died on it: the sender tries again."""
        if self.outcome == Outcome.PENDING and datetime.now(UTC) - self.mail.received_at > LEASE:
            return UNKNOWN
        return self.outcome

    def effective_settings(self) -> dict[str, dict[str, Any]]:
        """Return {field: {value, origin}} as it was when the message was decided."""
        return {
            name: {"value": value, "origin": origin}
            for origin, fields in self.settings.items()
            for name, value in fields.items()
        }
