"""Domains, mailboxes and networks as JSON documents, for commands and API alike."""

from appliance.domains.models import Domain, Mailbox, Network


def domain_document(domain: Domain) -> dict[str, str]:
    """Return the domain; the source that it was read from stands there where there is one."""
    return {"name": domain.name} | ({"source": domain.source} if domain.source else {})


def mailbox_document(mailbox: Mailbox) -> dict[str, str | list[str]]:
    """Return the mailbox with the accounts that own it."""
    owners = sorted(user.email for user in mailbox.users.all())
    return {"address": mailbox.address, "owners": owners}


def network_document(network: Network) -> dict[str, str]:
    return {"cidr": network.cidr, "profile": network.profile}
