"""The app that holds the commands; it makes the Celery application known wherever Django runs."""

from importlib import import_module

from django.apps import AppConfig


class ApplianceConfig(AppConfig):
    name = "appliance"
    verbose_name = "Postern"

    def ready(self) -> None:
        import_module("appliance.celery")  # shared tasks attach to the application made last
