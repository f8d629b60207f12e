"""Next hops as the field forward_method names them: "smtp:[10.0.0.1]:25, lmtp:/run/lmtp" (E-10).

Here they are only read; smtp/ speaks to them, the first that answers is used.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal

LONGEST_SOCKET_PATH = 107  # octets that the address of a unix socket has room for

_HOP = re.compile(
    r"(?P<protocol>smtp|lmtp):"
    r"(?:(?:unix:)?(?P<path>/[!-~]+)|(?:\[(?P<literal>[^\]\s]+)\]|(?P<host>[^\[\]:/\s]+)):(?P<port>\d{1,5}))",
    re.IGNORECASE | re.ASCII,
)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE | re.ASCII)


class BadRoute(ValueError):
    """The text names no next hops; `args[0]` is a sentence that says how they are written."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One next hop: a unix socket (`path`), else `host` (name or IP address) and `port`."""

    protocol: Literal["smtp", "lmtp"]
    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        return f"{self.protocol}:{self.path or f'[{self.host}]:{self.port}'}"


def parse_forward_method(text: str) -> tuple[Hop, ...]:
    """Return the next hops in `text`, in the order in which they are tried; () for the site's own.

    Written by comma, each smtp: or lmtp: and then [address]:port, name:port or /path.  Raises
    BadRoute.
    """
    words = [word.strip() for word in text.split(",")]
    return tuple(map(_hop, words)) if any(words) else ()


def _hop(word: str) -> Hop:
    match = _HOP.fullmatch(word)
    if match is None:
        raise _bad(word)
    protocol: Literal["smtp", "lmtp"] = "smtp" if match["protocol"].lower() == "smtp" else "lmtp"
    if match["path"]:
        if len(match["path"]) > LONGEST_SOCKET_PATH:
            raise _bad(word)
        return Hop(protocol, path=match["path"])
    host, port = match["literal"] or match["host"], int(match["port"])
    if not 0 < port < 65536 or not _is_host(host):
        raise _bad(word)
    return Hop(protocol, host.lower(), port)


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        labels = text.removesuffix(".").split(".")
        return all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
    return True


def _bad(word: str) -> BadRoute:
    return BadRoute(
        f"{word!r} is no next hop: write smtp:[10.0.0.1]:25, smtp:mail.example.com:25 or"
        " lmtp:/path/of/socket, several by comma."
    )
