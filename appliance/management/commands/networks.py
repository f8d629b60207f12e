"""`manage.py networks`: own networks, whose mail counts as outgoing."""

from argparse import Namespace

from appliance.domains.edit import add_network, remove_network
from appliance.domains.models import Network
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand


class Command(SubjectCommand):
    help = "Own networks: mail from there counts as outgoing."

    def subcommands(self, add: Add) -> None:
        add("list", self.list_networks, "all own networks")
        add("add", self.add, "add a network").add_argument("cidr", metavar="CIDR")
        add("remove", self.remove, "remove a network").add_argument("cidr", metavar="CIDR")

    def list_networks(self, options: Namespace) -> Answer:
        networks = [network.cidr for network in Network.objects.all()]
        return Answer([{"cidr": cidr} for cidr in networks], networks)

    def add(self, options: Namespace) -> Answer:
        network = add_network(cidr=options.cidr, actor=ACTOR)
        return Answer({"cidr": network.cidr}, [f"added {network.cidr}"])

    def remove(self, options: Namespace) -> Answer:
        remove_network(cidr=options.cidr, actor=ACTOR)
        return Answer({}, ["removed"])
