"""Test mail through the filter: four mails whose end is known before.

They go out from the null sender, so that no notice about them goes anywhere, and are found again
in the journal by a word in their subject that nobody else knows.
"""

import secrets
import smtplib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

from appliance.domains.names import mailbox_address
from appliance.errors import Refused
from appliance.policies.explain import explain
from quarantine.models import RecipientRecord
from smtpfilter.config import Endpoint, FilterConfig
from smtpfilter.mail.envelope import MailId
from smtpfilter.scan.content import eicar
from smtpfilter.scan.spamd import gtube
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.outcome import Outcome

SECONDS = 60.0  # for one mail
_PROGRAM = b"MZ" + bytes(62) + b"PE\0\0" + bytes(444)  # looks like a Windows program, does nothing


@dataclass(frozen=True, slots=True)
class Sample:
    """`category`: what the filter has to find; all but clean mail has to be stopped."""

    name: str
    label: str
    category: Category
    text: str
    attachment: tuple[str, bytes] | None = None

    def subject(self, word: str) -> str:
        return f"Test mail: {self.label} ({word})"

    def octets(self, hostname: str, recipient: str, word: str) -> bytes:
        mail = EmailMessage(policy=SMTP)
        mail["From"] = f"Postern <postmaster@{hostname}>"
        mail["To"] = recipient
        mail["Subject"] = self.subject(word)
        mail["Date"] = formatdate()
        mail["Message-ID"] = make_msgid(domain=hostname)
        mail.set_content(self.text)
        if self.attachment:
            name, octets = self.attachment
            mail.add_attachment(octets, "application", "octet-stream", filename=name)
        return mail.as_bytes()


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a test mail.  `row`: None where the journal knows nothing of it."""

    sample: Sample
    row: RecipientRecord | None

    @property
    def as_told(self) -> bool:
        delivered = self.sample.category is Category.CLEAN
        return (
            self.row is not None
            and self.row.category == str(self.sample.category)
            and (self.row.outcome == str(Outcome.DELIVERED)) == delivered
        )


SAMPLES = (
    Sample(
        "clean",
        "a harmless mail",
        Category.CLEAN,
        "Hello,\n\nthis mail came through the filter: all is well.\n\nKind regards\nPostern\n",
    ),
    Sample(
        "virus",
        "the test virus EICAR",
        Category.VIRUS,
        "The attachment is the harmless file that all virus scanners know.\n",
        ("test.txt", eicar()),
    ),
    Sample(
        "spam",
        "the test spam GTUBE",
        Category.SPAM,
        gtube().partition(b"\r\n\r\n")[2].decode("ascii").strip() + "\n",
    ),
    Sample(
        "banned",
        "a program",
        Category.BANNED,
        "The attachment looks like a program and does nothing.\n",
        ("setup.exe", _PROGRAM),
    ),
)


def send_tests(*, recipient: str, config: FilterConfig) -> list[Result]:
    """Send all samples to `recipient` through the filter; return what became of them.  Raises
    Refused.
    """
    recipient = mailbox_address(recipient)
    if not recipient.isascii():
        raise Refused("test mail needs an address in ASCII")
    if not explain(recipient=recipient).verdict.policy.local:
        raise Refused(f"{recipient} is in no local domain: test mail stays in the house")
    word, begun = secrets.token_hex(8), datetime.now(UTC)
    for sample in SAMPLES:
        octets = sample.octets(config.hostname, recipient, word)
        try:
            _hand_over(config.listen[0], config.hostname, recipient, octets)
        except (OSError, smtplib.SMTPException) as error:
            raise Refused(f"the filter did not take {sample.label}: {error}") from error
    rows = RecipientRecord.objects.filter(
        mail_id__gte=MailId.make(begun, 0).number, mail__subject__endswith=f"({word})"
    )
    found = {row.mail.subject: row for row in rows.select_related("mail")}
    return [Result(sample, found.get(sample.subject(word))) for sample in SAMPLES]


def read_results(rows: Mapping[str, int]) -> list[Result]:
    """Return what became of samples by the keys of their recipients' rows."""
    found = RecipientRecord.objects.select_related("mail").in_bulk(list(rows.values()))
    return [Result(sample, found.get(rows.get(sample.name, 0))) for sample in SAMPLES]


def _hand_over(endpoint: Endpoint, hostname: str, recipient: str, octets: bytes) -> None:
    """Raises OSError, SMTPException; a mail that is refused for good stands in the journal."""
    with smtplib.SMTP(
        endpoint.host, endpoint.port, local_hostname=hostname, timeout=SECONDS
    ) as smtp:
        smtp.ehlo()
        smtp.mail("")
        smtp.rcpt(recipient)
        code, text = smtp.data(octets)
        if 400 <= code < 500:
            raise OSError(f"{code} {text.decode('ascii', 'replace')}")
