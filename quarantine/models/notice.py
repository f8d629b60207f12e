"""The outbox of notices to administrators and recipients, and the viruses that were ever seen.

Rows of a message are made with its record, in one transaction (store.py); notify.py sends them.
"""

from enum import StrEnum

from django.db import models
from django.db.models import Q

from quarantine.models.mail import MailRecord


class NoticeState(StrEnum):
    """waiting -> sending -> sent | failed, or waiting -> collected -> summed."""

    WAITING = "waiting"  # to be sent at or after not_before
    SENDING = "sending"  # a process has it until lease_until
    SENT = "sent"
    COLLECTED = "collected"  # beyond the limit of an hour: the next summary will list it
    SUMMED = "summed"
    FAILED = "failed"


class Notice(models.Model):
    """One notice of one kind to one address, about one message; a summary is about none.

    `facts`: what its text may say (smtpfilter.verdict.facts), of a summary also what it lists.
    `claimed_at`: when it was last taken up, for the limit of an hour; of collected ones, when they
    were collected.  `reply`: the next hop's latest answer.
    """

    id = models.BigAutoField(primary_key=True)
    mail = models.ForeignKey(
        MailRecord, on_delete=models.CASCADE, related_name="notices", null=True
    )
    kind = models.TextField()
    address = models.TextField()
    language = models.TextField()
    facts = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    state = models.TextField(default=str(NoticeState.WAITING))
    not_before = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    tries = models.IntegerField(default=0)
    reply = models.TextField(default="")

    class Meta:
        db_table = "quarantine_notice"
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("mail", "kind", "address"), name="notice_once_per_mail"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[str(state) for state in NoticeState]), name="notice_state"
            ),
        )
        indexes = (
            models.Index(
                fields=("not_before",),
                name="notice_due",
                condition=Q(state__in=[str(NoticeState.WAITING), str(NoticeState.SENDING)]),
            ),
            models.Index(fields=("kind", "address", "claimed_at"), name="notice_by_address"),
            models.Index(
                fields=("claimed_at",),
                name="notice_collected",
                condition=Q(state=str(NoticeState.COLLECTED)),
            ),
            models.Index(fields=("created_at",), name="notice_by_age"),
        )

    def __str__(self) -> str:
        return f"{self.kind} to {self.address}, {self.state}"


class SeenVirus(models.Model):
    """A virus's name that was found here at least once (N-5, newvirus_admin)."""

    name = models.TextField(primary_key=True)
    first_seen_at = models.DateTimeField()

    class Meta:
        db_table = "quarantine_seen_virus"

    def __str__(self) -> str:
        return self.name
