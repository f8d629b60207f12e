"""XFORWARD: who gave the mail to Postfix (Postfix's XFORWARD_README; rule E-4).

Values come from the outside world through Postfix: they are validated here, once.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from smtpfilter.mail.envelope import Client
from smtpfilter.smtp.params import decode_xtext, encode_xtext

LONGEST_VALUE = 255  # octets, decoded
_LONGEST_LINE = 510  # octets of a command line without its CRLF (RFC 5321 4.5.3.1.4)

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_UNKNOWN = ("", "[UNAVAILABLE]", "[TEMPUNAVAIL]")

_FIELDS = {
    "NAME": "name",
    "ADDR": "address",
    "PORT": "port",
    "PROTO": "proto",
    "HELO": "helo",
    "IDENT": "ident",
    "SOURCE": "source",
}
ATTRIBUTES = tuple(_FIELDS)


class BadAttribute(ValueError):
    """The attribute is refused; `args[0]` says why, in words fit for the reply."""


def update_client(client: Client, octets: bytes) -> Client:
    """Return `client` with the attributes of one XFORWARD command, whose argument is `octets`.

    All or nothing: a command with one bad attribute changes nothing.  Raises BadAttribute.
    """
    words = octets.split()
    if not words:
        raise BadAttribute("no attribute")
    values: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition(b"=")
        attribute = name.decode("ascii", "replace").upper()
        if attribute not in _FIELDS or not equals:
            raise BadAttribute("bad attribute")
        values[_FIELDS[attribute]] = _value(attribute, value)
    return replace(client, **values)


def command_lines(client: Client, offered: Iterable[str]) -> Iterator[bytes]:
    """Yield XFORWARD commands, without their CRLF, that tell a next hop what is known of `client`.

    `offered` are the attributes that it announced, in upper case.
    """
    line = b""
    for attribute in ATTRIBUTES:
        value = getattr(client, _FIELDS[attribute])
        if value is None or attribute not in offered:
            continue
        word = b" %s=%s" % (attribute.encode(), _encoded(attribute, value))
        if line and len(line) + len(word) > _LONGEST_LINE:
            yield line
            line = b""
        line = (line or b"XFORWARD") + word
    if line:
        yield line


def _value(attribute: str, octets: bytes) -> str | None:
    decoded = decode_xtext(octets)
    if decoded is None:
        raise BadAttribute(f"bad {attribute}: no xtext")
    if len(decoded) > LONGEST_VALUE:
        raise BadAttribute(f"bad {attribute}: too long")
    value = decoded.decode("utf-8", "replace")
    if value.upper() in _UNKNOWN:
        return None
    if _CONTROL.search(value):
        raise BadAttribute(f"bad {attribute}: control character")
    match attribute:
        case "ADDR":
            return _address(value)
        case "PORT":
            if not (value.isascii() and value.isdigit() and int(value) < 65536):
                raise BadAttribute("bad PORT")
        case "SOURCE":
            value = value.upper()
            if value not in ("LOCAL", "REMOTE"):
                raise BadAttribute("bad SOURCE")
    return value


def _address(value: str) -> str:
    """Return the IP address in `value`; IPv6 has the prefix that RFC 5321 4.1.3 gives it."""
    plain = value[5:] if value[:5].upper() == "IPV6:" else value
    try:
        if "%" in plain:
            raise ValueError("a zone means nothing on another machine")
        return str(ipaddress.ip_address(plain))
    except ValueError:
        raise BadAttribute("bad ADDR") from None


def _encoded(attribute: str, value: str) -> bytes:
    if attribute == "ADDR" and ":" in value:
        value = f"IPV6:{value}"
    plain = _CONTROL.sub("", value).encode("utf-8", "replace")
    return encode_xtext(plain[:LONGEST_VALUE])
