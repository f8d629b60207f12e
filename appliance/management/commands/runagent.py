"""`manage.py runagent`: keep SpamAssassin's configuration on this machine as the settings say."""

import logging
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from appliance.engines.agent import LOOK_SECONDS, Agent
from appliance.engines.machine import Machine
from appliance.engines.spamassassin import Database, Place, Unwritable
from smtpfilter import log
from smtpfilter.config import ConfigError, FilterConfig

_log = logging.getLogger("postern.agent")


class Command(BaseCommand):
    help = "Bring the settings of SpamAssassin into force on this machine, whenever they change."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            agent = make_agent()
        except (ConfigError, Unwritable) as error:
            self.stderr.write(str(error))
            sys.exit(2)
        while True:
            close_old_connections()
            try:
                agent.step()
            except (DatabaseError, OSError):
                _log.exception("tried again soon")
            time.sleep(LOOK_SECONDS)


def make_agent() -> Agent:
    """Return the agent of this machine.  Raises ConfigError, Unwritable."""
    config = FilterConfig.from_environment()
    log.configure(config.log_format)
    folder = Path(settings.AGENT_SPAMASSASSIN_FOLDER)
    if not settings.AGENT_SPAMASSASSIN_FOLDER or not folder.is_dir():
        raise ConfigError("AGENT_SPAMASSASSIN_FOLDER: name the folder of SpamAssassin's *.cf files")
    if config.spamd is None:
        raise ConfigError("FILTER_SPAMD is not set: there is no spamd to configure")
    machine = Machine(
        folder=folder,
        spamd=config.spamd,
        pid_file=Path(settings.AGENT_SPAMD_PID_FILE),
        reload_command=tuple(shlex.split(settings.AGENT_SPAMD_RELOAD)),
    )
    database = Database.from_url(settings.AGENT_SPAMASSASSIN_DATABASE_URL)
    return Agent(machine, Place(database, dns=config.dns), config.hostname)
