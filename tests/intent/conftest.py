"""What the tests of the intent storey share: a fast password hasher, commands in this process."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from django.core.management import load_command_class

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def fast_hasher(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def run(db: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `manage.py NAME ARGUMENTS...` in the test's transaction."""

    def run_command(name: str, *arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr("sys.stdin", StringIO(stdin))
        capsys.readouterr()
        code = 0
        try:
            command = load_command_class("appliance", name)
            command._called_from_command_line = True
            parser = command.create_parser("manage.py", name)
            command.execute(**vars(parser.parse_args(arguments)))
        except SystemExit as error:
            code = int(error.code or 0)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run_command
