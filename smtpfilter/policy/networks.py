"""In which of the site's networks is a client?  (K-10)"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from smtpfilter.policy.layers import Network

_MAPPED = 0xFFFF << 32  # ::ffff:0:0/96 holds the IPv4 addresses


def find_network(networks: Iterable[Network], address: str | None) -> Network | None:
    """Return the smallest of `networks` in which `address` lies, None where that is excepted ("!")
    or there is none.

    IPv4 is compared as IPv4-mapped IPv6, so ::/0 is everybody.  Where the network names an IPv6
    zone, as in fe80::%eth0/64, the address must have the same.  What is no address, or no network,
    matches nothing.
    """
    client = _host(address or "")
    if client is None:
        return None
    number, zone = client
    found = [
        (net.bits, bool(net.zone), network.cidr.startswith("!"), network)
        for network in networks
        if (net := _net(network.cidr)) and net.holds(number, zone)
    ]
    *_, excepted, network = max(found, key=lambda hit: hit[:3], default=(True, None))
    return None if excepted else network


@dataclass(frozen=True, slots=True)
class _Net:
    """The IPv6 numbers of which the first `bits` are `prefix`, in one zone or, where "", in all."""

    prefix: int
    bits: int
    zone: str

    def holds(self, number: int, zone: str) -> bool:
        return number >> (128 - self.bits) == self.prefix and self.zone in ("", zone)


def _host(text: str) -> tuple[int, str] | None:
    """Return an address, also as XFORWARD writes it ("IPv6:::1"), as number and zone."""
    if text[:5].lower() == "ipv6:":
        text = text[5:]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return _MAPPED | int(address), ""
    return int(address), address.scope_id or ""


@lru_cache(maxsize=4096)
def _net(cidr: str) -> _Net | None:
    address, slash, prefix = cidr.removeprefix("!").partition("/")
    address, _, zone = address.partition("%")
    try:
        net = ipaddress.ip_network(address + slash + prefix, strict=False)
    except ValueError:
        return None
    number, bits = int(net.network_address), net.prefixlen
    if isinstance(net, ipaddress.IPv4Network):
        number, bits = _MAPPED | number, 96 + bits
    return _Net(number >> (128 - bits), bits, zone)
