"""The octets of a message as header fields with their places: where the header section ends is what
decides the rest.

The header section is what the next hop takes for it, as Postfix does: fields and their continuation
lines up to the empty line, or up to the first line that is neither (then there is no empty line,
and the body begins with that line).  A line ends at CRLF or LF; a bare CR ends none.  Nothing in
here raises, whatever the octets are; at most the first MiB is read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from smtpfilter.mail import words
from smtpfilter.mail.address import Address, parse_mailbox
from smtpfilter.mail.envelope import Client, Envelope
from smtpfilter.mail.findings import visible
from smtpfilter.mail.octets import Octets

LONGEST_HEADER_BYTES = 1 << 20
MOST_AUTHORS = 100
MOST_ANSWERED = 50

_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")  # RFC 5322 2.2; blanks before the colon: 4.5
_LINE_END = re.compile(rb"\r?\n")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,996}>")
_MBOX_LINE = re.compile(rb">*From ")

_LIST_FIELDS = ("list-id", "list-post", "list-unsubscribe", "mailing-list")
_BY_HAND = re.compile(r"no\s*([;(]|\Z)", re.I)  # RFC 3834 5: Auto-Submitted
_BULK_PRECEDENCE = re.compile(r"\s*(bulk|list|junk|auto.?reply)\b", re.I)
_LIST_OWNER = re.compile(r"owner-.*|.*-(owner|request|bounces?|admin|errors?)(\+.*)?", re.I)
_ROBOT = re.compile(r"(mailer-daemon|double-bounce|mailer|autoreply)", re.I)

# What Postfix writes.  Comments in between may quote a client's certificate: they are skipped as a
# whole, so that nobody writes a "by" or "with" of his own.
_COMMENT = r"\((?:[^()]++|\((?:[^()]++|\([^()]*+\))*+\))*+\)"
_RECEIVED = re.compile(
    r"(?P<sender>from (?P<helo>\S+) \((?P<name>\S+) \[(?:IPv6:)?(?P<address>[0-9A-Fa-f.:]+)\]\)"
    rf"(?: {_COMMENT})*+ )?"
    r"by (?P<host>\S+) \(Postfix[^()]*\)"
    r"(?: with (?P<proto>[A-Za-z0-9]+)\b)?(?: id (?P<ident>[0-9A-Za-z]{6,40})\b)?"
)
_LOGGED_IN = re.compile(r"(E|UTF8)SMTPS?A", re.I)  # RFC 3848, RFC 6531 4.3


@dataclass(frozen=True, slots=True)
class Field:
    """One header field: its name as written, its octets with line ends, and where they begin in the
    message.
    """

    name: str
    raw: bytes
    start: int

    @property
    def key(self) -> str:
        return self.name.lower()

    @property
    def value(self) -> bytes:
        """What follows the colon, unfolded (RFC 5322 2.2.3) and stripped."""
        return _LINE_END.sub(b"", self.raw.partition(b":")[2]).strip(b" \t\r\n")

    @property
    def text(self) -> str:
        """The value as text: UTF-8, or Latin-1 where it is none; encoded words stay."""
        return words.raw_text(self.value)


@dataclass(frozen=True)
class Message:
    """One parsed message.

    `separator`: the octets of the empty line, b"" where there is none.  `body_start`: where the
    body begins.
    `mbox_line`: an mbox "From " line before the fields, b"" mostly.  `stray_line`: the line that
    ended the section in place of an empty one, its first 200 octets.  `too_long`: the section is
    longer than one MiB; the rest is body to us.
    """

    fields: tuple[Field, ...]
    separator: bytes
    body_start: int
    mbox_line: bytes = b""
    stray_line: bytes = b""
    too_long: bool = False

    @cached_property
    def _by_key(self) -> dict[str, list[Field]]:
        found: dict[str, list[Field]] = {}
        for field in self.fields:
            found.setdefault(field.key, []).append(field)
        return found

    def all(self, name: str) -> tuple[Field, ...]:
        """Return the fields called `name`, from the top; case does not matter."""
        return tuple(self._by_key.get(name.lower(), ()))

    def first(self, name: str) -> str | None:
        """Return the text of the topmost field called `name`, None where there is none."""
        fields = self._by_key.get(name.lower())
        return fields[0].text if fields else None

    @cached_property
    def subject(self) -> str:
        """The decoded subject, visible text, "" where there is none."""
        return visible(words.decode(self.first("subject") or ""))

    @cached_property
    def message_id(self) -> str:
        return visible(self.first("message-id") or "", 998)

    @cached_property
    def header_from(self) -> str:
        """The decoded From field, visible text."""
        return visible(words.decode(self.first("from") or ""))

    @cached_property
    def authors(self) -> tuple[Address, ...]:
        """The addresses of all From fields, each once, at most 100; no address, no author."""
        mailboxes = (
            mailbox for field in self.all("from") for mailbox in words.mailboxes(field.value)
        )
        parsed = (parse_mailbox(mailbox) for mailbox in mailboxes)
        return tuple(islice(dict.fromkeys(address for address in parsed if address), MOST_AUTHORS))

    @cached_property
    def answered_ids(self) -> tuple[str, ...]:
        """The Message-IDs that the mail answers (RFC 5322 3.6.4), visible text, at most 50: from
        In-Reply-To, then from References, the newest first.
        """
        found: list[str] = []
        for name in ("in-reply-to", "references"):
            text = " ".join(field.text for field in self.all(name))
            found += reversed(_MESSAGE_ID.findall(text))
        return tuple(islice(dict.fromkeys(visible(one) for one in found), MOST_ANSWERED))

    @property
    def received_count(self) -> int:
        return len(self._by_key.get("received", ()))

    def is_bulk(self, mail_from: Address) -> bool:
        """Tell whether nobody waits for an answer: null sender, list or automatic mail (N-2)."""
        if not mail_from.octets or _LIST_OWNER.fullmatch(mail_from.local):
            return True
        if any(name in self._by_key for name in _LIST_FIELDS):
            return True
        return (
            any(not _BY_HAND.match(field.text) for field in self.all("auto-submitted"))
            or any(_BULK_PRECEDENCE.match(field.text) for field in self.all("precedence"))
            or any(_ROBOT.fullmatch(author.local) for author in self.authors)
        )


def parse(octets: Octets) -> Message:
    """Return the message in `octets`.  Raises nothing."""
    head = bytes(octets[:LONGEST_HEADER_BYTES])
    cut = len(octets) > len(head)
    fields: list[Field] = []
    name, start, position = "", 0, 0
    mbox_line = separator = stray_line = b""
    for line in _lines(head, cut):
        continuation = line[:1] in (b" ", b"\t") and (fields or name)
        if not continuation and name:
            fields.append(Field(name, head[start:position], start))
            name = ""
        if not continuation:
            found = _NAME.match(line)
            if not line.strip(b"\r\n"):
                separator = line
            elif found:
                name, start = found[1].decode("ascii"), position
            elif position == 0 and _MBOX_LINE.match(line):
                mbox_line = line
            else:
                stray_line = line[:200]
            if separator or stray_line:
                break
        position += len(line)
    if name:
        fields.append(Field(name, head[start:position], start))
    return Message(
        fields=tuple(fields),
        separator=separator,
        body_start=position + len(separator),
        mbox_line=mbox_line,
        stray_line=stray_line,
        too_long=cut and not separator and not stray_line,
    )


def believed_client(message: Message, envelope: Envelope, own_postfix: str) -> Client:
    """Return who gave the mail to Postfix: by XFORWARD, else by the topmost Received field if our
    Postfix wrote it.  Whether he logged in, only that field tells.

    `own_postfix`: the name after "by" that is believed, "" for none (design 4.2).
    """
    if envelope.client == Client():
        return received_client(message, own_postfix) or envelope.client
    logged_in = authenticated(message, own_postfix, envelope.client.ident)
    return replace(envelope.client, authenticated=logged_in)


def authenticated(message: Message, own_postfix: str, ident: str | None = None) -> bool:
    """Tell whether the topmost Received field is our Postfix's and says that the sender logged in.

    `ident`: the queue id by XFORWARD, None where unknown; a field with another one is not of this
    hop, and may have come with the mail.
    """
    client = received_client(message, own_postfix)
    if client is None or (client.ident and ident and client.ident != ident):
        return False
    return client.authenticated


def received_client(message: Message, own_postfix: str) -> Client | None:
    """Return the client that the topmost Received field names, None unless Postfix on `own_postfix`
    wrote it.
    """
    text = " ".join((message.first("received") or "")[:4000].split())
    found = _RECEIVED.match(text)
    if not found or not own_postfix or found["host"].lower() != own_postfix.lower():
        return None
    if not found["sender"]:
        return Client(ident=found["ident"], source="LOCAL")
    return Client(
        address=found["address"],
        name=None if found["name"] == "unknown" else found["name"],
        helo=found["helo"],
        proto=found["proto"],
        ident=found["ident"],
        source="REMOTE",
        authenticated=_LOGGED_IN.fullmatch(found["proto"] or "") is not None,
    )


def _lines(head: bytes, cut: bool) -> Iterator[bytes]:
    """Yield the lines of `head` with their ends; one that was cut off is left out."""
    position = 0
    while position < len(head):
        end = head.find(b"\n", position) + 1
        if not end and cut:
            return
        end = end or len(head)
        yield head[position:end]
        position = end
