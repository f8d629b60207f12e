"""Tokens by which programs act for a person.  The token itself is shown once and stored nowhere."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from appliance.accounts.models import User

NAME_LIMIT = 100  # characters


class ApiToken(models.Model):
    """`digest`: SHA-256 of the token, in hexadecimal digits.  `scopes`: see scopes.py."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=NAME_LIMIT)
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=40))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("user__email", "name")
        constraints = (models.UniqueConstraint(fields=["user", "name"], name="one_token_per_name"),)

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"
