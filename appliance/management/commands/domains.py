"""`manage.py domains`: the local domains, whose mail is filtered as incoming."""

from argparse import Namespace

from appliance.domains.documents import domain_document
from appliance.domains.edit import add_domain, remove_domain
from appliance.domains.models import Domain
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand


class Command(SubjectCommand):
    help = "Local domains: example.com, or .example.com with all its sub-domains."

    def subcommands(self, add: Add) -> None:
        add("list", self.list_domains, "all local domains")
        add("add", self.add, "add a local domain").add_argument("name", metavar="NAME")
        add("remove", self.remove, "remove a local domain").add_argument("name", metavar="NAME")

    def list_domains(self, options: Namespace) -> Answer:
        domains = list(Domain.objects.all())
        return Answer(list(map(domain_document, domains)), list(map(_line, domains)))

    def add(self, options: Namespace) -> Answer:
        domain = add_domain(name=options.name, actor=ACTOR)
        return Answer({"name": domain.name}, [f"added {domain.name}"])

    def remove(self, options: Namespace) -> Answer:
        remove_domain(name=options.name, actor=ACTOR)
        return Answer({}, ["removed"])


def _line(domain: Domain) -> str:
    return f"{domain.name}, read from {domain.source}" if domain.source else domain.name
