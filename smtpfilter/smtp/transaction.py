"""What MAIL and RCPT say, parsed from the octets received (RFC 5321, 6531; E-3, P9 to P11)."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from smtpfilter.mail.address import Address, BadPath, parse_path
from smtpfilter.mail.envelope import Client, Envelope, MailId, Protocol, Recipient
from smtpfilter.mail.reply import Reply
from smtpfilter.smtp.params import (
    BadParameter,
    MailParameters,
    parse_mail_parameters,
    parse_recipient_parameters,
)


class Refused(ValueError):
    """The command is refused; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(slots=True)
class Transaction:
    """One mail transaction, from MAIL to the end of the message."""

    mail_from: Address
    parameters: MailParameters
    recipients: list[Recipient] = field(default_factory=list)

    def envelope(
        self, peer: str, protocol: Protocol, client: Client, *, helo: str, port: int
    ) -> Envelope:
        """Return the envelope at DATA: now the message gets its id.

        `helo` names the peer; `port` is the one that it connected to.
        """
        now = datetime.now(UTC)
        return Envelope(
            mail_id=MailId.make(now, secrets.randbits(22)),
            received_at=now,
            peer=peer,
            protocol=protocol,
            mail_from=self.mail_from,
            recipients=tuple(self.recipients),
            client=client,
            body=self.parameters.body,
            smtputf8=self.parameters.smtputf8,
            ret=self.parameters.ret,
            envid=self.parameters.envid,
            helo=helo,
            port=port,
        )


def parse_mail(argument: bytes) -> Transaction:
    """Return the transaction that MAIL begins.  Raises Refused."""
    try:
        address, rest = parse_path(_after_keyword(b"FROM:", argument))
        parameters = parse_mail_parameters(rest)
    except BadPath as error:
        raise Refused(Reply(501, "5.1.7", f"Bad sender address: {error}")) from None
    except BadParameter as error:
        raise Refused(error.reply) from None
    if _lacks_smtputf8(address, smtputf8=parameters.smtputf8):
        raise Refused(Reply(553, "5.6.7", "Sender address needs SMTPUTF8"))
    return Transaction(address, parameters)


def parse_rcpt(argument: bytes, *, smtputf8: bool) -> Recipient:
    """Return the recipient that RCPT names; `smtputf8`: MAIL asked for it.  Raises Refused."""
    try:
        address, rest = parse_path(_after_keyword(b"TO:", argument))
        parameters = parse_recipient_parameters(rest, smtputf8=smtputf8)
    except BadPath as error:
        raise Refused(Reply(501, "5.1.3", f"Bad recipient address: {error}")) from None
    except BadParameter as error:
        raise Refused(error.reply) from None
    if not address.octets:
        raise Refused(Reply(501, "5.1.3", "Bad recipient address: empty"))
    if _lacks_smtputf8(address, smtputf8=smtputf8):
        raise Refused(Reply(553, "5.6.7", "Recipient address needs SMTPUTF8"))
    return Recipient(address, parameters.orcpt, parameters.notify)


def _after_keyword(keyword: bytes, argument: bytes) -> bytes:
    """Return what follows `FROM:` or `TO:`.  Raises BadPath."""
    if argument[: len(keyword)].upper() != keyword:
        raise BadPath(f"{keyword.decode('ascii')} is missing")
    return argument[len(keyword) :].lstrip(b" ")


def _lacks_smtputf8(address: Address, *, smtputf8: bool) -> bool:
    """Tell whether the address has octets that were not announced, or are no UTF-8 (RFC 6531)."""
    if not address.needs_smtputf8:
        return False
    try:
        address.octets.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return not smtputf8
