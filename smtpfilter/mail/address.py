"""The path of MAIL FROM and RCPT TO (RFC 5321 4.1.2), parsed without changing an octet.

Policy is looked up for exactly the address that is forwarded: `forward(parse(x)) == x`, tested as a
property (finding 6 of the reliability notes).  Anything odd but harmless is accepted; control
characters never are.
"""

import re
from dataclasses import dataclass

import idna

LONGEST_PATH = (
    1024  # octets; RFC 5321 asks for 256, longer ones exist and are the next hop's to refuse
)

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_SOURCE_ROUTE = re.compile(rb"@[^:\"<>]*:")
_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")


class BadPath(ValueError):
    """The octets are no path; `args[0]` says why, in words fit for the reply."""


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox as named in an envelope.

    `octets`: what stood between the angle brackets, unchanged; b"" is the null sender.
    `local`, `domain`: text; the domain as A-label in lower case, "" where there is none.
    """

    octets: bytes
    local: str
    domain: str

    @property
    def canonical(self) -> str:
        """Domain as lower-case A-label, local part in ASCII lower case; "" for the null sender."""
        local = _ascii_lower(self.local)
        return f"{local}@{self.domain}" if self.domain else local

    @property
    def text(self) -> str:
        """The octets as text for people and logs; octets that are no UTF-8 show as U+FFFD."""
        return self.octets.decode("utf-8", "replace")

    @property
    def needs_smtputf8(self) -> bool:
        return not self.octets.isascii()

    def __str__(self) -> str:
        return self.text


NULL_SENDER = Address(b"", "", "")


def parse_address(octets: bytes) -> Address:
    """Return the address in `octets`, a path without its angle brackets.  Raises BadPath."""
    if len(octets) > LONGEST_PATH:
        raise BadPath("address too long")
    if _CONTROL.search(octets):
        raise BadPath("control character in address")
    if not octets:
        return NULL_SENDER
    route = _SOURCE_ROUTE.match(octets)
    mailbox = octets[route.end() :] if route else octets
    if not mailbox:
        raise BadPath("no mailbox in address")
    at = _domain_sign(mailbox)
    local, domain = mailbox[:at], mailbox[at + 1 :]
    return Address(octets, _local_text(local), canonical_domain(domain.decode("utf-8", "replace")))


def parse_mailbox(octets: bytes) -> Address | None:
    """Return the address in `octets`, None where it is none, or lacks a local part or a domain."""
    try:
        address = parse_address(octets)
    except BadPath:
        return None
    return address if address.local and address.domain else None


def parse_path(octets: bytes) -> tuple[Address, bytes]:
    """Return the address of `<path> parameters` and what follows the path.  Raises BadPath.

    Angle brackets are required; quoted strings may contain any printable octet, brackets included.
    """
    if not octets.startswith(b"<"):
        raise BadPath("address must stand in angle brackets")
    end = _closing_bracket(octets)
    rest = octets[end + 1 :]
    if rest and not rest.startswith(b" "):
        raise BadPath("garbage after address")
    return parse_address(octets[1:end]), rest.strip(b" ")


def forward(address: Address) -> bytes:
    """Return the path as it goes to the next hop: the octets received, in angle brackets."""
    return b"<" + address.octets + b">"


def canonical_domain(domain: str) -> str:
    """Return `domain` as lower-case A-label without surrounding dots; unchanged but for case where
    IDNA refuses it.

    Address literals keep their brackets (K-1).
    """
    if domain.startswith("["):
        return domain.lower()
    plain = domain.translate(_DOTS).strip(".")
    if plain.isascii():
        return plain.lower()
    try:
        return idna.encode(plain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return _ascii_lower(plain)


def _domain_sign(mailbox: bytes) -> int:
    """Return the place of the last "@", the end where there is none; one inside a quoted string
    does not count.
    """
    at = mailbox.rfind(b"@")
    inside_quotes = mailbox.startswith(b'"') and mailbox.endswith(b'"')
    return len(mailbox) if at < 0 or inside_quotes else at


def _closing_bracket(octets: bytes) -> int:
    quoted = False
    position = 1
    while position < len(octets):
        octet = octets[position : position + 1]
        if octet == b"\\" and quoted:
            position += 1
        elif octet == b'"':
            quoted = not quoted
        elif octet == b">" and not quoted:
            return position
        position += 1
    raise BadPath("no closing angle bracket")


def _local_text(local: bytes) -> str:
    """Return the local part as text; a quoted string that need not be quoted loses its quotes (RFC
    5321 4.1.2).
    """
    text = local.decode("utf-8", "replace")
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _ascii_lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)
