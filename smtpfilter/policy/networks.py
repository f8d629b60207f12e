"""Is a client in one of the site's own networks?  (K-10)"""

import ipaddress
from collections.abc import Iterable


def contains(networks: Iterable[str], address: str | None) -> bool:
    """Tell whether `address` lies in one of `networks` (CIDR).

    An IPv4-mapped IPv6 address counts as IPv4.  What is no address, or no network, matches nothing.
    """
    if not address:
        return False
    try:
        host = ipaddress.ip_address(address.removeprefix("IPv6:").removeprefix("IPV6:"))
    except ValueError:
        return False
    host = getattr(host, "ipv4_mapped", None) or host
    return any(host in network for network in map(_network, networks) if network)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
