"""How a message came to us, and which direction profiles apply (E-5, amavisd's policy banks)."""

from smtpfilter.mail.envelope import Client
from smtpfilter.policy.layers import Origin, PolicyBook
from smtpfilter.policy.networks import find_network


def origin_of(book: PolicyBook, client: Client, port: int) -> Origin:
    """Return the origin of mail from `client` that came in by the listening `port`.

    Profiles apply in the order port, network, login, those of one kind by name; each goes before
    the earlier ones, and counts once, in its strongest place.
    """
    profiles = [book.profiles[name] for name in sorted(book.profiles)]
    network = find_network(book.networks, client.address)
    applied = [profile for profile in profiles if port in profile.ports]
    if network and network.profile in book.profiles:
        applied.append(book.profiles[network.profile])
    if client.authenticated:
        applied += [profile for profile in profiles if profile.authenticated]
    own = network is not None and network.profile not in book.profiles
    originating = own or client.authenticated or any(profile.originating for profile in applied)
    names = dict.fromkeys(profile.name for profile in reversed(applied))
    return Origin(originating, client.authenticated, tuple(names)[::-1])
