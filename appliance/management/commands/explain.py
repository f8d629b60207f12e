"""`manage.py explain RECIPIENT`: what would happen to a message, and why."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from appliance.errors import Refused
from appliance.management.command import NO_DATABASE, REFUSED, USAGE
from appliance.policies.explain import Explanation, address, explain, supposed
from appliance.wiring import judge_file
from smtpfilter.config import FilterConfig
from smtpfilter.errors import FilterError, PolicyUnavailable


class Command(BaseCommand):
    help = (
        "Say what would happen to a message for RECIPIENT, why, and where each setting comes from."
    )
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("recipient", metavar="RECIPIENT")
        parser.add_argument(
            "--sender", default="", help="envelope sender (default: the null sender)"
        )
        parser.add_argument(
            "--message", metavar="FILE", help="look into this message with the engines"
        )
        parser.add_argument("--score", type=float, help="suppose this score")
        parser.add_argument(
            "--virus", metavar="NAME", action="append", default=[], help="suppose this virus"
        )
        parser.add_argument(
            "--banned", metavar="NAME", action="append", default=[], help="suppose this file"
        )
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        supposes = options["score"] is not None or options["virus"] or options["banned"]
        if options["message"] and supposes:
            self._fail(
                "--message looks into a real message: leave out --score, --virus and --banned",
                USAGE,
                options,
            )
        try:
            explanation = self._explain(options)
        except Refused as error:
            self._fail(str(error), REFUSED, options)
        except OSError as error:
            self._fail(f"cannot read {options['message']}: {error.strerror}", REFUSED, options)
        except (PolicyUnavailable, DatabaseError) as error:
            self._fail(f"no database: {error}", NO_DATABASE, options)
        except FilterError as error:
            self._fail(f"cannot look into the message: {error.detail}", REFUSED, options)
        document = explanation.to_json()
        if options["json"]:
            self.stdout.write(json.dumps(document, indent=2))
            return
        self.stdout.write(f"{document['destiny']}, as {document['category']}")
        for reason in document["reasons"]:
            self.stdout.write(f"  {reason}")
        for name, setting in document["settings"].items():
            self.stdout.write(f"  {name} = {setting['value']}  ({setting['origin']})")

    def _explain(self, options: dict[str, Any]) -> Explanation:
        recipient, sender = options["recipient"], options["sender"]
        if not options["message"]:
            findings = supposed(
                score=options["score"], viruses=options["virus"], banned=options["banned"]
            )
            return explain(recipient=recipient, sender=sender, findings=findings)
        octets = Path(options["message"]).read_bytes()
        config = FilterConfig.from_environment()
        return Explanation(judge_file(octets, address(recipient), address(sender), config))

    def _fail(self, message: str, code: int, options: dict[str, Any]) -> None:
        line = " ".join(message.split())
        if options["json"]:
            line = json.dumps({"error": line})
            self.stdout.write(line)
        self.stderr.write(line)
        sys.exit(code)
