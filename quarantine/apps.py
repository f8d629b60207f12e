"""The Django app of the evidence storey."""

from django.apps import AppConfig


class QuarantineConfig(AppConfig):
    name = "quarantine"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Mail and quarantine"
