"""Handing mail to the next hop."""

from dataclasses import dataclass, field
from typing import Protocol

from smtpfilter.mail.address import Address
from smtpfilter.mail.envelope import Client, Recipient
from smtpfilter.mail.octets import Content
from smtpfilter.mail.reply import Reply


@dataclass(frozen=True, slots=True)
class Submission:
    """One transaction for the next hop.

    `all_or_nothing`: a 4xx for any recipient drops the transaction before the dot (SMTP input,
    O-5).
    """

    mail_from: Address
    recipients: tuple[Recipient, ...]
    content: Content
    client: Client = field(default_factory=Client)
    eight_bit: bool = False
    smtputf8: bool = False
    ret: bytes | None = None
    envid: bytes | None = None
    all_or_nothing: bool = True


@dataclass(frozen=True, slots=True)
class Handover:
    """What the next hop said: the reply that settles each recipient, in their order.

    `hop`: which one it was, "smtp:[127.0.0.1]:10026".  `dsn`: it offers DSN, and so took over the
    sender's wish for notices (RFC 3461 5.2).
    """

    replies: tuple[Reply, ...]
    hop: str
    dsn: bool = False


class Relay(Protocol):
    name: str  # "smtp:[127.0.0.1]:10026", for logs

    def send(self, submission: Submission) -> Handover:
        """Return the reply that settles each recipient.

        Never raises for what the next hop does: a lost connection is a 451.  Faults of set-up (5xx
        at connect, EHLO,
        MAIL; 5.7.x at RCPT) become 451 and are logged as alarms.
        """
        ...

    def close(self) -> None:
        """End the connections that are kept."""
        ...


class Routes(Protocol):
    """The next hops that policies name in forward_method."""

    def relay(self, forward_method: str) -> Relay:
        """Return the relay that tries the named next hops in turn (E-10); "" is the site's own.

        Never raises: what cannot be read is a fault of set-up, and that relay answers 451.
        """
        ...

    def close(self) -> None:
        """End the connections that are kept."""
        ...
