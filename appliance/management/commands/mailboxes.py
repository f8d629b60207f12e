"""`manage.py mailboxes`: the mailboxes that people may own."""

from argparse import Namespace

from appliance.domains.documents import mailbox_document
from appliance.domains.edit import add_mailbox, remove_mailbox
from appliance.domains.models import Mailbox
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand


class Command(SubjectCommand):
    help = "Mailboxes that people may own; mail is filtered whether its mailbox stands here or not."

    def subcommands(self, add: Add) -> None:
        add("list", self.list_mailboxes, "all mailboxes")
        add("add", self.add, "add a mailbox").add_argument("address", metavar="ADDRESS")
        add("remove", self.remove, "remove a mailbox").add_argument("address", metavar="ADDRESS")

    def list_mailboxes(self, options: Namespace) -> Answer:
        mailboxes = list(Mailbox.objects.prefetch_related("users"))
        document = list(map(mailbox_document, mailboxes))
        return Answer(document, [mailbox.address for mailbox in mailboxes])

    def add(self, options: Namespace) -> Answer:
        mailbox = add_mailbox(address=options.address, actor=ACTOR)
        return Answer({"address": mailbox.address}, [f"added {mailbox.address}"])

    def remove(self, options: Namespace) -> Answer:
        remove_mailbox(address=options.address, actor=ACTOR)
        return Answer({}, ["removed"])
