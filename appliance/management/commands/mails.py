"""mails list|show: what happened to every message."""

from argparse import Namespace

from django.db.models import Q

from appliance.errors import Refused
from appliance.management.command import Add, Answer, SubjectCommand, table
from appliance.management.mail_arguments import add_filters, filters_of
from quarantine.documents import full_mail_document, mail_document
from quarantine.models import MailRecord
from quarantine.search import Filters, find_mails
from smtpfilter.mail.findings import visible


class Command(SubjectCommand):
    help = "Show what happened to messages, newest first."

    def subcommands(self, add: Add) -> None:
        listing = add("list", self.list, "list messages")
        add_filters(listing)
        listing.add_argument(
            "--full", action="store_true", help="with --json: all that is known of each"
        )
        add("show", self.show, "show one message").add_argument("mail_id", metavar="MAIL_ID")

    def list(self, options: Namespace) -> Answer:
        mails = find_mails(Q(), filters_of(options), limit=options.limit).rows
        lines = [line for mail in mails for line in _lines(mail)]
        document = full_mail_document if options.full else mail_document
        return Answer([document(mail) for mail in mails], lines)

    def show(self, options: Namespace) -> Answer:
        mails = find_mails(Q(), Filters(mail_id=options.mail_id), limit=1).rows
        if not mails:
            raise Refused(f"There is no message {options.mail_id}.")
        return Answer(full_mail_document(mails[0]), _story(mails[0]))


def _lines(mail: MailRecord) -> list[str]:
    """Return one line for the message and one for each recipient."""
    head = (
        f"{mail.mail_id}  {mail.received_at:%Y-%m-%d %H:%M:%S}  <{mail.mail_from}>  {mail.subject}"
    )
    rows = [
        ["", row.address, row.category, row.outcome, row.state or "", row.reply]
        for row in mail.recipients.all()
    ]
    return [_one_line(line) for line in (head, *table(rows))]


def _story(mail: MailRecord) -> list[str]:
    lines = _lines(mail)
    for row in mail.recipients.all():
        lines += [f"Why, for {row.address}:", *(f"    - {reason}" for reason in row.reasons)]
    return [_one_line(line) for line in lines]


def _one_line(text: str) -> str:
    return " ".join(visible(text).splitlines())
