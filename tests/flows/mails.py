"""Messages for the flows; the harmful ones are put together at run time, so that no file here is
one.
"""

from email import policy
from email.message import EmailMessage

EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}" + "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE" + "-TEST-EMAIL*C.34X"


def mail(text: str = "Nothing to see here.", subject: str = "A letter", **fields: str) -> bytes:
    """Return a well-formed message with one line of text."""
    header = {
        "Received": "from desk.example.org (desk.example.org [192.0.2.7]) by mx.example.com; "
        "Tue, 24 Nov 2026 10:00:00 +0000",
        "From": "Ann <ann@example.org>",
        "To": "bob@example.com",
        "Subject": subject,
        "Date": "Tue, 24 Nov 2026 10:00:00 +0000",
        "Message-ID": "<letter@example.org>",
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    lines = [f"{name}: {value}" for name, value in header.items()]
    return "\r\n".join([*lines, "", text, ""]).encode()


def body(content: bytes) -> bytes:
    """Return what follows the header section."""
    return content.partition(b"\r\n\r\n")[2]


def with_file(name: str, content: bytes, kind: str = "application/octet-stream") -> bytes:
    """Return a message with one attached file."""
    message = EmailMessage()
    message["From"], message["To"] = "Ann <ann@example.org>", "bob@example.com"
    message["Subject"], message["Message-ID"] = "A file", "<file@example.org>"
    message["Date"] = "Tue, 24 Nov 2026 10:00:00 +0000"
    message.set_content("It is attached.")
    maintype, _, subtype = kind.partition("/")
    message.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    return message.as_bytes(policy=policy.SMTP)
