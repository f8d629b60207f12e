"""`manage.py revisions`: the recorded changes of what the filter obeys, and taking one back."""

from argparse import Namespace
from typing import Any

from appliance.errors import Unknown
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, table
from appliance.policies.change_words import deed, differences, subject
from appliance.policies.models import PolicyChange
from appliance.policies.revert import take_back


class Command(SubjectCommand):
    help = "See who changed what, and take a change back."

    def subcommands(self, add: Add) -> None:
        parser = add("list", self.list_changes, "the newest changes")
        parser.add_argument("--key", help="only those of this key or name")
        parser.add_argument("--limit", metavar="N", type=int, default=20, help="at most N of them")
        parser = add("show", self.show, "what the change N changed")
        parser.add_argument("number", metavar="N", type=int)
        parser = add("revert", self.revert, "make what the change N changed again what it was")
        parser.add_argument("number", metavar="N", type=int)
        parser.add_argument("--why", metavar="TEXT", default="", help="kept with the change")

    def list_changes(self, options: Namespace) -> Answer:
        changes = PolicyChange.objects.all()
        if options.key is not None:
            changes = changes.filter(key=options.key)
        found = list(changes[: max(options.limit, 0)])
        rows = [(c.number, f"{c.at:%Y-%m-%d %H:%M}", c.who, _sentence(c)) for c in found]
        return Answer([_document(change) for change in found], table(rows))

    def show(self, options: Namespace) -> Answer:
        change = PolicyChange.objects.filter(pk=options.number).first()
        if change is None:
            raise Unknown(f"there is no revision {options.number}")
        lines = [f"{_sentence(change)}, by {change.who}, {change.at:%Y-%m-%d %H:%M}"]
        lines += [f"  why: {change.why}"] if change.why else []
        for one in differences(change):
            lines.append(f"  {one.label}: {'; '.join(one.before)} -> {'; '.join(one.after)}")
        return Answer(_document(change), lines)

    def revert(self, options: Namespace) -> Answer:
        take_back(number=options.number, actor=ACTOR, why=options.why)
        return Answer({}, [f"revision {options.number} is taken back"])


def _sentence(change: PolicyChange) -> str:
    return " ".join(filter(None, (subject(change), change.key, deed(change))))


def _document(change: PolicyChange) -> dict[str, Any]:
    names = ("number", "at", "who", "verb", "key", "before", "after", "why")
    return {name: getattr(change, name) for name in names}
