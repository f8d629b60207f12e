"""What a stack needs in its database before it serves: tables, and at the first start a beginning.

The beginning is the local domain example.com and one administrator.  A database that already has
people in it (DATABASE_URL) is left as it is.
"""

import json
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.stack.environment import CHECKOUT, StackError

_EMAIL = "admin@example.com"
_DOMAIN = "example.com"


@dataclass(frozen=True, slots=True)
class Administrator:
    """The first administrator; the password is told once and stored nowhere in the clear."""

    email: str
    password: str


def prepare(var: Path, environ: Mapping[str, str]) -> Administrator | None:
    """Bring the tables up to date; return the administrator if this start has made one."""
    manage(environ, "migrate", "--noinput", "--skip-checks", "--verbosity", "0")
    done = var / "seeded"
    if done.exists():
        return None
    administrator = None
    if not json.loads(manage(environ, "users", "list", "--json")):
        if _DOMAIN not in manage(environ, "domains", "list", "--json"):
            manage(environ, "domains", "add", _DOMAIN)
        administrator = Administrator(_EMAIL, secrets.token_urlsafe(12))
        manage(
            environ, "users", "add", _EMAIL, "--role", "administrator", "--password-stdin",
            given=administrator.password + "\n",
        )  # fmt: skip
    done.touch()
    return administrator


def manage(environ: Mapping[str, str], *arguments: str, given: str = "") -> str:
    """Run a command of the appliance; return what it printed.  Raises StackError if it fails."""
    done = attempt(environ, arguments, given=given)
    if done.returncode != 0:
        raise StackError(
            f"manage {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}".strip()
        )
    return done.stdout


def attempt(
    environ: Mapping[str, str], arguments: Sequence[str], *, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command of the appliance that may fail."""
    return subprocess.run(
        [sys.executable, str(CHECKOUT / "manage.py"), *arguments],
        env=dict(environ),
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
