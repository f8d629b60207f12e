"""The settings of a policy as columns: one typed, nullable column per field; NULL = inherit.

They are written out, so that a reader and a migration see them; a test compares them with
PolicySettings.
"""

from typing import Any, ClassVar

from django.db import models

from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.kinds import Kind
from smtpfilter.policy.settings import FIELDS, PolicySettings

DESTINY_FIELDS = tuple(name for name, kind in FIELDS.items() if kind == "destiny")
DESTINIES = [d.value for d in Destiny]
TEXT_LIMIT = 1000  # characters of a setting that is text


def flag() -> Any:
    return models.BooleanField(null=True, blank=True)


def level() -> Any:
    return models.FloatField(null=True, blank=True)


def points() -> Any:
    return models.FloatField(null=True, blank=True)


def destiny() -> Any:
    return models.CharField(
        null=True,
        blank=True,
        max_length=10,
        choices=[(word, word) for word in DESTINIES],
    )


def text() -> Any:
    return models.CharField(null=True, blank=True, max_length=TEXT_LIMIT)


def octets() -> Any:
    return models.BigIntegerField(null=True, blank=True)


class SettingColumns(models.Model):
    """Rows that hold policy settings."""

    bypass_virus_checks = flag()
    bypass_spam_checks = flag()
    bypass_banned_checks = flag()
    bypass_header_checks = flag()
    virus_lover = flag()
    spam_lover = flag()
    banned_files_lover = flag()
    bad_header_lover = flag()
    unchecked_lover = flag()
    spam_tag_level = level()
    spam_tag2_level = level()
    spam_tag3_level = level()
    spam_kill_level = level()
    spam_dsn_cutoff_level = level()
    spam_crediblefrom_dsn_cutoff_level = level()
    spam_notifyadmin_cutoff_level = level()
    spam_quarantine_cutoff_level = level()
    virus_destiny = destiny()
    banned_destiny = destiny()
    spam_destiny = destiny()
    bad_header_destiny = destiny()
    oversized_destiny = destiny()
    unchecked_destiny = destiny()
    unchecked_encrypted_destiny = destiny()
    unchecked_limits_destiny = destiny()
    unchecked_ambiguous_destiny = destiny()
    unchecked_undecodable_destiny = destiny()
    scanner_failure_destiny = destiny()
    spam_failure_destiny = destiny()
    dmarc_reject_destiny = destiny()
    dmarc_quarantine_destiny = destiny()
    spoofed_destiny = destiny()
    dmarc_reject_points = points()
    dmarc_quarantine_points = points()
    spoofed_points = points()
    virus_quarantine_to = text()
    banned_quarantine_to = text()
    spam_quarantine_to = text()
    bad_header_quarantine_to = text()
    unchecked_quarantine_to = text()
    clean_quarantine_to = text()
    archive_quarantine_to = text()
    spam_subject_tag = text()
    spam_subject_tag2 = text()
    spam_subject_tag3 = text()
    virus_subject_tag = text()
    unchecked_subject_tag = text()
    remove_existing_spam_headers = flag()
    remove_existing_x_scanned_headers = flag()
    allowed_added_header_fields = text()
    addr_extension_virus = text()
    addr_extension_banned = text()
    addr_extension_spam = text()
    addr_extension_bad_header = text()
    forward_method = text()
    warnvirusrecip = flag()
    warnbannedrecip = flag()
    warnbadhrecip = flag()
    virus_admin = text()
    newvirus_admin = text()
    banned_admin = text()
    spam_admin = text()
    bad_header_admin = text()
    unchecked_admin = text()
    viruses_that_fake_sender = text()
    tell_credible_sender = flag()
    notice_language = text()
    banned_rulenames = text()
    sa_username = text()
    sa_userconf = text()
    message_size_limit = octets()

    class Meta:
        abstract = True
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.CheckConstraint(
                condition=models.Q(**{f"{name}__in": DESTINIES for name in DESTINY_FIELDS}),
                name="%(class)s_known_destinies",
            ),
        )

    def to_settings(self) -> PolicySettings:
        """Return the settings of this row as the filter reads them."""
        return settings_of({name: getattr(self, name) for name in FIELDS})


def settings_of(row: dict[str, Any]) -> PolicySettings:
    """Return the settings in `row` (field -> column value; fields that are missing inherit)."""
    return PolicySettings(
        **{
            name: _typed(kind, row[name])
            for name, kind in FIELDS.items()
            if row.get(name) is not None
        }
    )


def _typed(kind: Kind, value: Any) -> Any:
    """Return a column, or its JSON form ("Infinity", whole numbers), as the filter's type."""
    if kind == "destiny":
        return Destiny(value)
    return float(value) if kind in ("level", "points") else value
