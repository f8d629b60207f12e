"""What a stack needs in its database before it serves: tables, and at the first start a beginning.

The beginning is the local domain example.com and one administrator.  A database that already has
people in it (DATABASE_URL) is left as it is.
"""

import json
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.stack.environment import CHECKOUT, StackError, write_private

_EMAIL = "admin@example.com"
_DOMAIN = "example.com"
_WAITING = "administrator"  # the file where the password waits
_LAST_LINES = 8  # of what a failed command said
_SEEDED = "seeded"  # the mark that it was told


@dataclass(frozen=True, slots=True)
class Administrator:
    """The first administrator, whose password is told once.

    Until then it waits in a file that only the owner can read, so that a first start that was cut
    short does not make an administrator whose password nobody knows.
    """

    email: str
    password: str

    def told(self, var: Path) -> None:
        """Forget the password, and never make an administrator again."""
        (var / _SEEDED).touch()
        (var / _WAITING).unlink()


def prepare(var: Path, environ: Mapping[str, str]) -> Administrator | None:
    """Bring the tables up to date; return the first administrator if nobody was told of it yet."""
    manage(environ, "migrate", "--noinput", "--skip-checks", "--verbosity", "0")
    if (var / _SEEDED).exists():
        return None
    waiting = var / _WAITING
    if not json.loads(manage(environ, "users", "list", "--json")):
        write_private(waiting, secrets.token_urlsafe(12) + "\n")
        if not json.loads(manage(environ, "domains", "list", "--json")):
            manage(environ, "domains", "add", _DOMAIN)
        manage(
            environ,
            *("users", "add", _EMAIL, "--role", "administrator"),
            *("--password-stdin", "--must-change"),
            given=waiting.read_text(encoding="ascii"),
        )
    if not waiting.exists():
        return None
    return Administrator(_EMAIL, waiting.read_text(encoding="ascii").strip())


def manage(environ: Mapping[str, str], *arguments: str, given: str = "") -> str:
    """Run a command of the appliance; return what it printed.  Raises StackError if it fails."""
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "manage.py"), *arguments],
        env=dict(environ),
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = "\n".join(done.stderr.strip().splitlines()[-_LAST_LINES:])
        raise StackError(f"manage {' '.join(arguments)} failed:\n{last}")
    return done.stdout
