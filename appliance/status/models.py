"""Site-wide settings that are no policy, as one typed row, and the traced senders."""

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

ONLY_ROW = 1


class SiteSettings(models.Model):
    """The one row of settings; a field's help text is its meaning on screen and command line."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY_ROW, editable=False)
    recipient_delimiter = models.CharField(
        max_length=3,
        default="+",
        blank=True,
        validators=[RegexValidator(r"\A[+=-]*\Z", "Write +, -, = or several of them, or nothing.")],
        help_text="What an extension begins with, as in user+extension@domain; empty for none.",
    )
    retention_days = models.PositiveIntegerField(
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="Days that held mail is kept.",
    )
    bin_hours = models.PositiveIntegerField(
        default=72,
        validators=[MinValueValidator(0), MaxValueValidator(8760)],
        help_text="Hours that deleted mail can be brought back.",
    )
    journal_days = models.PositiveIntegerField(
        default=90,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="Days that the record of a message is kept, without its text.",
    )

    sender_authentication = models.BooleanField(
        default=False,
        help_text="Ask SPF, DKIM and DMARC about every sender; needs DNS.",
    )
    notice_from = models.CharField(
        max_length=254,
        default="",
        blank=True,
        help_text="Who notices come from; empty for postmaster at the appliance's own name.",
    )
    notices_per_hour = models.PositiveIntegerField(
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(10000)],
        help_text="Notices of one kind to one address in an hour; more come as one summary.",
    )

    class Meta:
        verbose_name_plural = "site settings"
        constraints = (
            models.CheckConstraint(condition=models.Q(id=ONLY_ROW), name="one_row_of_settings"),
        )

    def __str__(self) -> str:
        return "site settings"

    @classmethod
    def load(cls) -> "SiteSettings":
        """Return the row, or the defaults where it is not stored yet."""
        return cls.objects.first() or cls()


class TracedSender(models.Model):
    """Mail of this sender (a lookup key in printed form) is logged step by step."""

    sender = models.CharField(max_length=1024, unique=True)
    added_by = models.CharField(max_length=254)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("sender",)

    def __str__(self) -> str:
        return self.sender or "<>"
