"""`manage.py runfilter [--debug]`: the filter daemon, SMTP and LMTP on FILTER_LISTEN."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from appliance.wiring import make_pipeline
from smtpfilter import log, supervisor
from smtpfilter.config import ConfigError, FilterConfig
from smtpfilter.scan.entries import read_entries


class Command(BaseCommand):
    help = "Run the filter daemon. --debug: in the foreground, every step of each message is told."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--debug", action="store_true", help="one process, every step of each message"
        )

    def handle(self, *args: Any, debug: bool, **options: Any) -> None:
        try:
            config = FilterConfig.from_environment()
            read_entries(config)  # what is wrong with the file is told now, in one line
        except ConfigError as error:
            self.stderr.write(str(error))
            sys.exit(2)
        log.configure(config.log_format, debug=debug)
        sys.exit(
            supervisor.run(config, lambda: make_pipeline(config, debug=debug), foreground=debug)
        )
