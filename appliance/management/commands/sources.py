"""`manage.py sources`: directories and files that bring rows, and files that are written."""

from argparse import Namespace
from typing import Any

from django.core.management.base import CommandParser

from appliance.errors import Refused
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, table
from appliance.sources.edit import add_directory, add_file, as_json, remove_source
from appliance.sources.files import HOLDS
from appliance.sources.models import DEFAULT_FILTER, Source
from appliance.sources.read import read_source
from appliance.sources.write import WRITABLE, write_file


class Command(SubjectCommand):
    help = "Directories (LDAP) and files that say who is local, whom to trust, and what holds."

    def subcommands(self, add: Add) -> None:
        add("list", self.list_sources, "all sources, and how their last reading went")
        _file_or_directory(add("add", self.add, "read a file or a directory from now on"))
        parser = add("remove", self.remove, "forget a source and the rows that it brought")
        parser.add_argument("name", metavar="NAME")
        parser = add("read", self.read, "read a source now")
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--force", action="store_true", help="even if nothing, or little, is left"
        )
        parser = add("write", self.write, "write rows as a file for read_hash or Postfix")
        parser.add_argument("holds", metavar="WHAT", help=", ".join(WRITABLE))
        parser.add_argument("path", metavar="FILE")
        parser.add_argument("--key", default="@.", help="for whose mail senders are listed")

    def list_sources(self, options: Namespace) -> Answer:
        sources = list(Source.objects.all())
        rows = [
            (one, one.kind, one.path or one.url, f"every {one.every_minutes} min", _state(one))
            for one in sources
        ]
        return Answer([as_json(one) for one in sources], table(rows) if rows else [])

    def add(self, options: Namespace) -> Answer:
        source = add_file(**_file(options)) if options.file else add_directory(**_ldap(options))
        return Answer(as_json(source), [f"added {source}: sources read {source} tries it"])

    def remove(self, options: Namespace) -> Answer:
        remove_source(name=options.name, actor=ACTOR)
        return Answer({}, ["removed"])

    def read(self, options: Namespace) -> Answer:
        source = read_source(name=options.name, actor=ACTOR, force=options.force)
        return Answer(as_json(source), [source.last_result])

    def write(self, options: Namespace) -> Answer:
        count = write_file(holds=options.holds, path=options.path, key=options.key)
        return Answer({"path": options.path, "lines": count}, [f"wrote {count} lines"])


def _file_or_directory(parser: CommandParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--every", type=int, default=60, metavar="MINUTES", help="0: on demand")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--file", metavar="PATH", help="a file of keys, as for read_hash")
    place.add_argument("--ldap", metavar="URL", help="ldaps://HOST or ldap://HOST:PORT")
    parser.add_argument("--holds", metavar="WHAT", help=f"of a file: {', '.join(HOLDS[:4])}, FIELD")
    parser.add_argument("--key", default="@.", help="of a file: for whose mail senders are listed")
    parser.add_argument("--base", metavar="DN", help="of a directory: where it is searched")
    parser.add_argument("--filter", default=DEFAULT_FILTER, help="of a directory: which entries")
    parser.add_argument("--bind", default="", metavar="DN", help="of a directory: who asks")
    parser.add_argument("--password-file", default="", metavar="PATH", help="with --bind")
    parser.add_argument("--starttls", action="store_true", help="of a directory: encrypt ldap://")
    parser.add_argument("--ca-file", default="", metavar="PATH", help="default: the system's")


def _file(options: Namespace) -> dict[str, Any]:
    if not options.holds:
        raise Refused("say what the file holds: --holds local_domains, allow, block, score, FIELD")
    return {
        "name": options.name,
        "path": options.file,
        "holds": options.holds,
        "key": options.key,
        "every_minutes": options.every,
        "actor": ACTOR,
    }


def _ldap(options: Namespace) -> dict[str, Any]:
    return {
        "name": options.name,
        "url": options.ldap,
        "base_dn": options.base or "",
        "filter": options.filter,
        "bind_dn": options.bind,
        "password_file": options.password_file,
        "start_tls": options.starttls,
        "ca_file": options.ca_file,
        "every_minutes": options.every,
        "actor": ACTOR,
    }


def _state(source: Source) -> str:
    if source.tried_at is None:
        return "not read yet"
    return f"{'FAILED, ' if source.failed else ''}{source.last_result}"
