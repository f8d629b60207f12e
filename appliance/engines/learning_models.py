"""Bulk learning: a job, and the mail that it has still to show to the spam scanner."""

from django.db import models
from django.db.models import F, Q


class LearningJob(models.Model):
    """Much mail to learn from, and how far it is.

    `source`: what the mail came from, visible text.  `learnt`: new to the scanner (or forgotten by
    it); `known`: it had nothing to do; `failed`: it could not.  `touched_at`: the last progress.
    """

    class Kind(models.TextChoices):
        SPAM = "spam", "spam"
        HAM = "ham", "wanted mail"
        FORGET = "forget", "to be forgotten"

    class State(models.TextChoices):
        UNDER_WAY = "under way"
        DONE = "done"
        STOPPED = "stopped"

    kind = models.CharField(max_length=6, choices=Kind.choices)
    source = models.CharField(max_length=500)
    actor = models.CharField(max_length=254)
    state = models.CharField(max_length=9, choices=State.choices, default=State.UNDER_WAY)
    detail = models.CharField(max_length=500, default="", blank=True)
    started_at = models.DateTimeField()
    touched_at = models.DateTimeField()
    total = models.PositiveIntegerField(default=0)
    learnt = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.CheckConstraint(
                condition=Q(total__gte=F("learnt") + F("known") + F("failed")),
                name="no_mail_is_learnt_twice",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} from {self.source}"

    @property
    def looked_at(self) -> int:
        return self.learnt + self.known + self.failed


class LearningMail(models.Model):
    """One mail that a job has still to show: as much of it as the scanner reads, some 300 KB at
    most.
    """

    job = models.ForeignKey(LearningJob, models.CASCADE, related_name="mails")
    octets = models.BinaryField()
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("attempts", "pk")

    def __str__(self) -> str:
        return f"mail {self.pk} of job {self.job_id}"
