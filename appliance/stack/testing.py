"""`./postern test`: pytest beside a private Postgres, Redis, clamd and spamd of its own.

They live in a temporary folder, on unix sockets, and are gone afterwards; a stack that runs at the
same time is not touched.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from appliance.stack import environment as env
from appliance.stack.environment import CHECKOUT
from appliance.stack.identity import stack_folder
from appliance.stack.launcher import Stopped, ignore_signals, obey_signals
from appliance.stack.stack import Stack

_OTHERS = ("DATABASE_URL", "CELERY_BROKER_URL", "SECRET_KEY", "WEB_LISTEN", "WEB_PUBLIC_URL")


def test(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run pytest with `arguments`; return its exit status, or 130 after Ctrl-C."""
    obey_signals()
    var = Path(tempfile.mkdtemp(prefix="postern-test."))
    own = {
        name: value
        for name, value in environ.items()
        if name not in _OTHERS and not name.startswith("FILTER_")
    }
    environment = env.choose(own | {"POSTERN_VAR": str(var), "DEMO_MAILBOX": "no"}, free_ports=True)
    stack = Stack(environment, environment.exported(own))
    try:
        stack.start_engines(shared=False)
        stack.start_postgres(durable=False)
        stack.wait()
        return _pytest(arguments, stack.environ)
    except Stopped:
        return 130
    finally:
        ignore_signals()
        stack.stop()
        for folder in (var, stack_folder(var)):
            shutil.rmtree(folder, ignore_errors=True)


def _pytest(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    command = ["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", "pytest", "-n", "2"]
    settings = {**environ, "DJANGO_SETTINGS_MODULE": "appliance.settings"}
    with subprocess.Popen([*command, *arguments], cwd=CHECKOUT, env=settings) as pytest:
        try:
            return pytest.wait()
        except Stopped:
            pytest.terminate()
            raise


def with_settings(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a Python module with settings that name nothing real: a tool that only reads the code."""
    settings = {
        "SECRET_KEY": "only to read the code",
        "DATABASE_URL": "postgres://nobody@/nothing?host=/nowhere",
        "CELERY_BROKER_URL": "redis+socket:///nowhere",
    }
    os.chdir(CHECKOUT)
    os.execve(sys.executable, [sys.executable, "-m", *command], {**environ, **settings})  # noqa: S606 - no shell
