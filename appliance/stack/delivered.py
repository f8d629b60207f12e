"""What lies in the demo mailbox, by sender, and the part of a mail that no filter may change."""

import re
from pathlib import Path

_LINE_END = re.compile(rb"\r\n|\r|\n")
_EMPTY_LINE = re.compile(rb"(?:\A|\r\n)\r\n")


def by_sender(inbox: Path, domain: str) -> dict[str, list[bytes]]:
    """Return the mails in `inbox` by their sender, for the senders of one domain."""
    found: dict[str, list[bytes]] = {}
    for file in (inbox / "new").iterdir():
        sender, mail = _split(file.read_bytes())
        if sender.endswith(f"@{domain}"):
            found.setdefault(sender, []).append(mail)
    return found


def unchanged(sent: bytes, came: bytes) -> bool:
    """Tell whether the body came as it was sent; lone CR and LF leave as CRLF and count as it.

    Where the sent mail does not begin with a header field, a header and an empty line are put
    before it, and the whole of it is the body.
    """
    sent, came = _LINE_END.sub(b"\r\n", sent), _LINE_END.sub(b"\r\n", came)
    return _body(sent) == _body(came) or came.endswith(b"\r\n\r\n" + sent)


def _body(octets: bytes) -> bytes:
    """Return what follows the first empty line."""
    empty = _EMPTY_LINE.search(octets)
    return octets[empty.end() :] if empty else b""


def _split(octets: bytes) -> tuple[str, bytes]:
    """Return the envelope's sender and the mail of one file."""
    sender, _, rest = octets.partition(b"\r\n")
    while rest.startswith(b"X-Envelope-To: "):
        rest = rest.partition(b"\r\n")[2]
    return sender.partition(b": ")[2].decode("utf-8", "replace"), rest
