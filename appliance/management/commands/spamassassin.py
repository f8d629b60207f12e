"""`manage.py spamassassin`: which configuration each node runs, and a site's own file read."""

from argparse import Namespace
from pathlib import Path

from django.utils import timezone

from appliance.engines.agent import ENGINE
from appliance.engines.models import Rendering
from appliance.engines.nodes import forget_node, silence
from appliance.engines.sitefile import read
from appliance.errors import Refused
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand
from appliance.status.edit import set_settings


class Command(SubjectCommand):
    help = "SpamAssassin's configuration, which each node's agent writes from the settings."

    def subcommands(self, add: Add) -> None:
        add("status", self.status, "the configuration that each node runs, or why not")
        parser = add("forget", self.forget, "forget a node that is no more")
        parser.add_argument("node", metavar="NODE")
        parser = add("read", self.read, "take over the settings of a local.cf, old names as well")
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--plan", action="store_true", help="only tell what would be set")

    def status(self, options: Namespace) -> Answer:
        rows = list(Rendering.objects.filter(engine=ENGINE))
        return Answer(
            [_document(row) for row in rows],
            [line for row in rows for line in _lines(row)] or ["no agent has reported"],
        )

    def forget(self, options: Namespace) -> Answer:
        forget_node(node=options.node, actor=ACTOR)
        return Answer({"node": options.node}, [f"{options.node} is forgotten"])

    def read(self, options: Namespace) -> Answer:
        try:
            found = read(options.file.read_text(encoding="utf-8", errors="replace"))
        except OSError as error:
            raise Refused(f"cannot read {options.file}: {error.strerror}") from None
        if found.settings and not options.plan:
            set_settings(values=found.settings, actor=ACTOR)
        done = "would set" if options.plan else "set"
        return Answer(
            found.as_json(),
            [
                *(f"{done} {name} to {value}" for name, value in found.settings.items()),
                *(f"{old} is called {new} now" for old, new in found.renamed.items()),
                *(f"not taken over: {line}" for line in found.left),
            ],
        )


def _document(row: Rendering) -> dict[str, object]:
    return {
        "node": row.node,
        "ok": row.ok,
        "digest": row.digest,
        "detail": row.detail,
        "missing": row.missing,
        "applied_at": row.applied_at,
        "seen_at": row.seen_at,
    }


def _lines(row: Rendering) -> list[str]:
    state = silence(row, timezone.now()) or (f"runs with {row.digest}" if row.ok else row.detail)
    return [
        f"{row.node}: {state}",
        *(f"{row.node}: {name} {lacks}" for name, lacks in row.missing.items()),
    ]
