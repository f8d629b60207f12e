"""The five mails of `./postern demo`, with what should become of them under the starting policy.

The test strings that scanners know are put together at run time, so that no scanner takes this
file for what it describes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-" + "ANTIVIRUS-TEST-FILE!$H+H*"
_PROGRAM = b"MZ" + bytes(62) + b"PE\0\0" + bytes(444)  # looks like a Windows program, does nothing


@dataclass(frozen=True, slots=True)
class Story:
    """One mail: its text, an attachment (name, octets), the outcome for each recipient."""

    title: str
    subject: str
    text: str
    expected: dict[str, str]
    attachment: tuple[str, bytes] | None = None
    policies: tuple[tuple[str, str], ...] = ()  # (lookup key, FIELD=VALUE) to set before

    def octets(self, sender: str) -> bytes:
        """Return the mail as it goes over the wire."""
        mail = EmailMessage(policy=SMTP)
        mail["From"] = f"Postern demo <{sender}>"
        mail["To"] = ", ".join(self.expected)
        mail["Subject"] = self.subject
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = make_msgid(domain="demo.example.org")
        mail.set_content(self.text)
        if self.attachment is not None:
            name, octets = self.attachment
            mail.add_attachment(
                octets, maintype="application", subtype="octet-stream", filename=name
            )
        return mail.as_bytes()


STORIES = (
    Story(
        "A clean mail",
        "Minutes of our meeting",
        "Dear Alice,\n\nthe minutes of the meeting on Tuesday are in the usual place.\n"
        "Please tell me by Friday what is missing.\n\nKind regards\nPaul\n",
        {"alice@example.com": "delivered"},
    ),
    Story(
        "Spam: the test text that every SpamAssassin knows",
        "An offer for you",
        f"{GTUBE}\n",
        {"bob@example.com": "held"},
    ),
    Story(
        "A virus: the test file that every virus scanner knows",
        "Your document",
        "Please see the attached document.\n",
        {"carol@example.com": "held"},
        attachment=("document.txt", EICAR.encode("ascii")),
    ),
    Story(
        "A banned attachment: a program",
        "The new version",
        "Please start the attached program.\n",
        {"dave@example.com": "held"},
        attachment=("setup.exe", _PROGRAM),
    ),
    Story(
        "One spam to two people: Erin wants to see her spam, Frank does not",
        "One offer for two",
        f"{GTUBE}\n",
        {"erin@example.com": "delivered", "frank@example.com": "held"},
        policies=(("erin@example.com", "spam_lover=yes"),),
    ),
)
