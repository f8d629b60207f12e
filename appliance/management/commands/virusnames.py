"""`manage.py virusnames`: which names of viruses are worth points, and which stay viruses (V-4)."""

from argparse import Namespace
from typing import Any

from appliance.engines import virus_names
from appliance.engines.virus_names import Rules
from appliance.errors import Refused
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, table
from smtpfilter.policy.site import NamePoints


class Command(SubjectCommand):
    help = (
        "Names of viruses that are worth points: the first pattern that matches counts; without a"
        " list of the site the shipped one does."
    )

    def subcommands(self, add: Add) -> None:
        add("list", self.list_rules, "the rules in force, in their order")
        parser = add("add", self.add, "add a rule; the site's list begins with the shipped one")
        parser.add_argument("pattern", metavar="PATTERN", help="a regular expression")
        parser.add_argument("points", metavar="POINTS", help="a number, or virus: it stays a virus")
        parser.add_argument("--comment", metavar="TEXT", default="")
        parser.add_argument("--place", metavar="N", type=int, help="1 is first; else it is last")
        add("remove", self.remove, "remove a rule").add_argument("place", metavar="N", type=int)
        parser = add("move", self.move, "move a rule to another place")
        parser.add_argument("place", metavar="N", type=int)
        parser.add_argument("target", metavar="TO", type=int)
        add("reset", self.reset, "use the shipped list again")
        add("try", self.try_out, "say which rule decides").add_argument("name", metavar="NAME")

    def list_rules(self, options: Namespace) -> Answer:
        return _answer(virus_names.rules_in_force())

    def add(self, options: Namespace) -> Answer:
        points = virus_names.parse_points(options.points)
        rule = NamePoints(options.pattern, points, options.comment)
        return _answer(virus_names.add_rule(rule=rule, place=options.place, actor=ACTOR))

    def remove(self, options: Namespace) -> Answer:
        return _answer(virus_names.remove_rule(place=options.place, actor=ACTOR))

    def move(self, options: Namespace) -> Answer:
        moved = virus_names.move_rule(place=options.place, target=options.target, actor=ACTOR)
        return _answer(moved)

    def reset(self, options: Namespace) -> Answer:
        virus_names.reset_rules(actor=ACTOR)
        return _answer(virus_names.rules_in_force())

    def try_out(self, options: Namespace) -> Answer:
        name = options.name.strip()
        if not name:
            raise Refused("write the name of a virus")
        place, rule = virus_names.deciding(virus_names.rules_in_force(), name)
        document: dict[str, Any]
        if rule is None:
            document = {"rule": None, "points": None, "virus": True}
            return Answer(document, ["stays a virus: no rule matches"])
        document = {"rule": place, "points": rule.points, "virus": rule.points is None}
        said = f"{_worth(rule)}, by rule {place} ({rule.comment or rule.pattern})"
        return Answer(document, [said])


def _answer(rules: Rules) -> Answer:
    lines = [
        (number, _worth(rule), rule.comment, rule.pattern)
        for number, rule in enumerate(rules, start=1)
    ]
    return Answer([virus_names.as_json(rule) for rule in rules], table(lines) if lines else [])


def _worth(rule: NamePoints) -> str:
    return "stays a virus" if rule.points is None else f"{rule.points:g} points"
