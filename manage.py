#!/usr/bin/env python3
"""Runs one of the appliance's commands; `manage.py help` lists them."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "appliance.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
