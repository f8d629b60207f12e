"""What people have been told of alarms, and the letters about it that have still to be sent."""

from django.db import models


class ToldAlarm(models.Model):
    """An alarm whose beginning was told and whose end was not."""

    name = models.CharField(max_length=100, unique=True)
    text = models.CharField(max_length=1000)
    told_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class AlarmLetter(models.Model):
    """News of one alarm for one reader: an address, or the webhook (`target` is its URL).

    `tries`: so often it was sent; the row goes when it was taken or given up.
    """

    class Channel(models.TextChoices):
        MAIL = "mail"
        WEBHOOK = "webhook"

    class Event(models.TextChoices):
        BEGIN = "begin"
        END = "end"

    channel = models.CharField(max_length=7, choices=Channel.choices)
    target = models.CharField(max_length=500)
    event = models.CharField(max_length=5, choices=Event.choices)
    name = models.CharField(max_length=100)
    text = models.CharField(max_length=1000)
    at = models.DateTimeField()
    not_before = models.DateTimeField(db_index=True)
    tries = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.event} of {self.name} to {self.target}"
