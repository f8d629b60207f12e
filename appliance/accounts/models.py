"""Accounts with one role each, and what belongs to them: domains or mailboxes.

A role says what a person may do, memberships say where; access.py joins the two.
"""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from appliance.domains.models import Domain, Mailbox


class Role(models.TextChoices):
    ADMINISTRATOR = "administrator", "administrator"
    MANAGER = "manager", "domain manager"
    HELPDESK = "helpdesk", "helpdesk"
    AUDITOR = "auditor", "auditor"
    OWNER = "owner", "mailbox owner"


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the account of this e-mail address, in whatever case it was typed."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A person who logs in by e-mail address."""

    email = models.EmailField("e-mail address", max_length=254, unique=True)  # in lower case
    role = models.CharField(max_length=20, choices=Role.choices)
    is_active = models.BooleanField("may log in", default=True)
    must_change_password = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    domains: Any = models.ManyToManyField(Domain, through="DomainMembership", related_name="users")
    mailboxes: Any = models.ManyToManyField(
        Mailbox, through="MailboxMembership", related_name="users"
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["role"]

    class Meta:
        ordering = ("email",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="email_in_lower_case"
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="known_role"),
        )

    def __str__(self) -> str:
        return self.email


class DomainMembership(models.Model):
    """A manager or helpdesk works for this domain; with all below, if its name has a dot first."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="domain_memberships")
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "domain"], name="one_membership_per_domain"),
        )

    def __str__(self) -> str:
        return f"{self.user} for {self.domain}"


class MailboxMembership(models.Model):
    """A person looks after this mailbox: it is the own one, or it is delegated."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="mailbox_memberships")
    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "mailbox"], name="one_membership_per_mailbox"),
        )

    def __str__(self) -> str:
        return f"{self.user} owns {self.mailbox}"
