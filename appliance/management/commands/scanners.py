"""`manage.py scanners`: the engines of this machine, how they are used, and whether they find what
they must.
"""

from argparse import Namespace
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from appliance.engines.edit import roles, set_role
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, table
from appliance.wiring import spam_scanners
from smtpfilter.config import FilterConfig
from smtpfilter.ports import ScannerFailed
from smtpfilter.scan.entries import read_entries
from smtpfilter.scan.selftest import SelfTest

PATIENCE_SECONDS = 10.0


class Command(SubjectCommand):
    help = "Virus and spam scanners; each is asked to find the harmless sample made for it."

    def subcommands(self, add: Add) -> None:
        add("list", self.list_scanners, "all scanners, with addresses, roles and answers")
        role = add("role", self.set_role, "use a virus scanner as primary, as backup, or not")
        role.add_argument("name")
        role.add_argument("role", help="primary, backup or off")

    def list_scanners(self, options: Namespace) -> Answer:
        rows = [*_rows(FilterConfig.from_environment())]
        shown = ("name", "kind", "protocol", "role", "address", "detail")
        lines = table([[row[key] for key in shown] for row in rows])
        return Answer(rows, lines if rows else ["no scanner is configured"])

    def set_role(self, options: Namespace) -> Answer:
        entries = read_entries(FilterConfig.from_environment())
        row = set_role(
            name=options.name,
            role=options.role,
            entries={entry.name: entry.role for entry in entries},
            actor=ACTOR,
        )
        return Answer({"name": row.name, "role": row.role}, [f"{row.name} is {row.role} now"])


def _rows(config: FilterConfig) -> Iterator[dict[str, Any]]:
    in_force, self_test = roles(), SelfTest(config.spool_dir)
    for entry in read_entries(config):
        yield {
            "name": entry.name,
            "kind": "virus",
            "protocol": entry.protocol,
            "role": in_force.get(entry.name, entry.role),
            "address": entry.address,
            **_said(partial(self_test.run, entry.scanner, PATIENCE_SECONDS)),
        }
    for scanner in spam_scanners(config):
        yield {
            "name": scanner.name,
            "kind": "spam",
            "protocol": scanner.name,
            "role": "",
            "address": str(scanner.endpoint),
            **_said(scanner.self_test),
        }


def _said(self_test: Callable[[], None]) -> dict[str, Any]:
    try:
        self_test()
    except (ScannerFailed, OSError) as error:
        return {"ok": False, "detail": f"fails: {error}"}
    return {"ok": True, "detail": "works"}
