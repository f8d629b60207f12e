"""`manage.py scanners`: the engines that are configured, and whether they find what they must."""

from argparse import Namespace
from typing import Any

from appliance.management.command import Add, Answer, SubjectCommand, table
from appliance.wiring import spam_scanners, virus_scanners
from smtpfilter.config import FilterConfig
from smtpfilter.ports import ScannerFailed


class Command(SubjectCommand):
    help = "Virus and spam scanners; each is asked to find the harmless sample made for it."

    def subcommands(self, add: Add) -> None:
        add("list", self.list_scanners, "all scanners, with addresses and answers")

    def list_scanners(self, options: Namespace) -> Answer:
        config = FilterConfig.from_environment()
        asked: list[tuple[str, Any, object]] = [
            *(("virus", scanner, config.clamd) for scanner in virus_scanners(config)),
            *(("spam", scanner, config.spamd) for scanner in spam_scanners(config)),
        ]
        rows = [
            {"name": scanner.name, "kind": kind, "address": str(address), **_ask(scanner)}
            for kind, scanner, address in asked
        ]
        told = [(r["name"], r["kind"], r["address"], r["detail"]) for r in rows]
        return Answer(rows, table(told) if rows else ["no scanner is configured"])


def _ask(scanner: Any) -> dict[str, Any]:
    try:
        scanner.self_test()
    except (ScannerFailed, OSError) as error:
        return {"ok": False, "detail": f"fails: {error}"}
    return {"ok": True, "detail": "works"}
