"""Policy as stored: layers, named policies, sender rules, ban rules, and every change of them."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import HashIndex
from django.db import models

from appliance.domains.models import PROFILE_LIMIT, SOURCE_LIMIT
from appliance.domains.names import KEY_LIMIT
from appliance.policies.columns import SettingColumns

REASON_LIMIT = 500  # characters of a reason


class NamedPolicy(SettingColumns):
    """A bundle of settings that several layers share."""

    name = models.CharField(max_length=100, unique=True)

    class Meta(SettingColumns.Meta):
        ordering = ("name",)
        verbose_name_plural = "named policies"

    def __str__(self) -> str:
        return self.name


class PolicyLayer(SettingColumns):
    """Settings at one lookup key: own fields, then the named policy's, then the next layer.

    `priority` overrides the order that follows from the key's form (P-1), for imports.
    `locked`: fields that layers below may not change.  `source`: the name of the source it was read
    from, "" for one made by hand (K-8).
    """

    key = models.CharField(max_length=KEY_LIMIT)
    source = models.CharField(max_length=SOURCE_LIMIT, default="", blank=True, db_index=True)
    policy = models.ForeignKey(
        NamedPolicy, null=True, blank=True, on_delete=models.PROTECT, related_name="layers"
    )
    priority = models.IntegerField(null=True, blank=True)
    locked = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(SettingColumns.Meta):
        ordering = ("key", "source")
        constraints = (
            *SettingColumns.Meta.constraints,
            models.UniqueConstraint(fields=["key", "source"], name="one_layer_per_key"),
        )

    def __str__(self) -> str:
        return self.key


class Profile(SettingColumns):
    """A direction profile (amavisd's policy bank): settings that go before every layer for mail
    that came a certain way (E-5); domains.Network rows name the profile of a network.

    `ports`: listening ports of the filter.  `authenticated`: for senders who logged in.
    """

    name = models.CharField(max_length=PROFILE_LIMIT, unique=True)
    originating = models.BooleanField(default=False)
    ports = ArrayField(models.PositiveIntegerField(), default=list, blank=True)
    authenticated = models.BooleanField(default=False)

    class Meta(SettingColumns.Meta):
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class SenderRule(models.Model):
    """A sender trusted, distrusted or adjusted for the recipients under `key` (W-1, W-2).

    `authenticated`: counts only where DKIM or SPF proves the sender's domain (W-8).  `hits`: mails
    for which it counted, the newest at `last_hit_at`.
    """

    class Action(models.TextChoices):
        ALLOW = "allow", "allow"
        BLOCK = "block", "block"
        SCORE = "score", "score"

    key = models.CharField(max_length=KEY_LIMIT)
    sender = models.CharField(max_length=KEY_LIMIT, db_index=True)
    action = models.CharField(max_length=5, choices=Action.choices)
    points = models.FloatField(default=0)
    expires_at = models.DateTimeField(null=True, blank=True)
    authenticated = models.BooleanField(default=False)
    source = models.CharField(max_length=SOURCE_LIMIT, default="", blank=True, db_index=True)
    hits = models.BigIntegerField(default=0, editable=False)
    last_hit_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("key", "sender")
        constraints = (
            models.UniqueConstraint(fields=["key", "sender", "source"], name="one_rule_per_sender"),
            models.CheckConstraint(
                condition=models.Q(action__in=["allow", "block", "score"]), name="known_action"
            ),
        )

    def __str__(self) -> str:
        return f"{self.sender} for {self.key}: {self.action}"


class BanRuleSet(models.Model):
    """Ordered ban rules under a name; `rules` is a list of {pattern, banned, comment, path, silent}
    (B-2), see smtpfilter.policy.layers.BanRule.
    """

    name = models.CharField(max_length=100, unique=True)
    rules = models.JSONField(default=list)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class PolicyChange(models.Model):
    """One change of what the filter obeys.  Append-only: triggers refuse UPDATE, DELETE, TRUNCATE.

    `before`, `after`: the row as JSON, null where there was or is none.  `why`: what the person
    gave as the reason, "" for nothing.
    """

    number = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(auto_now_add=True)
    who = models.CharField(max_length=254)
    verb = models.CharField(max_length=40)
    key = models.CharField(max_length=2200)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    why = models.CharField(max_length=REASON_LIMIT, default="", blank=True)

    class Meta:
        ordering = ("-number",)
        indexes = (HashIndex(fields=["key"], name="changes_by_key"),)

    def __str__(self) -> str:
        return f"{self.number}: {self.who}: {self.verb} {self.key}"
