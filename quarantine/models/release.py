"""Releases and the record of who did what to held mail."""

from enum import StrEnum

from django.db import models
from django.db.models import Q

from quarantine.models.mail import RecipientRecord


class ReleaseState(StrEnum):
    WAITING = "waiting"  # to be sent at or after not_before
    SENDING = "sending"  # a process has it until lease_until
    ACCEPTED = "accepted"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Release(models.Model):
    """One wish to have a held copy delivered.  The row is the truth; Celery only wakes it up.

    `reply`: the next hop's latest answer.  At most one release of a recipient is under way.
    """

    id = models.BigAutoField(primary_key=True)
    recipient = models.ForeignKey(
        RecipientRecord, on_delete=models.CASCADE, related_name="releases"
    )
    state = models.TextField(default=str(ReleaseState.WAITING))
    requested_by = models.TextField()
    requested_at = models.DateTimeField()
    not_before = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    tries = models.IntegerField(default=0)
    reply = models.TextField(default="")
    settled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "quarantine_release"
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=[str(state) for state in ReleaseState]),
                name="release_state",
            ),
            models.UniqueConstraint(
                fields=("recipient",),
                condition=Q(state__in=[str(ReleaseState.WAITING), str(ReleaseState.SENDING)]),
                name="release_one_under_way",
            ),
        )
        indexes = (
            models.Index(
                fields=("not_before",),
                name="release_due",
                condition=Q(state__in=[str(ReleaseState.WAITING), str(ReleaseState.SENDING)]),
            ),
        )

    def __str__(self) -> str:
        return f"release {self.pk}, {self.state}"


class Deed(StrEnum):
    """What someone did to a message, or with it."""

    RELEASE = "release"
    ASK = "ask"  # for a release that someone else must grant
    DECLINE = "decline"
    DELETE = "delete"
    RESTORE = "restore"
    READ = "read"  # the text was shown
    DOWNLOAD = "download"
    EXPIRE = "expire"


class MailEvent(models.Model):
    """Who did what to which message, and when; the database refuses UPDATE and DELETE.

    `actor`: the person's login, or the name of the part of Postern that did it.  Rows outlive the
    mail that they name.
    """

    id = models.BigAutoField(primary_key=True)
    mail_id = models.BigIntegerField(db_index=True)
    recipient = models.TextField(default="")
    deed = models.TextField()
    actor = models.TextField()
    at = models.DateTimeField()
    detail = models.TextField(default="")

    class Meta:
        db_table = "quarantine_event"
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(deed__in=[str(deed) for deed in Deed]), name="event_deed"
            ),
        )

    def __str__(self) -> str:
        return f"{self.actor}: {self.deed}"
