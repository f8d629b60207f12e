"""In which of the site's networks is a client?  (K-10)"""

import ipaddress
from collections.abc import Iterable

from smtpfilter.policy.layers import Network

_Net = ipaddress.IPv4Network | ipaddress.IPv6Network


def find_network(networks: Iterable[Network], address: str | None) -> Network | None:
    """Return the smallest of `networks` in which `address` lies, None where that is excepted ("!")
    or there is none.

    An IPv4-mapped IPv6 address counts as IPv4, and an IPv6 zone must be equal where the network
    names one.  What is no address, or no network, matches nothing.
    """
    if not address:
        return None
    try:
        host = ipaddress.ip_address(address.removeprefix("IPv6:").removeprefix("IPV6:"))
    except ValueError:
        return None
    host = getattr(host, "ipv4_mapped", None) or host
    found = [
        (net.prefixlen, network.cidr.startswith("!"), network)
        for network in networks
        if (net := _net(network.cidr)) and host in net
    ]
    _, excepted, network = max(found, key=lambda hit: hit[:2], default=(0, True, None))
    return None if excepted else network


def _net(cidr: str) -> _Net | None:
    try:
        return ipaddress.ip_network(cidr.removeprefix("!"), strict=False)
    except ValueError:
        return None
