"""`manage.py banrules`: the sets of ban rules that banned_rulenames names."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from appliance.errors import Refused
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, table
from appliance.policies import banrules
from appliance.policies.models import BanRuleSet
from smtpfilter.policy.ban_sets import BUILT_IN


class Command(SubjectCommand):
    help = (
        "See and change sets of ban rules; a site's set stands before a built-in one of its name."
    )

    def subcommands(self, add: Add) -> None:
        add("list", self.list_sets, "all sets, with their numbers of rules")
        add("show", self.show, "the rules of a set, in their order").add_argument("name")
        parser = add("set", self.set, "make a set of the site, or replace it")
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "patterns", metavar="PATTERN", nargs="*", help="a regular expression; !PATTERN excepts"
        )
        parser.add_argument(
            "--file", metavar="FILE", help="a JSON list of {pattern, banned, comment}"
        )
        add("remove", self.remove, "remove a set of the site").add_argument("name", metavar="NAME")

    def list_sets(self, options: Namespace) -> Answer:
        own = {found.name: len(found.rules) for found in BanRuleSet.objects.all()}
        sets = [
            {"name": name, "rules": own.get(name, 0), "built_in": len(BUILT_IN.get(name, ()))}
            for name in sorted(own.keys() | BUILT_IN.keys())
        ]
        rows = [(s["name"], f"{s['rules']} of the site", f"{s['built_in']} built in") for s in sets]
        return Answer(sets, table(rows))

    def show(self, options: Namespace) -> Answer:
        found = BanRuleSet.objects.filter(name=options.name).first()
        built_in = BUILT_IN.get(options.name, ())
        if found is None and not built_in:
            raise Refused(f"there is no set {options.name!r}")
        rules = [*(found.rules if found else ()), *map(_as_json, built_in)]
        return Answer({"name": options.name, "rules": rules}, _told(rules))

    def set(self, options: Namespace) -> Answer:
        rules: Any = [banrules.parse_pattern(text) for text in options.patterns]
        if options.file:
            rules = _read(options.file)
        found = banrules.set_rules(name=options.name, rules=rules, actor=ACTOR)
        return Answer({"name": found.name, "rules": found.rules}, _told(found.rules))

    def remove(self, options: Namespace) -> Answer:
        banrules.remove_rules(name=options.name, actor=ACTOR)
        return Answer({}, ["removed"])


def _as_json(rule: Any) -> dict[str, Any]:
    return {"pattern": rule.pattern, "banned": rule.banned, "comment": rule.comment}


def _told(rules: list[dict[str, Any]]) -> list[str]:
    return table(
        [
            ("banned" if rule["banned"] else "except", rule["comment"], rule["pattern"])
            for rule in rules
        ]
    )


def _read(file: str) -> object:
    try:
        return json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        raise Refused(f"{file} is no JSON: {error}") from None
