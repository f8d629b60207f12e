"""`manage.py policy`: see and change the settings stored at lookup keys."""

import json
import sys
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

from appliance.domains.names import printed_key
from appliance.errors import Refused
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, adder, table
from appliance.management.settings_arguments import assignment, setting_lines
from appliance.policies import edit, layers, named, transfer
from appliance.policies.fields import field_documents
from appliance.policies.inherit import inherited
from appliance.policies.levels import contradiction
from appliance.policies.models import NamedPolicy, PolicyLayer


class Command(SubjectCommand):
    help = "See and change policy: settings at lookup keys such as @. or user@example.com."

    def subcommands(self, add: Add) -> None:
        add("list", self.list_layers, "all layers")
        add("fields", self.fields, "the settings that there are, with their built-in defaults")
        add("show", self.show, "what is set at KEY").add_argument("key", metavar="KEY")
        _add_set(add("set", self.set, "set fields at KEY; the layer is made if missing"), "key")
        _add_fields(add("unset", self.unset, "inherit fields at KEY again"), "key")
        _add_fields(add("lock", self.lock, "fix fields at KEY for all layers below"), "key")
        _add_fields(add("unlock", self.unlock, "let layers below KEY change fields again"), "key")
        parser = add("use", self.use, "let KEY share the settings of a named policy")
        parser.add_argument("key", metavar="KEY")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("name", metavar="NAME", nargs="?")
        which.add_argument("--none", action="store_true", help="of none any more")
        parser = add("priority", self.priority, "override the order that follows from KEY's form")
        parser.add_argument("key", metavar="KEY")
        parser.add_argument("priority", metavar="N|none", type=_priority)
        parser = add("named", self.named_list, "settings under a name, for several layers")
        self.named_subcommands(adder(parser))
        add("export", self.export, "everything that is configured at run time, as JSON")
        parser = add("import", self.import_file, "make the configuration what FILE says")
        parser.add_argument(
            "file", metavar="FILE", help="as written by export; - for standard input"
        )
        parser.add_argument("--plan", action="store_true", help="only tell what would change")

    def named_subcommands(self, add: Add) -> None:
        add("list", self.named_list, "all named policies")
        add("show", self.named_show, "what NAME sets").add_argument("name", metavar="NAME")
        _add_set(add("set", self.named_set, "set fields of NAME, made if missing"), "name")
        _add_fields(add("unset", self.named_unset, "inherit fields of NAME again"), "name")
        parser = add("remove", self.named_remove, "remove NAME, if no layer uses it")
        parser.add_argument("name", metavar="NAME")

    def list_layers(self, options: Namespace) -> Answer:
        shown = [edit.as_json(layer) for layer in PolicyLayer.objects.select_related("policy")]
        return Answer(shown, [line for layer in shown if layer for line in _told(layer)])

    def fields(self, options: Namespace) -> Answer:
        rows = field_documents()
        return Answer(rows, table([(r["field"], r["kind"], r["default"], r["help"]) for r in rows]))

    def show(self, options: Namespace) -> Answer:
        answer = _shown(options.key, edit.find_layer(options.key))
        read = [edit.as_json(layer) or {} for layer in edit.read_layers(options.key)]
        if not read:
            return answer
        lines = [line for layer in read for line in _told(layer)]
        return Answer({**answer.document, "read": read}, [*answer.lines, *lines])

    def set(self, options: Namespace) -> Answer:
        values = dict(map(assignment, options.assignments))
        layer = edit.set_fields(key=options.key, values=values, actor=ACTOR, in_order=False)
        complaint = contradiction(layer, values, inherited(layer.key))
        if complaint and not options.json:
            self.stderr.write(f"note: {complaint}")
        return _shown(options.key, layer)

    def unset(self, options: Namespace) -> Answer:
        layer = edit.unset_fields(key=options.key, fields=options.fields, actor=ACTOR)
        return _shown(options.key, layer)

    def lock(self, options: Namespace) -> Answer:
        layer = layers.lock_fields(key=options.key, fields=options.fields, actor=ACTOR)
        return _shown(options.key, layer)

    def unlock(self, options: Namespace) -> Answer:
        layer = layers.unlock_fields(key=options.key, fields=options.fields, actor=ACTOR)
        return _shown(options.key, layer)

    def use(self, options: Namespace) -> Answer:
        layer = layers.use_policy(key=options.key, name=options.name, actor=ACTOR)
        return _shown(options.key, layer)

    def priority(self, options: Namespace) -> Answer:
        layer = layers.set_priority(key=options.key, priority=options.priority, actor=ACTOR)
        return _shown(options.key, layer)

    def named_list(self, options: Namespace) -> Answer:
        shown = [named.as_json(policy) or {} for policy in NamedPolicy.objects.all()]
        return Answer(shown, [line for policy in shown for line in _named_lines(policy)])

    def named_show(self, options: Namespace) -> Answer:
        return _named_shown(edit.find_named(options.name))

    def named_set(self, options: Namespace) -> Answer:
        values = dict(map(assignment, options.assignments))
        return _named_shown(named.change_named(name=options.name, values=values, actor=ACTOR))

    def named_unset(self, options: Namespace) -> Answer:
        name = edit.find_named(options.name).name
        values = dict.fromkeys(options.fields)
        return _named_shown(named.change_named(name=name, values=values, actor=ACTOR))

    def named_remove(self, options: Namespace) -> Answer:
        named.remove_named(name=options.name, actor=ACTOR)
        return Answer({}, ["removed"])

    def export(self, options: Namespace) -> Answer:
        document = transfer.export_rows()
        return Answer(document, [json.dumps(document, indent=2)])

    def import_file(self, options: Namespace) -> Answer:
        document = _read(options.file)
        changes = transfer.import_rows(document=document, actor=ACTOR, plan_only=options.plan)
        return Answer({"changes": changes}, changes or ["no change"])


def _add_set(parser: Any, what: str) -> None:
    parser.add_argument(what, metavar=what.upper())
    parser.add_argument("assignments", metavar="FIELD=VALUE", nargs="+")


def _add_fields(parser: Any, what: str) -> None:
    parser.add_argument(what, metavar=what.upper())
    parser.add_argument("fields", metavar="FIELD", nargs="+")


def _priority(text: str) -> int | None:
    """Return the number, None for "none".  For argparse."""
    try:
        return None if text == "none" else int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no priority: write a whole number, or none") from None


def _shown(key: str, layer: PolicyLayer | None) -> Answer:
    document = edit.as_json(layer or PolicyLayer(key=printed_key(key))) or {}
    return Answer(document, _told(document))


def _told(layer: dict[str, Any]) -> list[str]:
    """Return the layer in the words that `set` takes."""
    lines = [f"{layer['key']}, read from {layer['source']}" if "source" in layer else layer["key"]]
    if "policy" in layer:
        lines.append(f"  policy {layer['policy']}")
    if "priority" in layer:
        lines.append(f"  priority {layer['priority']}")
    lines += setting_lines(layer["settings"])
    lines += [f"  {name} is locked for the layers below" for name in layer["locked"]]
    return lines


def _named_shown(policy: NamedPolicy) -> Answer:
    document = named.as_json(policy) or {}
    return Answer(document, _named_lines(document))


def _named_lines(policy: dict[str, Any]) -> list[str]:
    return [policy["name"], *setting_lines(policy["settings"])]


def _read(file: str) -> object:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        raise Refused(f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        raise Refused(f"{file} is no JSON: {error}") from None
