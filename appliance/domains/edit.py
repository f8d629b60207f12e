"""Add and remove local domains, mailboxes and own networks.  One transaction each; recorded."""

from django.db import transaction

from appliance.domains.models import Domain, Mailbox, Network
from appliance.domains.names import domain_name, mailbox_address, network_cidr
from appliance.errors import Already, Refused
from appliance.policies.models import Profile
from appliance.policies.revisions import record


@transaction.atomic
def add_domain(*, name: str, actor: str) -> Domain:
    """Make `name` a local domain, with all its sub-domains where it starts with a dot.

    Raises Already where it is one.
    """
    domain, made = Domain.objects.get_or_create(name=domain_name(name))
    if not made:
        source = f", read from {domain.source}" if domain.source else ""
        raise Already(f"{domain.name} is a local domain already{source}")
    record(who=actor, verb="domains add", key=domain.name, before=None, after={})
    return domain


@transaction.atomic
def remove_domain(*, name: str, actor: str) -> None:
    """Make `name` foreign again; layers and mailboxes in it stay.  Raises Refused."""
    name = domain_name(name)
    domain = Domain.objects.select_for_update().filter(name=name).first()
    if domain is None:
        raise Refused(f"there is no local domain {name}")
    if domain.source:
        raise Refused(f"{name} is read from {domain.source}: change it there")
    domain.delete()
    record(who=actor, verb="domains remove", key=name, before={}, after=None)


@transaction.atomic
def add_mailbox(*, address: str, actor: str) -> Mailbox:
    """Make a mailbox that somebody may own.  Raises Already where there is one."""
    address = mailbox_address(address)
    mailbox, made = Mailbox.objects.get_or_create(
        address=address, defaults={"domain": address.rpartition("@")[2]}
    )
    if not made:
        raise Already(f"there is a mailbox {address} already")
    record(who=actor, verb="mailboxes add", key=address, before=None, after={})
    return mailbox


@transaction.atomic
def remove_mailbox(*, address: str, actor: str) -> None:
    """Forget a mailbox and who owns it; its layer stays.  Raises Refused."""
    address = mailbox_address(address)
    if not Mailbox.objects.filter(address=address).delete()[0]:
        raise Refused(f"there is no mailbox {address}")
    record(who=actor, verb="mailboxes remove", key=address, before={}, after=None)


@transaction.atomic
def add_network(*, cidr: str, actor: str, profile: str = "") -> Network:
    """Count mail from the network `cidr` as outgoing, or as the direction profile says; of a known
    network the profile is changed.  Raises Refused.
    """
    cidr = network_cidr(cidr)
    if profile and cidr.startswith("!"):
        raise Refused("what is excepted from a network has no profile")
    if profile and not Profile.objects.filter(name=profile).exists():
        raise Refused(f"there is no profile {profile!r}: make it first (profiles set)")
    earlier = Network.objects.select_for_update().filter(cidr=cidr).first()
    if earlier and earlier.profile == profile:
        raise Already(f"{cidr} is an own network already")
    before = {"profile": earlier.profile} if earlier else None
    network, _ = Network.objects.update_or_create(cidr=cidr, defaults={"profile": profile})
    after = {"profile": profile}
    record(who=actor, verb="networks add", key=cidr, before=before, after=after)
    return network


@transaction.atomic
def remove_network(*, cidr: str, actor: str) -> None:
    """Raises Refused where it is no own network."""
    cidr = network_cidr(cidr)
    network = Network.objects.select_for_update().filter(cidr=cidr).first()
    if network is None:
        raise Refused(f"there is no own network {cidr}")
    network.delete()
    before = {"profile": network.profile}
    record(who=actor, verb="networks remove", key=cidr, before=before, after=None)
