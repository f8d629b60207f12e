"""What every command of the appliance has: --json, one line for an error, exit codes, subcommands.

0  done
1  refused: one line on standard error; with --json {"error": ...}, on standard output too
2  usage: a word that is none, an unknown field
3  no database
"""

import json
import os
import sys
from abc import abstractmethod
from argparse import SUPPRESS, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError, ProgrammingError
from psycopg2.errors import UndefinedColumn, UndefinedTable

from appliance.errors import Already, Refused, Unknown
from smtpfilter.config import ConfigError
from smtpfilter.errors import PolicyUnavailable

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


class AnswerCommand(BaseCommand):
    """A command that answers; subclasses define arguments() and answer()."""

    requires_system_checks: tuple[str, ...] = ()

    @abstractmethod
    def arguments(self, parser: CommandParser) -> None:
        """Add the command's arguments, but for --json."""

    @abstractmethod
    def answer(self, options: Namespace) -> Answer:
        """Do it.  Raises Refused (exit 1), Unknown (exit 2) and errors of the database (exit 3)."""

    def add_arguments(self, parser: CommandParser) -> None:
        _add_json(parser, default=False)
        self.arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        answer = self._answer(Namespace(**options))
        try:
            self._print(answer, as_json=options["json"])
        except BrokenPipeError:  # whoever reads, such as head, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if answer.code:
            sys.exit(answer.code)

    def _print(self, answer: Answer, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(answer.document, default=_json_default, indent=2))
        else:
            for line in answer.lines:
                self.stdout.write(line)
        self.stdout.flush()

    def _answer(self, options: Namespace) -> Answer:
        try:
            return self.answer(options)
        except Already as error:
            return Answer({"already": str(error)}, [str(error)])
        except (Unknown, ConfigError) as error:
            self._fail(str(error), USAGE, options.json)
        except Refused as error:
            self._fail(str(error), REFUSED, options.json)
        except PolicyUnavailable as error:
            self._fail(f"no database: {error.detail}", NO_DATABASE, options.json)
        except (OperationalError, InterfaceError) as error:
            self._fail(f"no database: {error}", NO_DATABASE, options.json)
        except ProgrammingError as error:
            if not isinstance(error.__cause__, UndefinedTable | UndefinedColumn):
                raise
            self._fail(f"no tables in the database: {error}", NO_DATABASE, options.json)

    def _fail(self, message: str, code: int, as_json: bool) -> NoReturn:
        line = (message.strip().splitlines() or ["failed"])[0]
        if as_json:
            line = json.dumps({"error": line})
            self.stdout.write(line)
        self.stderr.write(line)
        sys.exit(code)


class SubjectCommand(AnswerCommand):
    """A command on one subject; subclasses name their subcommands."""

    @abstractmethod
    def subcommands(self, add: Add) -> None:
        """Call `add(name, run, help)` for each subcommand and give arguments to what it returns."""

    def arguments(self, parser: CommandParser) -> None:
        self.subcommands(adder(parser))

    def answer(self, options: Namespace) -> Answer:
        run: Run = options.run
        return run(options)


def adder(parser: CommandParser) -> Add:
    """Return what adds subcommands to `parser`; one of them must be given."""
    parsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")

    def add(name: str, run: Run, help_text: str) -> CommandParser:
        subparser: CommandParser = parsers.add_parser(name, help=help_text, description=help_text)
        _add_json(subparser, default=SUPPRESS)
        subparser.set_defaults(run=run)
        return subparser

    return add


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
