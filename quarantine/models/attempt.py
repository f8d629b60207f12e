"""What is remembered of an attempt, so that its retry does nothing twice (design 4.2).

The tables stand alone: they are keyed by the retry key, kept for 7 days, and never partitioned with
the journal.
"""

from datetime import timedelta

from django.db import models

REMEMBERED_DAYS = 7

LEASE = timedelta(minutes=20)
"""How long an attempt may be silent; after that its pending rows are shown as unknown."""


class RetryKey(models.Model):
    """One message as the sending queue names it.

    `mail_id`: the journal row that all its attempts share.  `faults`: deterministic faults of ours
    so far.
    """

    key = models.BinaryField(primary_key=True)  # 32 octets
    mail_id = models.BigIntegerField(null=True)  # null until an attempt came as far as the journal
    faults = models.IntegerField(default=0)
    touched_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "quarantine_retry_key"

    def __str__(self) -> str:
        return bytes(self.key).hex()


class Attempt(models.Model):
    """One recipient under a retry key: how it ended, or who works on it.

    `reply_hop`: the next hop that gave the reply, "" where it is ours.  `lease_owner`: the
    process at work, "" where nobody is; its lease holds until `lease_until` or until it is dead.
    """

    pk = models.CompositePrimaryKey("retry_key_id", "path")
    retry_key = models.ForeignKey(
        RetryKey, on_delete=models.CASCADE, db_column="key", db_index=False
    )
    path = models.BinaryField()
    outcome = models.TextField()
    reply_code = models.IntegerField(default=0)
    reply_enhanced = models.TextField(default="")
    reply_text = models.TextField(default="")
    reply_hop = models.TextField(default="", db_default="")
    lease_owner = models.TextField(default="")
    lease_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "quarantine_attempt"

    def __str__(self) -> str:
        return f"{self.outcome} under {bytes(self.retry_key_id).hex()}"
