"""`manage.py policy`: see and change the settings stored at lookup keys."""

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from appliance.domains.names import printed_key
from appliance.errors import Refused, Unknown
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, table
from appliance.policies import edit, sections, transfer
from appliance.policies.models import PolicyLayer
from smtpfilter.policy.settings import DEFAULTS, FIELDS, field_group, field_help, format_value


class Command(SubjectCommand):
    help = "See and change policy: settings at lookup keys such as @. or user@example.com."

    def subcommands(self, add: Add) -> None:
        add("list", self.list_layers, "all layers")
        add("fields", self.fields, "the settings that there are, with their built-in defaults")
        add("show", self.show, "what is set at KEY").add_argument("key", metavar="KEY")
        parser = add("set", self.set, "set fields at KEY; the layer is made if missing")
        parser.add_argument("key", metavar="KEY")
        parser.add_argument("assignments", metavar="FIELD=VALUE", nargs="+")
        parser = add("unset", self.unset, "inherit fields at KEY again")
        parser.add_argument("key", metavar="KEY")
        parser.add_argument("fields", metavar="FIELD", nargs="+")
        add("export", self.export, "everything that is configured at run time, as JSON")
        parser = add("import", self.import_file, "make the configuration what FILE says")
        parser.add_argument(
            "file", metavar="FILE", help="as written by export; - for standard input"
        )
        parser.add_argument("--plan", action="store_true", help="only tell what would change")

    def list_layers(self, options: Namespace) -> Answer:
        layers = [edit.as_json(layer) for layer in PolicyLayer.objects.select_related("policy")]
        return Answer(layers, [line for layer in layers if layer for line in _told(layer)])

    def fields(self, options: Namespace) -> Answer:
        rows = [
            {
                "field": name,
                "kind": kind,
                "group": field_group(name),
                "default": format_value(getattr(DEFAULTS, name)),
                "help": field_help(name),
            }
            for name, kind in FIELDS.items()
        ]
        return Answer(rows, table([(r["field"], r["kind"], r["default"], r["help"]) for r in rows]))

    def show(self, options: Namespace) -> Answer:
        layer = edit.find_layer(options.key) or PolicyLayer(key=printed_key(options.key))
        return _shown(layer)

    def set(self, options: Namespace) -> Answer:
        values = dict(map(_assignment, options.assignments))
        layer = edit.set_fields(key=options.key, values=values, actor=ACTOR, in_order=False)
        complaint = edit.contradiction(layer, values)
        if complaint and not options.json:
            self.stderr.write(f"note: {complaint}")
        return _shown(layer)

    def unset(self, options: Namespace) -> Answer:
        layer = edit.unset_fields(key=options.key, fields=options.fields, actor=ACTOR)
        return _shown(layer or PolicyLayer(key=printed_key(options.key)))

    def export(self, options: Namespace) -> Answer:
        document = transfer.export_rows()
        return Answer(document, [json.dumps(document, indent=2)])

    def import_file(self, options: Namespace) -> Answer:
        document = _read(options.file)
        changes = transfer.import_rows(document=document, actor=ACTOR, plan_only=options.plan)
        return Answer({"changes": changes}, changes or ["no change"])


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Unknown(f"{text!r} is no setting: write FIELD=VALUE")
    return name, value


def _shown(layer: PolicyLayer) -> Answer:
    document = edit.as_json(layer) or {}
    return Answer(document, _told(document))


def _told(layer: dict[str, Any]) -> list[str]:
    """Return the layer in the words that `set` takes."""
    lines = [layer["key"]]
    if "policy" in layer:
        lines.append(f"  policy {layer['policy']}")
    lines += [f"  {name}={sections.as_text(value)}" for name, value in layer["settings"].items()]
    lines += [f"  {name} is locked for the layers below" for name in layer["locked"]]
    return lines


def _read(file: str) -> object:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        raise Refused(f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        raise Refused(f"{file} is no JSON: {error}") from None
