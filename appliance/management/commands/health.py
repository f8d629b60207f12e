"""`manage.py health [--report FILE]`: does every part work; exit code 1 if one does not."""

from argparse import Namespace
from pathlib import Path

from django.core.management.base import CommandParser

from appliance.errors import Refused
from appliance.management.command import REFUSED, Answer, AnswerCommand
from appliance.status.health import probe_all, report


class Command(AnswerCommand):
    help = "Ask every part of the appliance whether it works, and say what is wrong."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--report", metavar="FILE", help="write a text for a support request")

    def answer(self, options: Namespace) -> Answer:
        probes = probe_all()
        ok = all(probe.ok for probe in probes.values())
        if options.report:
            _write(options.report, report(probes))
        parts = {name: {"ok": one.ok, "detail": one.detail} for name, one in probes.items()}
        lines = [f"{probe.word}  {name}: {probe.detail}" for name, probe in probes.items()]
        return Answer({"ok": ok, "parts": parts}, lines, code=0 if ok else REFUSED)


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"cannot write {file}: {error.strerror}") from None
