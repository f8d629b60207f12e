"""A real spamd of a test's own, configured as in a fresh private stack, on the test's database.

The stack's spamd, which other tests use at the same time, is left alone.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from appliance.engines.agent import Agent
from appliance.engines.machine import Machine
from appliance.engines.spamassassin import Database, Place
from appliance.stack import process
from appliance.stack.environment import Environment, make_folders
from appliance.stack.identity import stack_folder
from appliance.stack.private import spamd as private
from smtpfilter.config import Endpoint
from smtpfilter.scan.spamd import Spamd

PATIENCE = 60.0  # seconds, on a busy machine


@dataclass(frozen=True, slots=True)
class RenderedSpamd:
    """`folder`: of its configuration.  `endpoint`: where it listens."""

    folder: Path
    endpoint: Endpoint
    place: Place
    pid_file: Path

    def agent(self) -> Agent:
        return Agent(Machine(self.folder, self.endpoint, self.pid_file), self.place, "node1")

    def client(self, user: str = "postern") -> Spamd:
        return Spamd(self.endpoint, PATIENCE, user)

    def run(self, *command: str) -> str:
        """Return what a program of SpamAssassin says that reads the same configuration."""
        done = subprocess.run(
            [*command, f"--siteconfigpath={self.folder}", "--prefspath=/dev/null"],
            env={**os.environ, "HOME": str(self.folder)},
            capture_output=True,
            check=True,
        )
        return done.stdout.decode()


@contextmanager
def rendered_spamd(dns: Endpoint | None = None) -> Iterator[RenderedSpamd]:
    """Start one that keeps Bayes in the test's database and asks `dns`; to be used in a test or
    fixture that may use the database.
    """
    var = Path(tempfile.mkdtemp(prefix="postern-"))  # short: a socket's path has 107 octets
    make_folders(var)
    at = connection.settings_dict
    host = os.path.realpath(at["HOST"] or at["OPTIONS"]["host"])
    settings = {"DATABASE_URL": f"postgres://{at['USER']}@/{at['NAME']}?host={quote(host)}"}
    settings |= {"FILTER_DNS": str(dns)} if dns else {}
    stack = Environment(var, var / "run", settings, frozenset({"spamd"}), None)
    child = private.start(stack, os.environ)
    try:
        process.wait_ready(child, lambda: private.ready(stack))
        known = private.agent_settings(stack)
        yield RenderedSpamd(
            folder=Path(known["AGENT_SPAMASSASSIN_FOLDER"]),
            endpoint=Endpoint(path=str(var / "run" / "spamd.sock")),
            place=Place(Database.from_url(known["AGENT_SPAMASSASSIN_DATABASE_URL"]), dns=dns),
            pid_file=Path(known["AGENT_SPAMD_PID_FILE"]),
        )
    finally:
        child.stop()
        for folder in (var, stack_folder(var)):
            shutil.rmtree(folder, ignore_errors=True)
