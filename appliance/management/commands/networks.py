"""`manage.py networks`: own networks, whose mail counts as outgoing, and their profiles."""

from argparse import Namespace

from appliance.domains.documents import network_document
from appliance.domains.edit import add_network, remove_network
from appliance.domains.models import Network
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand


class Command(SubjectCommand):
    help = (
        "Own networks: mail from there counts as outgoing, or is filtered as a direction profile"
        " says; !CIDR excepts a network from a wider one."
    )

    def subcommands(self, add: Add) -> None:
        add("list", self.list_networks, "all networks")
        parser = add("add", self.add, "add a network, or change its profile")
        parser.add_argument("cidr", metavar="CIDR")
        parser.add_argument(
            "--profile", metavar="NAME", default="", help="the direction profile of mail from there"
        )
        add("remove", self.remove, "remove a network").add_argument("cidr", metavar="CIDR")

    def list_networks(self, options: Namespace) -> Answer:
        networks = list(Network.objects.all())
        return Answer(list(map(network_document, networks)), list(map(_line, networks)))

    def add(self, options: Namespace) -> Answer:
        network = add_network(cidr=options.cidr, profile=options.profile, actor=ACTOR)
        return Answer(network_document(network), [f"added {_line(network)}"])

    def remove(self, options: Namespace) -> Answer:
        remove_network(cidr=options.cidr, actor=ACTOR)
        return Answer({}, ["removed"])


def _line(network: Network) -> str:
    return f"{network.cidr} (profile {network.profile})" if network.profile else network.cidr
