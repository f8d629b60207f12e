"""Install settings: the stack's choices are found, the environment wins, https is strict."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ASKED = """
import json
from django.conf import settings
print(json.dumps([settings.DATABASES["default"]["HOST"] or settings.DATABASES["default"]["OPTIONS"]
      .get("host"), settings.APPLIANCE_HOSTNAME, settings.SECRET_KEY, settings.ALLOWED_HOSTS]))
"""


def python(checkout: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FILTER_", "WEB_", "APPLIANCE_"))
        and name not in ("DATABASE_URL", "SECRET_KEY", "POSTERN_VAR")
    }
    ours = {"DJANGO_SETTINGS_MODULE": "appliance.settings", "PYTHONPATH": str(checkout)}
    return subprocess.run(
        [sys.executable, *arguments],
        env=inherited | ours | environ,
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_command_in_another_terminal_finds_the_stack_and_the_environment_wins(
    checkout: Path, tmp_path: Path
) -> None:
    (tmp_path / "postern.env").write_text(
        "DATABASE_URL='postgres://postern@/postern?host=/srv/a%20b/postgres'\n"
        "APPLIANCE_HOSTNAME=stack.example\n"
        "SECRET_KEY='from#the stack'\n"
        "WEB_PUBLIC_URL=http://[::1]:8080\n",
        encoding="utf-8",
    )

    done = python(
        checkout, "-c", ASKED, POSTERN_VAR=str(tmp_path), APPLIANCE_HOSTNAME="given.example"
    )

    assert done.returncode == 0, done.stderr
    host, name, key, allowed = json.loads(done.stdout)
    assert (host, name, key) == ("/srv/a b/postgres", "given.example", "from#the stack")
    assert "given.example" in allowed


def test_a_secret_may_come_from_a_file(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n", encoding="utf-8")

    done = python(
        checkout, "-c", ASKED, POSTERN_VAR=str(tmp_path), SECRET_KEY_FILE=str(tmp_path / "key")
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[2] == "from a file"


@pytest.mark.parametrize("url", ["https://postern.example", "https://postern.example:8443/"])
def test_the_deployment_check_has_nothing_to_say_about_https(
    checkout: Path, tmp_path: Path, url: str
) -> None:
    done = python(
        checkout,
        "manage.py",
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        POSTERN_VAR=str(tmp_path),
        SECRET_KEY="0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ",
        WEB_PUBLIC_URL=url,
    )

    assert done.returncode == 0, done.stderr
