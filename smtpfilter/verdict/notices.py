"""Mail that we write ourselves: notices to senders, administrators and recipients, as octets.

A notice to the sender is a delivery status notification about all his recipients together (N-3; RFC
3461, 3464, 6522, for UTF-8 RFC 6533).  All notices say that a program wrote them (RFC 3834), so
that no other program answers; their envelope sender is the null sender.
"""

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from smtpfilter.mail.edits import fold, header_value
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.message import Message
from smtpfilter.verdict.mime import author, part, text_octets, unstructured
from smtpfilter.verdict.report import delivery_status, returned_header, shown_address
from smtpfilter.verdict.texts import Text
from smtpfilter.verdict.told import Told

MOST_TOLD = 1100  # recipients in one notice


def sender_notice(
    envelope: Envelope,
    message: Message,
    told: Sequence[Told],
    *,
    now: datetime,
    hostname: str,
    from_address: str,
    text: Text,
) -> bytes:
    """Return the octets of the notice, lines ending in CRLF, that tells the sender of `told`.

    `text`: what people read, of the kind kind_of_notice(told).  `from_address`: what the site wants
    in From, "" for postmaster at `hostname`.  All is ASCII unless the sender's own address is not:
    then it is meant for an SMTPUTF8 transaction.
    """
    utf8 = envelope.mail_from.needs_smtputf8
    boundary = f"=_postern_{envelope.mail_id}"
    media_types = (
        ("message/global-delivery-status", "message/global-headers")
        if utf8
        else ("message/delivery-status", "text/rfc822-headers")
    )
    status = delivery_status(envelope, told[:MOST_TOLD], now=now, hostname=hostname, utf8=utf8)
    words, words_encoding = text_octets(text.body)
    returned, returned_encoding = returned_header(message, utf8=utf8)
    original = header_value(message.message_id)
    fields = [
        *_fields(
            from_address=from_address,
            to=shown_address(envelope.mail_from.octets, utf8=utf8),
            subject=text.subject,
            message_id=f"DSN{envelope.mail_id}@{hostname}",
            now=now,
            hostname=hostname,
        ),
        *([fold("In-Reply-To", original), fold("References", original)] if original else []),
        fold("Auto-Submitted", "auto-replied"),
        fold("MIME-Version", "1.0"),
        fold(
            "Content-Type",
            f'multipart/report; report-type=delivery-status; boundary="{boundary}"',
        ),
    ]
    return b"".join(
        [
            *fields,
            b"\r\nThis is a MIME-encapsulated message.\r\n",
            part(boundary, "text/plain; charset=utf-8", words_encoding, words),
            part(boundary, media_types[0], "8bit" if utf8 else "7bit", status),
            part(boundary, media_types[1], returned_encoding, returned),
            f"\r\n--{boundary}--\r\n".encode(),
        ]
    )


def plain_notice(
    *, to: str, message_id: str, now: datetime, hostname: str, from_address: str, text: Text
) -> bytes:
    """Return the octets of a notice to an administrator or a recipient (N-5, N-6): text alone.

    `to`: an address; `message_id`: without angle brackets.
    """
    octets, encoding = text_octets(text.body)
    fields = [
        *_fields(
            from_address=from_address,
            to=shown_address(to.encode("utf-8", "replace"), utf8=True),
            subject=text.subject,
            message_id=message_id,
            now=now,
            hostname=hostname,
        ),
        fold("Auto-Submitted", "auto-generated"),
        fold("MIME-Version", "1.0"),
        fold("Content-Type", "text/plain; charset=utf-8"),
        fold("Content-Transfer-Encoding", encoding),
    ]
    return b"".join([*fields, b"\r\n", octets])


def _fields(
    *, from_address: str, to: str, subject: str, message_id: str, now: datetime, hostname: str
) -> list[bytes]:
    return [
        fold("From", author(from_address, hostname)),
        f"To: <{to}>\r\n".encode(),
        unstructured("Subject", subject),
        fold("Date", format_datetime(now)),
        fold("Message-ID", f"<{message_id}>"),
    ]
