"""Calls to an address that an administrator has set (alarm_webhook): https only, never to this
machine or its neighbours' link, so that nobody can make the appliance ask its own services.

The name is resolved once, and it is the checked address that is called (no rebinding); redirects
are not followed; the certificate has to be right.
"""

import http.client
import ipaddress
import json
import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

PATIENCE_SECONDS = 5.0  # for the connection, and for each answer on it


class NotTaken(Exception):
    """The call did not arrive, or was not taken; str() says why."""


class _Connection(http.client.HTTPSConnection):
    """HTTPS to a host by an address that was looked at before."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=PATIENCE_SECONDS, context=context)
        self._address, self._tls = address, context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), PATIENCE_SECONDS)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def check_webhook(url: str) -> None:
    """Refuse what can be no webhook.  Raises ValidationError."""
    try:
        parts = urlsplit(url)
        right = parts.scheme == "https" and parts.hostname and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        right = False
    if not right:
        raise ValidationError("Write an address that begins with https://, without a password.")
    try:
        address = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return  # a name: looked at each time that it is called
    if not _may_call(address):
        raise ValidationError("An address of this machine or of its link is not called.")


def post(url: str, document: Mapping[str, Any], context: ssl.SSLContext | None = None) -> None:
    """POST the document as JSON.  Raises NotTaken."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    call = _Connection(host, port, _address(host, port), context or ssl.create_default_context())
    try:
        body = json.dumps(document).encode()
        call.request("POST", _path(parts), body, {"Content-Type": "application/json"})
        answer = call.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise NotTaken(f"{host}: {error or type(error).__name__}") from None
    finally:
        call.close()
    if not 200 <= answer.status < 300:
        raise NotTaken(f"{host} answers {answer.status}")


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _address(host: str, port: int) -> str:
    """Return the first address of the host.  Raises NotTaken where one of them is not called."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotTaken(f"{host}: {error}") from None
    addresses = [str(address[0]) for *_, address in found]
    for address in addresses:
        if not _may_call(ipaddress.ip_address(address.partition("%")[0])):
            raise NotTaken(f"{host} is {address}, which is not called")
    return addresses[0]


def _may_call(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return _may_call(mapped)
    if address.is_loopback or address.is_link_local:
        return bool(settings.WEB_LOCAL_WEBHOOK)
    return not (address.is_unspecified or address.is_multicast)
