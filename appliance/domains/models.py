"""What the site filters: domains, mailboxes, own networks.  Rows hold canonical text."""

from django.db import models


class Domain(models.Model):
    """A local domain: `example.com` exactly, or `.example.com` with all below (K-1, K-11)."""

    name = models.CharField(max_length=254, unique=True)
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
    """An own network: mail from there counts as outgoing."""

    cidr = models.CharField("network", max_length=50, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("cidr",)

    def __str__(self) -> str:
        return self.cidr
