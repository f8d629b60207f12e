"""`manage.py scanners`: the engines of this machine, how they are used, and whether they find what
they must.
"""

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from appliance.engines import scanners
from appliance.engines.edit import set_role
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, table
from smtpfilter.config import FilterConfig

_SHOWN = ("name", "kind", "protocol", "role", "address", "detail")


class Command(SubjectCommand):
    help = "Virus and spam scanners; each is asked to find the harmless sample made for it."

    def subcommands(self, add: Add) -> None:
        add("list", self.list_scanners, "all scanners, with addresses, roles and answers")
        role = add("role", self.set_role, "use a virus scanner as primary, as backup, or not")
        role.add_argument("name")
        role.add_argument("role", help="primary, backup or off")

    def list_scanners(self, options: Namespace) -> Answer:
        rows = [*_rows(FilterConfig.from_environment())]
        lines = table([[row[key] for key in _SHOWN] for row in rows])
        return Answer(rows, lines if rows else ["no scanner is configured"])

    def set_role(self, options: Namespace) -> Answer:
        entries = scanners.entry_roles(FilterConfig.from_environment())
        row = set_role(name=options.name, role=options.role, entries=entries, actor=ACTOR)
        return Answer({"name": row.name, "role": row.role}, [f"{row.name} is {row.role} now"])


def _rows(config: FilterConfig) -> Iterator[dict[str, Any]]:
    for used in scanners.virus_scanners(config):
        yield {
            "name": used.entry.name,
            "kind": "virus",
            "protocol": used.entry.protocol,
            "role": used.role,
            "address": used.entry.address,
            **_said(scanners.ask_virus_scanner(used.entry, config)),
        }
    for engine in scanners.spam_engines(config):
        yield {
            "name": engine.name,
            "kind": "spam",
            "protocol": engine.name,
            "role": "",
            "address": engine.address,
            **_said(scanners.ask_spam_engine(engine)),
        }


def _said(answer: scanners.Answer) -> dict[str, Any]:
    return {"ok": answer.ok, "detail": answer.detail if answer.ok else f"fails: {answer.detail}"}
