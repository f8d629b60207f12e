"""What the site filters: domains, mailboxes, own networks.  Rows hold canonical text."""

from django.db import models

SOURCE_LIMIT = 100  # characters of the name of a source of rows
PROFILE_LIMIT = 100  # characters of the name of a direction profile


class Domain(models.Model):
    """A local domain: `example.com` exactly, or `.example.com` with all below (K-1, K-11).

    `source`: the name of the source it was read from, "" for one made by hand.
    """

    name = models.CharField(max_length=254, unique=True)
    source = models.CharField(max_length=SOURCE_LIMIT, default="", blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Mailbox(models.Model):
    """A mailbox that somebody may own, by canonical address without extension."""

    address = models.CharField(max_length=1024, unique=True)
    domain = models.CharField(max_length=254, db_index=True)  # of `address`, as A-label
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("address",)
        verbose_name_plural = "mailboxes"

    def __str__(self) -> str:
        return self.address


class Network(models.Model):
    """A network of clients: an own one, whose mail counts as outgoing, unless `profile` names a
    direction profile that says otherwise.  "!" before it excepts it from a wider one (K-10).
    """

    cidr = models.CharField("network", max_length=50, unique=True)
    profile = models.CharField(max_length=PROFILE_LIMIT, default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("cidr",)

    def __str__(self) -> str:
        return self.cidr
