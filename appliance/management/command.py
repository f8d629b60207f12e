"""What every command of the appliance has: subcommands, --json, one line for an error, exit codes.

0  done
1  refused: one line on standard error; with --json {"error": ...}, on standard output too
2  usage: a word that is none, an unknown field
3  no database
"""

import json
import sys
from argparse import SUPPRESS, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError, ProgrammingError

from appliance.errors import Refused, Unknown
from smtpfilter.config import ConfigError

ACTOR = "command line"  # who made a change, in the record

REFUSED, USAGE, NO_DATABASE = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What a subcommand says: `document` as JSON, `lines` to people; `code` is its exit code."""

    document: Any
    lines: Sequence[str]
    code: int = 0


Run = Callable[[Namespace], Answer]
Add = Callable[..., CommandParser]


class SubjectCommand(BaseCommand):
    """A command on one subject; subclasses name their subcommands."""

    requires_system_checks: tuple[str, ...] = ()

    def subcommands(self, add: Add) -> None:
        """Call `add(name, run, help)` for each subcommand and give arguments to what it returns."""
        raise TypeError(f"{type(self).__name__} names no subcommands")

    def add_arguments(self, parser: CommandParser) -> None:
        _add_json(parser, default=False)
        parsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")

        def add(name: str, run: Run, help_text: str) -> CommandParser:
            subparser: CommandParser = parsers.add_parser(
                name, help=help_text, description=help_text
            )
            _add_json(subparser, default=SUPPRESS)
            subparser.set_defaults(run=run)
            return subparser

        self.subcommands(add)

    def handle(self, *args: Any, run: Run, **options: Any) -> None:
        as_json = options["json"]
        answer = self._answer(run, Namespace(**options), as_json)
        if as_json:
            self.stdout.write(json.dumps(answer.document, default=_json_default, indent=2))
        else:
            for line in answer.lines:
                self.stdout.write(line)
        if answer.code:
            sys.exit(answer.code)

    def _answer(self, run: Run, options: Namespace, as_json: bool) -> Answer:
        try:
            return run(options)
        except (Unknown, ConfigError) as error:
            self._fail(str(error), USAGE, as_json)
        except Refused as error:
            self._fail(str(error), REFUSED, as_json)
        except (OperationalError, InterfaceError) as error:
            self._fail(f"no database: {_first_line(error)}", NO_DATABASE, as_json)
        except ProgrammingError as error:
            self._fail(f"no tables in the database: {_first_line(error)}", NO_DATABASE, as_json)

    def _fail(self, message: str, code: int, as_json: bool) -> NoReturn:
        line = " ".join(message.split())
        if as_json:
            line = json.dumps({"error": line})
            self.stdout.write(line)
        self.stderr.write(line)
        sys.exit(code)


def table(rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the rows as lines with aligned columns."""
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in texts
    ]


def _add_json(parser: CommandParser, default: object) -> None:
    parser.add_argument("--json", action="store_true", default=default, help="answer in JSON")


def _json_default(value: object) -> str:
    """Return a time in UTC with Z."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
