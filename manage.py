#!/usr/bin/env python3
"""Runs one of the appliance's commands; `manage.py help` lists them."""

import os
import sys

from django.core.management import ManagementUtility
from django.core.management.base import BaseCommand


class Commands(ManagementUtility):
    """Django's, but for the exit code of a command that there is not: 2, usage."""

    def fetch_command(self, subcommand: str) -> BaseCommand:
        try:
            return super().fetch_command(subcommand)
        except SystemExit:
            sys.exit(2)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "appliance.settings")
    Commands(sys.argv).execute()


if __name__ == "__main__":
    main()
