"""The envelope of one message: who gave it to us, from whom it is, for whom, and with which ESMTP
parameters.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Self

from smtpfilter.mail.address import Address

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_RANDOM_BITS = 22

Protocol = Literal["SMTP", "ESMTP", "LMTP"]


@dataclass(frozen=True, slots=True, order=True)
class MailId:
    """The long-lived id of one message: milliseconds since 2020 << 22 | 22 random bits, 63 bits in
    all.

    Its text is base62, 11 characters.  It is no secret: rights are always checked.
    """

    number: int

    @classmethod
    def make(cls, now: datetime, random_bits: int) -> Self:
        milliseconds = int((now - EPOCH).total_seconds() * 1000)
        return cls(milliseconds << _RANDOM_BITS | random_bits & (1 << _RANDOM_BITS) - 1)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the id that `text` names.  Raises ValueError."""
        if len(text) != 11 or not text.isascii() or not text.isalnum():
            raise ValueError("a mail id has 11 letters and digits")
        number = 0
        for character in text:
            number = number * 62 + _BASE62.index(character)
        if number >= 1 << 63:
            raise ValueError("no such mail id")
        return cls(number)

    def __str__(self) -> str:
        digits, number = [], self.number
        for _ in range(11):
            number, digit = divmod(number, 62)
            digits.append(_BASE62[digit])
        return "".join(reversed(digits))


@dataclass(frozen=True, slots=True)
class Client:
    """Who gave the mail to Postfix, as XFORWARD says (E-4); None where it is unknown or
    unavailable.

    `ident` is Postfix's queue id; `source` is "LOCAL" or "REMOTE".  `authenticated`: he logged in,
    as the Received field of our own Postfix says ("with ESMTPSA").
    """

    address: str | None = None
    name: str | None = None
    port: str | None = None
    proto: str | None = None
    helo: str | None = None
    ident: str | None = None
    source: str | None = None
    authenticated: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT TO: the address and its DSN parameters (RFC 3461 4.1, 4.2).

    `orcpt` is the parameter's value as received (xtext kept); `notify` the upper-case keywords,
    empty where not given.
    """

    address: Address
    orcpt: bytes | None = None
    notify: tuple[str, ...] = ()

    @property
    def wants_failure_notice(self) -> bool:
        return not self.notify or "FAILURE" in self.notify

    @property
    def wants_success_notice(self) -> bool:
        return "SUCCESS" in self.notify


@dataclass(frozen=True, slots=True)
class Envelope:
    """All that a transaction says before DATA.

    `peer` is the address of the connecting host (Postfix), "" for a unix socket; `port` is the one
    that we listened on, 0 for a unix socket; `helo` is the name that the peer gave itself.  `body`
    is the BODY parameter; `ret` and `envid` are DSN parameters with their exact octets.
    """

    mail_id: MailId
    received_at: datetime
    peer: str
    protocol: Protocol
    mail_from: Address
    recipients: tuple[Recipient, ...]
    client: Client = field(default_factory=Client)
    body: Literal["7BIT", "8BITMIME"] | None = None
    smtputf8: bool = False
    ret: bytes | None = None
    envid: bytes | None = None
    port: int = 0
    helo: str = ""

    @property
    def lmtp(self) -> bool:
        return self.protocol == "LMTP"
