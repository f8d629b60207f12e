"""Who is connected to us, where, and whether mail is taken from there (FILTER_ALLOWED_CLIENTS)."""

import asyncio
import ipaddress
from collections.abc import Iterable

from smtpfilter.config import IPNetwork


def peer_address(transport: asyncio.BaseTransport | None) -> str:
    """Return the address of the connected host, "" for a unix socket."""
    name = transport.get_extra_info("peername") if transport else None
    return str(name[0]) if isinstance(name, tuple) else ""


def listening_port(transport: asyncio.BaseTransport | None) -> int:
    """Return the port that the client connected to, 0 for a unix socket."""
    name = transport.get_extra_info("sockname") if transport else None
    return int(name[1]) if isinstance(name, tuple) else 0


def is_allowed(address: str, networks: Iterable[IPNetwork]) -> bool:
    """Tell whether the address may hand over mail; who reaches a unix socket may ("")."""
    if not address:
        return True
    found = ipaddress.ip_address(address.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in networks)
