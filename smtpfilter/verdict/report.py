"""The parts of a delivery status notification that programs read (RFC 3464, of UTF-8 RFC 6533):
how it ended for each recipient, and the header section of the mail that it is about.

The body is never returned, though RFC 3461 4.3 lets a sender ask for it by RET=FULL: it may be what
the mail was stopped for (N-3).
"""

import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from smtpfilter.mail.edits import header_value
from smtpfilter.mail.envelope import Client, Envelope, MailId
from smtpfilter.mail.message import Message
from smtpfilter.verdict.mime import lines_of, quoted_printable, stays_plain
from smtpfilter.verdict.told import Told

LONGEST_RETURNED_BYTES = 65536  # of the original header section

_XTEXT = re.compile(rb"\+([0-9A-F]{2})")  # RFC 3461 4
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_HOP = re.compile(r"(?:smtp|lmtp):(?:\[(?P<address>[^]]+)\]|(?P<name>[^/:]+)|(?P<path>/.*))")
_UNSAFE_IN_COMMENT = str.maketrans("()\\", "???")


def delivery_status(
    envelope: Envelope, told: Sequence[Told], *, now: datetime, hostname: str, utf8: bool
) -> bytes:
    """Return the machine-readable part: one group about the message, one for each recipient (RFC
    3464 2).
    """
    groups = [
        _message_group(envelope, hostname, utf8=utf8),
        *(_recipient_group(one, envelope.mail_id, now, utf8=utf8) for one in told),
    ]
    return "\r\n".join("".join(f"{line}\r\n" for line in group) for group in groups).encode()


def returned_header(message: Message, *, utf8: bool) -> tuple[bytes, str]:
    """Return the original header section, at most 64 KiB of whole fields, and its transfer
    encoding.
    """
    pieces, size = [], 0
    for field in message.fields:
        size += len(field.raw)
        if size > LONGEST_RETURNED_BYTES:
            break
        pieces.append(lines_of(field.raw.rstrip(b"\r\n")) + b"\r\n")
    section = b"".join(pieces).replace(b"\0", b"")
    if stays_plain(section) and (utf8 or section.isascii()):
        return section, "8bit" if utf8 else "7bit"
    return quoted_printable(section), "quoted-printable"


def shown_address(octets: bytes, *, utf8: bool) -> str:
    """Return an address as a notice may carry it: in UTF-8, or its other characters as \\x{...}
    (RFC 6533 3).
    """
    text = _CONTROL.sub(" ", octets.decode("utf-8", "replace"))
    if utf8 or text.isascii():
        return text
    return "".join(c if c.isascii() else f"\\x{{{ord(c):02X}}}" for c in text)


def _message_group(envelope: Envelope, hostname: str, *, utf8: bool) -> list[str]:
    """Return the fields about the message (RFC 3464 2.2)."""
    lines = [f"Reporting-MTA: dns; {hostname}"]
    if envelope.envid:
        lines.append(f"Original-Envelope-Id: {_from_xtext(envelope.envid, utf8=utf8)}")
    came_from = _received_from(envelope.client)
    if came_from:
        lines.append(f"Received-From-MTA: {came_from}")
    return [*lines, f"Arrival-Date: {format_datetime(envelope.received_at)}"]


def _received_from(client: Client) -> str:
    """Return the client by the name it gave, with its address as a comment (RFC 3464 2.2.4)."""
    literal = _literal(client.address) if client.address else ""
    helo = header_value(client.helo or "", 255)
    if not helo:
        return f"dns; {literal}" if literal else ""
    comment = f" ({literal.translate(_UNSAFE_IN_COMMENT)})" if literal else ""
    return f"dns; {helo.translate(_UNSAFE_IN_COMMENT)}{comment}"


def _recipient_group(one: Told, mail_id: MailId, now: datetime, *, utf8: bool) -> list[str]:
    """Return the fields about one recipient (RFC 3464 2.3).

    Only a next hop that was asked makes a Remote-MTA and a date of the last attempt.
    """
    recipient, octets = one.recipient, one.recipient.address.octets
    lines = []
    if recipient.orcpt:
        kind, _, address = recipient.orcpt.partition(b";")
        shown = _from_xtext(address, utf8=utf8)
        lines.append(f"Original-Recipient: {header_value(kind.decode('ascii', 'replace'))};{shown}")
    kind_of_final = "rfc822" if octets.isascii() else "utf-8"
    lines += [
        f"Final-Recipient: {kind_of_final};{shown_address(octets, utf8=utf8)}",
        f"Action: {one.action}",
        f"Status: {one.status(mail_id)}",
    ]
    remote = _remote_mta(one.settlement.hop)
    if remote:
        lines.append(f"Remote-MTA: {remote}")
    lines.append(f"Diagnostic-Code: smtp; {one.diagnosis(mail_id)}")
    if remote:
        lines.append(f"Last-Attempt-Date: {format_datetime(now)}")
    return [*lines, f"Final-Log-ID: {mail_id}"]


def _remote_mta(hop: str) -> str:
    """Return the next hop "smtp:[127.0.0.1]:10026" as the name of an MTA, "" for none."""
    found = _HOP.match(hop)
    if not found:
        return ""
    if found["path"]:
        return f"x-unix; {header_value(found['path'])}"
    return f"dns; {_literal(found['address']) if found['address'] else header_value(found['name'])}"


def _literal(address: str) -> str:
    """Return an IP address as RFC 5321 4.1.3 writes it."""
    address = header_value(address, 255)
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _from_xtext(octets: bytes, *, utf8: bool) -> str:
    plain = _XTEXT.sub(lambda found: bytes.fromhex(found[1].decode()), octets)
    return shown_address(plain, utf8=utf8)
