"""A source of rows: where it is, how often it is read, and how the last try went."""

from django.db import models

from appliance.domains.models import SOURCE_LIMIT
from appliance.domains.names import KEY_LIMIT
from smtpfilter.policy.lookup import SITE

DEFAULT_FILTER = "(&(objectClass=amavisAccount)(mail=*))"  # amavisd's (P-10), for all keys at once
RESULT_LIMIT = 2000  # characters


class Source(models.Model):
    """A directory (LDAP) or a file.  Rows that it makes carry its name in their `source`.

    `every_minutes`: 0 = only when it is told to.  `holds`: what a file's keys are about, see
    files.py; `key`: for whose mail a file lists senders.  `password_file` names a file, the secret
    is in no row.  `tried_at`: the last try; `last_read_at`: the last that succeeded, with
    `entries`.
    """

    class Kind(models.TextChoices):
        FILE = "file", "file"
        LDAP = "ldap", "LDAP directory"

    name = models.CharField(max_length=SOURCE_LIMIT, unique=True)
    kind = models.CharField(max_length=4, choices=Kind.choices)
    every_minutes = models.PositiveIntegerField(default=60)

    path = models.CharField(max_length=1000, default="", blank=True)
    holds = models.CharField(max_length=60, default="", blank=True)
    key = models.CharField(max_length=KEY_LIMIT, default=SITE, blank=True)

    url = models.CharField(max_length=500, default="", blank=True)
    start_tls = models.BooleanField(default=False)
    ca_file = models.CharField(max_length=1000, default="", blank=True)
    bind_dn = models.CharField(max_length=1000, default="", blank=True)
    password_file = models.CharField(max_length=1000, default="", blank=True)
    base_dn = models.CharField(max_length=1000, default="", blank=True)
    filter = models.CharField(max_length=2000, default=DEFAULT_FILTER, blank=True)

    tried_at = models.DateTimeField(null=True, editable=False)
    last_read_at = models.DateTimeField(null=True, editable=False)
    last_result = models.CharField(max_length=RESULT_LIMIT, default="", blank=True, editable=False)
    failed = models.BooleanField(default=False, editable=False)
    entries = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(kind="file", path__startswith="/", url="") & ~models.Q(holds="")
                | models.Q(kind="ldap", path="", holds="")
                & ~models.Q(url="")
                & ~models.Q(base_dn=""),
                name="source_is_a_file_or_a_directory",
            ),
        )

    def __str__(self) -> str:
        return self.name
