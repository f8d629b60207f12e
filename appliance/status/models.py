"""Site-wide settings that are no policy, as one typed row, and the traced senders."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from appliance.status.telling_models import AlarmLetter as AlarmLetter
from appliance.status.telling_models import ToldAlarm as ToldAlarm
from appliance.status.webhook import check_webhook
from smtpfilter.mail.address import parse_mailbox
from smtpfilter.policy.site import SPAM_ENGINES

ONLY_ROW = 1


def listed(text: str) -> list[str]:
    """Return the addresses in a list by spaces or commas."""
    return text.replace(",", " ").split()


def check_addresses(text: str) -> None:
    """Refuse what is no list of addresses.  Raises ValidationError."""
    for address in listed(text):
        if parse_mailbox(address.encode()) is None:
            raise ValidationError(f"{address!r} is no address.")


def count(default: int, least: int, most: int, help_text: str) -> Any:
    """Return a field for a whole number between `least` and `most`."""
    limits = [MinValueValidator(least), MaxValueValidator(most)]
    return models.PositiveIntegerField(default=default, validators=limits, help_text=help_text)


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
    retention_days = count(30, 1, 3650, "Days that held mail is kept.")
    bin_hours = count(72, 0, 8760, "Hours that deleted mail can be brought back.")
    journal_days = count(
        90, 1, 3650, "Days that the record of a message is kept, without its text."
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
    notices_per_hour = count(
        20, 1, 10000, "Notices of one kind to one address in an hour; more come as one summary."
    )

    alarm_to = models.CharField(
        max_length=1000,
        default="",
        blank=True,
        validators=[check_addresses],
        help_text="Addresses that get alarms by mail, past the filter, by comma; empty for none.",
    )
    alarm_webhook = models.CharField(
        max_length=500,
        default="",
        blank=True,
        validators=[check_webhook],
        help_text="An https:// address that gets alarms as JSON, once each; empty for none.",
    )

    unpack_levels = count(14, 1, 50, "Containers within each other that are opened.")
    unpack_parts = count(2000, 10, 100_000, "Parts of one message, or of one container in it.")
    unpack_megabytes = count(300, 1, 4096, "Unpacked content of one message, in megabytes.")
    unpack_ratio = count(
        100,
        2,
        10_000,
        "Unpacked content as a multiple of the message, beyond unpack_free_megabytes.",
    )
    unpack_free_megabytes = count(
        10, 1, 1024, "Unpacked content that is allowed whatever the size of the message."
    )
    unpack_seconds = count(60, 1, 600, "Seconds that unpacking one message may take.")

    virus_scanning = models.BooleanField(
        default=True,
        help_text="Scan for viruses. No is the choice to run without any virus scanner.",
    )
    first_finding_ends = models.BooleanField(
        default=False,
        help_text="Ask no further virus scanner after the first that finds something.",
    )
    remember_seconds = count(
        60, 0, 3600, "Seconds for which the virus scan of identical content counts; 0 scans anew."
    )
    spam_engine = models.CharField(
        max_length=8,
        default="spamd",
        choices=tuple(SPAM_ENGINES.items()),
        help_text="Who scores mail.",
    )
    rspamd_factor = models.FloatField(
        default=0.42,
        validators=[MinValueValidator(0.0), MaxValueValidator(10.0)],
        help_text="SpamAssassin points that one Rspamd point is worth.",
    )
    spam_body_kilobytes = count(
        200,
        16,
        10_240,
        "How much of a body the spam engines see, in KiB (sa_mail_body_size_limit).",
    )
    network_tests = models.BooleanField(
        default=False,
        help_text="Ask the network about spam (the opposite of sa_local_tests_only).",
    )
    dns_lists = models.BooleanField(
        default=True, help_text="With network tests: ask DNS block lists (DNSBL, RHSBL)."
    )
    razor = models.BooleanField(default=True, help_text="With network tests: ask Razor2.")
    pyzor = models.BooleanField(default=True, help_text="With network tests: ask Pyzor.")
    dcc = models.BooleanField(default=True, help_text="With network tests: ask DCC.")
    use_bayes = models.BooleanField(default=True, help_text="Let Bayes score.")
    bayes_auto_learn = models.BooleanField(
        default=True, help_text="Let Bayes learn from mail that the rules are sure about."
    )
    bayes_auto_learn_threshold_nonspam = models.FloatField(
        default=0.1,
        validators=[MinValueValidator(-100.0), MaxValueValidator(100.0)],
        help_text="Mail below this score is learnt as wanted.",
    )
    bayes_auto_learn_threshold_spam = models.FloatField(
        default=12.0,
        validators=[MinValueValidator(1.0), MaxValueValidator(1000.0)],
        help_text="Mail from this score on is learnt as spam; below 8 it learns wanted mail, too.",
    )
    penpals_bonus_score = models.FloatField(
        default=0.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(100.0)],
        help_text="Points less for answers to own mail, half of them each half-life; 0 for none.",
    )
    penpals_halflife_days = count(7, 1, 365, "Days after which an answer is worth half as much.")
    penpals_threshold_low = models.FloatField(
        default=1.0,
        validators=[MinValueValidator(-100.0), MaxValueValidator(100.0)],
        help_text="Nobody looks for own mail where the score is lower.",
    )
    penpals_threshold_high = models.FloatField(
        null=True,
        default=None,
        blank=True,
        validators=[MinValueValidator(-100.0), MaxValueValidator(1000.0)],
        help_text="Nobody looks where the score would stay above this; empty for no such limit.",
    )

    staff_needs_second_factor = models.BooleanField(
        default=False,
        help_text="Everybody but mailbox owners sets up an app or a passkey before anything else.",
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


class Alarm(models.Model):
    """Something that is wrong with the appliance and that a person should see to.

    Raised again and again while it lasts; one that is not heard of for a while is over.
    """

    name = models.CharField(max_length=100, unique=True)
    text = models.CharField(max_length=1000)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveBigIntegerField(default=1)

    class Meta:
        ordering = ("-last_at",)

    def __str__(self) -> str:
        return self.name


class GoingLiveStep(models.Model):
    """A step of going live that is done; `step` is the name of one in golive.STEPS."""

    step = models.CharField(max_length=50, unique=True)
    done_at = models.DateTimeField(auto_now_add=True)
    done_by = models.CharField(max_length=254)

    def __str__(self) -> str:
        return self.step
