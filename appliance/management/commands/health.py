"""`manage.py health [--report FILE]`: does every part work; exit code 1 if one does not."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from appliance.management.command import REFUSED
from appliance.status.health import Probe, probe_all, report


class Command(BaseCommand):
    help = "Ask every part of the appliance whether it works, and say what is wrong."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer in JSON")
        parser.add_argument("--report", metavar="FILE", help="write a text for a support request")

    def handle(self, *args: Any, **options: Any) -> None:
        probes = probe_all()
        ok = all(probe.ok for probe in probes.values())
        if options["report"]:
            self._write(options["report"], probes)
        if options["json"]:
            parts = {name: asdict(probe) for name, probe in probes.items()}
            self.stdout.write(json.dumps({"ok": ok, "parts": parts}, indent=2))
        else:
            for name, probe in probes.items():
                self.stdout.write(f"{'ok ' if probe.ok else 'BAD'}  {name}: {probe.detail}")
        sys.exit(0 if ok else REFUSED)

    def _write(self, file: str, probes: dict[str, Probe]) -> None:
        try:
            Path(file).write_text(report(probes), encoding="utf-8")
        except OSError as error:
            self.stderr.write(f"cannot write {file}: {error.strerror}")
            sys.exit(REFUSED)
