"""What an administrator may say about the engines, and what each node has made of it.

A scanner's command line is never here: scanners are described in one file of the machine.
"""

from django.db import models
from django.utils import timezone

from appliance.engines.learning_models import LearningJob as LearningJob
from appliance.engines.learning_models import LearningMail as LearningMail

ROLES = (
    ("primary", "asked about every message"),
    ("backup", "asked when no primary scanner answers"),
    ("off", "not asked"),
)


class ScannerRole(models.Model):
    """How a virus scanner is used; one without a row is used as its entry in the file says."""

    name = models.CharField(max_length=100, unique=True)
    role = models.CharField(max_length=7, choices=ROLES)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return f"{self.name}: {self.role}"


class VirusNameRule(models.Model):
    """Virus names that are worth points, or stay viruses (V-4); the first that matches counts.

    Without any row the rules that Postern brings along count.
    """

    position = models.PositiveIntegerField(unique=True)
    pattern = models.CharField(max_length=500)
    points = models.FloatField(null=True, blank=True)
    comment = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("position",)

    def __str__(self) -> str:
        return self.pattern


class Preference(models.Model):
    """One SpamAssassin preference of one name (sa_username), as spamd reads it (S-1)."""

    username = models.CharField(max_length=100)
    preference = models.CharField(max_length=50)
    value = models.CharField(max_length=500)

    class Meta:
        ordering = ("username", "preference", "value")
        constraints = (
            models.UniqueConstraint(
                fields=("username", "preference", "value"), name="preference_said_once"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    preference__regex=r"^[a-z0-9_]+$",  # Q4: one row is one line of configuration
                    value__regex=r"^[^\r\n]*$",
                ),
                name="preference_on_one_line",
            ),
        )

    def __str__(self) -> str:
        return f"{self.username}: {self.preference} {self.value}"


class Rendering(models.Model):
    """What a node last made of the settings of one engine: the revision in force, or why not.

    `missing`: what the node lacks for tests that the settings name, {setting: sentence}.
    `seen_at`: its agent's latest sign of life.
    """

    node = models.CharField(max_length=253)
    engine = models.CharField(max_length=30)
    digest = models.CharField(max_length=64)
    ok = models.BooleanField()
    detail = models.CharField(max_length=2000)
    missing = models.JSONField(default=dict)
    applied_at = models.DateTimeField()
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("node", "engine")
        constraints = (
            models.UniqueConstraint(fields=("node", "engine"), name="one_rendering_of_each"),
        )

    def __str__(self) -> str:
        return f"{self.engine} on {self.node}"
