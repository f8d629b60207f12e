"""The failure notice to a sender: a minimal delivery status notification (RFC 3461, 3464, 6522; RFC
6533 for UTF-8).

Its envelope sender is the null sender; it returns the header section only, never the body (N-3),
and says that it was written by a program (RFC 3834), so that no other program answers it.
"""

import quopri
import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from smtpfilter.mail.edits import fold, header_value
from smtpfilter.mail.envelope import Envelope, Recipient
from smtpfilter.mail.message import Message
from smtpfilter.mail.reply import Reply

LONGEST_RETURNED_BYTES = 65536  # of the original header section
MOST_TOLD = 1100  # recipients in one notice

_XTEXT = re.compile(rb"\+([0-9A-F]{2})")  # RFC 3461 4
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_LINE_END = re.compile(rb"\r?\n|\r")
_LONGEST_PLAIN_LINE = 990

Refusal = tuple[Recipient, Reply]


def failure_notice(
    envelope: Envelope,
    message: Message,
    refusals: Sequence[Refusal],
    now: datetime,
    hostname: str,
) -> bytes:
    """Return the octets of the notice, lines ending in CRLF, that tells the sender of `refusals`.

    It is all ASCII unless the sender's own address is not: then it is meant for an SMTPUTF8
    transaction.
    """
    utf8 = envelope.mail_from.needs_smtputf8
    boundary = f"=_postern_{envelope.mail_id}"
    status, headers = (
        ("message/global-delivery-status", "message/global-headers")
        if utf8
        else ("message/delivery-status", "text/rfc822-headers")
    )
    encoding = "8bit" if utf8 else "7bit"
    told = refusals[:MOST_TOLD]
    returned, returned_encoding = _returned(message, utf8=utf8)
    return b"".join(
        [
            _header(envelope, message, now, hostname, boundary),
            b"This is a MIME-encapsulated message.\r\n",
            _part(
                boundary,
                "text/plain; charset=utf-8",
                encoding,
                _text(envelope, told, hostname, utf8=utf8),
            ),
            _part(boundary, status, encoding, _status(envelope, told, hostname, utf8=utf8)),
            _part(boundary, headers, returned_encoding, returned),
            f"\r\n--{boundary}--\r\n".encode(),
        ]
    )


def _header(
    envelope: Envelope, message: Message, now: datetime, hostname: str, boundary: str
) -> bytes:
    original = header_value(message.message_id)
    fields = [
        ("From", f'"Mail filter at {hostname}" <postmaster@{hostname}>'),
        ("Subject", "Undelivered Mail Returned to Sender"),
        ("Date", format_datetime(now)),
        ("Message-ID", f"<DSN{envelope.mail_id}@{hostname}>"),
        *([("In-Reply-To", original), ("References", original)] if original else []),
        ("Auto-Submitted", "auto-replied"),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/report; report-type=delivery-status; boundary="{boundary}"'),
    ]
    to = f"To: <{_shown(envelope.mail_from.octets)}>\r\n".encode()
    lines = [fold(name, value) for name, value in fields]
    return b"".join([lines[0], to, *lines[1:], b"\r\n"])


def _part(boundary: str, media_type: str, encoding: str, content: bytes) -> bytes:
    head = (
        f"\r\n--{boundary}\r\nContent-Type: {media_type}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + content


def _text(envelope: Envelope, refusals: Sequence[Refusal], hostname: str, *, utf8: bool) -> bytes:
    lines = [
        f"This is the mail filter at {hostname}.",
        "",
        "Your message could not be delivered to the recipients below.  It was not sent to them,",
        "and no further attempt will be made.",
        "",
    ]
    for recipient, reply in refusals:
        lines += [f"<{_address(recipient.address.octets, utf8=utf8)}>", f"    {reply}", ""]
    lines += [f"Please quote {envelope.mail_id} when you ask the postmaster about it.", ""]
    return "\r\n".join(lines).encode()


def _status(envelope: Envelope, refusals: Sequence[Refusal], hostname: str, *, utf8: bool) -> bytes:
    """Return the machine-readable part: one group about the message, one for each recipient (RFC
    3464 2).
    """
    about = [f"Reporting-MTA: dns; {hostname}"]
    if envelope.envid:
        about.append(f"Original-Envelope-Id: {_from_xtext(envelope.envid, utf8=utf8)}")
    about.append(f"Arrival-Date: {format_datetime(envelope.received_at)}")
    groups = [
        about,
        *(_recipient_group(recipient, reply, utf8=utf8) for recipient, reply in refusals),
    ]
    return "\r\n".join("".join(f"{line}\r\n" for line in group) for group in groups).encode()


def _recipient_group(recipient: Recipient, reply: Reply, *, utf8: bool) -> list[str]:
    octets = recipient.address.octets
    lines = []
    if recipient.orcpt:
        kind, _, address = recipient.orcpt.partition(b";")
        shown = _from_xtext(address, utf8=utf8)
        lines.append(f"Original-Recipient: {header_value(kind.decode('ascii', 'replace'))};{shown}")
    kind_of_final = "rfc822" if octets.isascii() else "utf-8"
    lines += [
        f"Final-Recipient: {kind_of_final};{_address(octets, utf8=utf8)}",
        "Action: failed",
        f"Status: {reply.enhanced or '5.0.0'}",
        f"Diagnostic-Code: smtp; {reply}",
    ]
    return lines


def _returned(message: Message, *, utf8: bool) -> tuple[bytes, str]:
    """Return the original header section, at most 64 KiB of whole fields, and its transfer
    encoding.
    """
    pieces, size = [], 0
    for field in message.fields:
        size += len(field.raw)
        if size > LONGEST_RETURNED_BYTES:
            break
        pieces.append(_LINE_END.sub(b"\r\n", field.raw.rstrip(b"\r\n")) + b"\r\n")
    section = b"".join(pieces).replace(b"\0", b"")
    longest = max(map(len, section.split(b"\r\n")))
    if longest > _LONGEST_PLAIN_LINE or not (section.isascii() or utf8):
        lines = section.split(b"\r\n")
        return b"\r\n".join(
            quopri.encodestring(line).replace(b"\n", b"\r\n") for line in lines
        ), "quoted-printable"
    return section, "8bit" if utf8 else "7bit"


def _shown(octets: bytes) -> str:
    return _CONTROL.sub(" ", octets.decode("utf-8", "replace"))


def _address(octets: bytes, *, utf8: bool) -> str:
    """Return an address as the notice may carry it: in UTF-8, or its other characters as \\x{...}
    (RFC 6533 3).
    """
    text = _shown(octets)
    if utf8 or text.isascii():
        return text
    return "".join(c if c.isascii() else f"\\x{{{ord(c):02X}}}" for c in text)


def _from_xtext(octets: bytes, *, utf8: bool) -> str:
    return _address(_XTEXT.sub(lambda found: bytes.fromhex(found[1].decode()), octets), utf8=utf8)
