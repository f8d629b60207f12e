"""`manage.py notices`: the words of notices to senders, administrators and recipients."""

import sys
from argparse import Namespace
from pathlib import Path

from django.core.management.base import CommandParser

from appliance.errors import Refused
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, table
from appliance.notices import edit
from appliance.notices.models import NoticeTemplate
from appliance.notices.shipped import ENGLISH, KINDS, languages, parse
from smtpfilter.verdict.texts import Template


class Command(SubjectCommand):
    help = "See and change the words of notices; a text is its subject, an empty line, its body."

    def subcommands(self, add: Add) -> None:
        add("list", self.list_kinds, "all kinds of notices, and whose words they have")
        _about_one(add("show", self.show, "the text of KIND, as set takes it"))
        parser = _about_one(add("set", self.set, "make the text in FILE the one of KIND"))
        parser.add_argument("--file", metavar="FILE", required=True, help="- for standard input")
        _about_one(add("reset", self.reset, "use the shipped text of KIND again"))
        parser = _about_one(add("preview", self.preview, "what KIND says about a made-up mail"))
        parser.add_argument("--file", metavar="FILE", help="a text that is not stored yet")

    def list_kinds(self, options: Namespace) -> Answer:
        own: dict[str, list[str]] = {}
        for row in NoticeTemplate.objects.all():
            own.setdefault(row.kind, []).append(row.language)
        kinds = [
            {"kind": kind, "when": when, "shipped": list(languages()), "own": own.get(kind, [])}
            for kind, when in KINDS.items()
        ]
        rows = [(k["kind"], ", ".join(k["own"]) or "as shipped", k["when"]) for k in kinds]
        return Answer(kinds, table(rows))

    def show(self, options: Namespace) -> Answer:
        template, own = edit.words(options.kind, options.language)
        return _answer(options, template, own=own)

    def set(self, options: Namespace) -> Answer:
        row = edit.set_words(
            kind=options.kind,
            language=options.language,
            template=parse(_read(options.file)),
            actor=ACTOR,
        )
        return _answer(options, Template(row.subject, row.body), own=True)

    def reset(self, options: Namespace) -> Answer:
        edit.reset_words(kind=options.kind, language=options.language, actor=ACTOR)
        return Answer({}, ["as shipped"])

    def preview(self, options: Namespace) -> Answer:
        kind = edit.parse_kind(options.kind)
        template = (
            edit.parse_text(_read(options.file))
            if options.file
            else edit.words(kind, options.language)[0]
        )
        text = edit.preview(kind, template)
        document = {"subject": text.subject, "body": text.body}
        return Answer(document, [f"Subject: {text.subject}", "", *text.body.splitlines()])


def _about_one(parser: CommandParser) -> CommandParser:
    parser.add_argument("kind", metavar="KIND")
    parser.add_argument("--language", metavar="TAG", default=ENGLISH, help="en, de, ...")
    return parser


def _answer(options: Namespace, template: Template, *, own: bool) -> Answer:
    document = {
        "kind": options.kind,
        "language": options.language.lower(),
        "own": own,
        "subject": template.subject,
        "body": template.body,
    }
    return Answer(document, [template.subject, "", *template.body.splitlines()])


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(f"cannot read {file}: {error.strerror}") from None
    except ValueError:
        raise Refused(f"{file} is no text in UTF-8") from None
