"""How a message came to us, and which direction profiles apply (E-5, amavisd's policy banks)."""

from smtpfilter.mail.envelope import Client
from smtpfilter.policy.layers import Origin, PolicyBook
from smtpfilter.policy.networks import find_network


def origin_of(book: PolicyBook, client: Client, port: int) -> Origin:
    """Return the origin of mail from `client` that came in by the listening `port`.

    Profiles apply in the order port, network, login; each goes before the earlier ones.
    """
    network = find_network(book.networks, client.address)
    names = [profile.name for profile in book.profiles.values() if port in profile.ports]
    if network and network.profile in book.profiles:
        names.append(network.profile)
    if client.authenticated:
        names += [profile.name for profile in book.profiles.values() if profile.authenticated]
    own = network is not None and network.profile not in book.profiles
    originating = own or client.authenticated
    originating = originating or any(book.profiles[name].originating for name in names)
    return Origin(originating, client.authenticated, tuple(dict.fromkeys(names)))
