"""`manage.py banrules`: the sets of ban rules that banned_rulenames names."""

import json
from argparse import Namespace
from collections.abc import Sequence
from os.path import isfile
from pathlib import Path
from typing import Any

from appliance.errors import Refused, Unknown
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, table
from appliance.policies import banrules, trying
from appliance.policies.explain import address


class Command(SubjectCommand):
    help = (
        "See, change and try sets of ban rules; a site's set takes the place of a built-in one of"
        " its name."
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
            "--file", metavar="FILE", help="a JSON list of {pattern, banned, comment, path, silent}"
        )
        parser = add("remove", self.remove, "remove a set of the site; a built-in one is back")
        parser.add_argument("name", metavar="NAME")
        parser = add("try", self.try_out, "say which rule would decide about a sample")
        parser.add_argument(
            "names", metavar="NAME", nargs="*", help="a file name, or a type such as .exe"
        )
        parser.add_argument("--file", metavar="FILE", help="a file, or a message (.eml)")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--set", metavar="NAMES", help="these sets, by comma, in order")
        which.add_argument("--recipient", metavar="ADDRESS", help="the sets of this recipient")

    def list_sets(self, options: Namespace) -> Answer:
        sets = banrules.all_sets()
        document = [banrules.summary(found) for found in sets]
        return Answer(document, table([(s.name, f"{len(s.rules)} rules", _kind(s)) for s in sets]))

    def show(self, options: Namespace) -> Answer:
        found = banrules.find_set(options.name)
        if found is None:
            raise Refused(f"there is no set {options.name!r}")
        return Answer({"name": found.name, "rules": found.rules}, _told(found.rules))

    def set(self, options: Namespace) -> Answer:
        if options.file and options.patterns:
            raise Unknown("give patterns, or a file with --file FILE")
        rules = _read(options.file) if options.file else _rules(options.patterns)
        found = banrules.set_rules(name=options.name, rules=rules, actor=ACTOR)
        return Answer({"name": found.name, "rules": found.rules}, _told(found.rules))

    def remove(self, options: Namespace) -> Answer:
        banrules.remove_rules(name=options.name, actor=ACTOR)
        return Answer({}, ["removed"])

    def try_out(self, options: Namespace) -> Answer:
        if bool(options.names) == bool(options.file):
            raise Unknown("try names, or a file with --file FILE")
        if options.set is not None:
            sets = trying.sets_named(options.set)
        else:
            sets = trying.sets_of(address(options.recipient or ""))
        remarks: list[str] = []
        if options.file:
            name = Path(options.file).name
            tried, unchecked = trying.try_file(sets, _octets(options.file), name)
            remarks = [item.text for item in unchecked]
        else:
            tried = trying.try_names(sets, options.names)
        document = {"parts": [part.to_json() for part in tried], "unchecked": remarks}
        lines = [line for part in tried for line in _decided(part)]
        return Answer(document, [*lines, *(f"not looked into: {text}" for text in remarks)])


def _kind(found: banrules.RuleSet) -> str:
    if not found.own:
        return "as shipped"
    return "changed here" if found.shipped else "of the site"


def _told(rules: banrules.Rules) -> list[str]:
    return table(
        [
            (number, *_words(rule), rule["comment"], rule["pattern"])
            for number, rule in enumerate(rules, start=1)
        ]
    )


def _words(rule: dict[str, Any]) -> tuple[str, str]:
    flags = " ".join(name for name in ("path", "silent") if rule.get(name))
    return "banned" if rule["banned"] else "except", flags


def _decided(part: trying.Tried) -> list[str]:
    if part.rule is None:
        return [f"passes  {part.path}  (no rule matches)"]
    what = "banned" if part.banned else "passes"
    return [
        f"{what}  {part.path}",
        f"        by rule {part.number} of {part.set_name}"
        f" ({part.rule.comment or part.rule.pattern})",
    ]


def _rules(patterns: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rules of these patterns.  Raises Unknown for the name of a file that is there: as
    a pattern it would replace the set by a rule that bans next to nothing.
    """
    for text in patterns:
        if text.endswith(".json") and isfile(text):  # noqa: PTH113 - a pattern may be too long for a name
            raise Unknown(f"{text} is a file: give it as --file {text}")
    return [banrules.parse_pattern(text) for text in patterns]


def _octets(file: str) -> bytes:
    try:
        with Path(file).open("rb") as opened:
            return opened.read(trying.MOST_BYTES + 1)
    except OSError as error:
        raise Refused(f"cannot read {file}: {error.strerror}") from None


def _read(file: str) -> object:
    try:
        return json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        raise Refused(f"{file} is no JSON: {error}") from None
