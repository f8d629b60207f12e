"""quarantine list|show|release|delete: held copies, one for each recipient."""

from argparse import Namespace

from django.core.management.base import CommandParser
from django.db.models import Q

from appliance.accounts.models import Role, User
from appliance.errors import Refused
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, table
from appliance.management.mail_arguments import add_filters, filters_of
from quarantine.bin import delete_held
from quarantine.documents import full_held_document, held_document, release_document
from quarantine.models import HeldState, RecipientRecord
from quarantine.nexthop import notify_relay
from quarantine.release import release_now
from quarantine.search import find_copy, find_recipients
from smtpfilter.mail.findings import visible


class Command(SubjectCommand):
    help = "List, show, release and delete held mail."

    def subcommands(self, add: Add) -> None:
        add_filters(add("list", self.list, "list held copies, newest first"))
        _one(add("show", self.show, "show one held copy"))
        _one(add("release", self.release, "deliver a held copy and wait for the next hop's answer"))
        _one(add("delete", self.delete, "put a held copy into the bin"))

    def list(self, options: Namespace) -> Answer:
        rows = find_recipients(Q(), filters_of(options), limit=options.limit, held=True).rows
        return Answer([held_document(row) for row in rows], table([_cells(row) for row in rows]))

    def show(self, options: Namespace) -> Answer:
        row = _find(options)
        why = [f"    - {' '.join(visible(reason).split())}" for reason in row.reasons]
        return Answer(full_held_document(row), [*table([_cells(row)]), *why])

    def release(self, options: Namespace) -> Answer:
        row = release_now(recipient_id=_find(options).pk, actor=_actor(), relay=notify_relay())
        return _answer(row, 0 if row.state == HeldState.RELEASED else 1)

    def delete(self, options: Namespace) -> Answer:
        delete_held(recipient_id=_find(options).pk, actor=_actor())
        return _answer(_find(options), 0)


def _one(parser: CommandParser) -> None:
    parser.add_argument("mail_id", metavar="MAIL_ID")
    parser.add_argument("--recipient", required=True, metavar="ADDRESS")


def _find(options: Namespace) -> RecipientRecord:
    row = find_copy(Q(), options.mail_id, options.recipient)
    if row is None:
        raise Refused(f"No copy of {options.mail_id} is kept for {options.recipient}.")
    return row


def _actor() -> User:
    """Return whom a command on the machine itself acts as: it may do everything."""
    return User(email=ACTOR, role=Role.ADMINISTRATOR)


def _answer(row: RecipientRecord, code: int) -> Answer:
    document = release_document(row)
    line = " ".join(f"{row.address}: {row.state} {document['reply']}".split())
    return Answer(document, [line], code)


def _cells(row: RecipientRecord) -> list[str]:
    mail = row.mail
    cells = [mail.mail_id, f"{mail.received_at:%Y-%m-%d %H:%M}", row.address, row.category]
    cells += [row.state or "", f"<{mail.mail_from}>", mail.subject]
    return [" ".join(visible(cell).split()) for cell in cells]
