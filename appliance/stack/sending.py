"""Hands one mail to the filter and returns its answer; octets go out as they are.

smtplib changes line ends and dots; here only the dots of RFC 5321 section 4.5.2 are added.
"""

import smtplib
from collections.abc import Sequence
from dataclasses import dataclass

from smtpfilter.config import Endpoint

_TIMEOUT_SECONDS = 330.0  # longer than the filter works on one message


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply that settled the mail: to DATA's end, or an earlier refusal."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


def send(address: str, mail_from: str, recipients: Sequence[str], octets: bytes) -> Answer:
    """Send `octets` (line ends CRLF) to the filter at `address`.  Raises OSError if it breaks."""
    endpoint = Endpoint.parse(address)
    with smtplib.SMTP(
        endpoint.host, endpoint.port, local_hostname="localhost", timeout=_TIMEOUT_SECONDS
    ) as smtp:
        smtp.ehlo()
        commands = [f"MAIL FROM:<{mail_from}> BODY=8BITMIME"]
        commands += [f"RCPT TO:<{recipient}>" for recipient in recipients]
        for command in [*commands, "DATA"]:
            code, text = smtp.docmd(command)
            if code >= 400:
                return _answer(code, text)
        stuffed = (b"\r\n" + octets).replace(b"\r\n.", b"\r\n..")[2:]
        end = b".\r\n" if not stuffed or stuffed.endswith(b"\r\n") else b"\r\n.\r\n"
        smtp.send(stuffed + end)
        return _answer(*smtp.getreply())


def _answer(code: int, text: bytes) -> Answer:
    return Answer(code, text.decode("utf-8", "replace").replace("\n", " / "))
