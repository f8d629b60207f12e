"""The ESMTP parameters of MAIL and RCPT, and xtext (RFC 1870, 6152, 6531, 3461; E-3, E-9).

Values are validated and kept octet for octet, so that they leave as they came.  Unknown parameters
are refused with 555 5.5.4, malformed and repeated ones with 501 5.5.4.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from smtpfilter.mail.reply import Reply

_KEYWORD = re.compile(rb"[A-Za-z0-9][A-Za-z0-9-]*")
_SIZE = re.compile(rb"[0-9]{1,20}")
_XTEXT = re.compile(rb"(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-Fa-f]{2})+")
_XTEXT_HEX = re.compile(rb"\+([0-9A-Fa-f]{2})")
_XTEXT_SPECIAL = re.compile(rb"[^\x21-\x2a\x2c-\x3c\x3e-\x7e]")
_ADDRESS_TYPE = re.compile(rb"[A-Za-z0-9!#$%&'*/?^_`{|}~-]+")
_UTF8_ADDRESS = re.compile(rb"[\x21-\x3c\x3e-\x7e\x80-\xff]+")

LONGEST_ENVID = 100  # octets (RFC 3461 4.4)
LONGEST_ORCPT = 500  # octets (RFC 3461 4.2)


class BadParameter(ValueError):
    """The parameter is refused; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(frozen=True, slots=True)
class MailParameters:
    """What followed the path of MAIL FROM; `size_bytes` is 0 where none was declared."""

    size_bytes: int = 0
    body: Literal["7BIT", "8BITMIME"] | None = None
    smtputf8: bool = False
    ret: bytes | None = None
    envid: bytes | None = None


@dataclass(frozen=True, slots=True)
class RecipientParameters:
    """What followed the path of RCPT TO."""

    notify: tuple[str, ...] = ()
    orcpt: bytes | None = None


def parse_mail_parameters(octets: bytes) -> MailParameters:
    """Return the parameters in `octets`, separated by blanks.  Raises BadParameter."""
    given = dict(_split(octets, {"SIZE", "BODY", "SMTPUTF8", "RET", "ENVID"}))
    return MailParameters(
        size_bytes=_size(given["SIZE"]) if "SIZE" in given else 0,
        body=_body(given["BODY"]) if "BODY" in given else None,
        smtputf8=_flag("SMTPUTF8", given["SMTPUTF8"]) if "SMTPUTF8" in given else False,
        ret=_ret(given["RET"]) if "RET" in given else None,
        envid=_envid(given["ENVID"]) if "ENVID" in given else None,
    )


def parse_recipient_parameters(octets: bytes, *, smtputf8: bool = False) -> RecipientParameters:
    """Return the parameters in `octets`.  `smtputf8`: MAIL asked for it.  Raises BadParameter."""
    given = dict(_split(octets, {"NOTIFY", "ORCPT"}))
    return RecipientParameters(
        notify=_notify(given["NOTIFY"]) if "NOTIFY" in given else (),
        orcpt=_orcpt(given["ORCPT"], smtputf8=smtputf8) if "ORCPT" in given else None,
    )


def encode_xtext(octets: bytes) -> bytes:
    """Return `octets` as xtext (RFC 3461 4)."""
    return _XTEXT_SPECIAL.sub(lambda match: b"+%02X" % match[0][0], octets)


def decode_xtext(octets: bytes) -> bytes | None:
    """Return what `octets` stand for, None where they are no xtext; the empty string is."""
    if octets and not _XTEXT.fullmatch(octets):
        return None
    return _XTEXT_HEX.sub(lambda match: bytes([int(match[1], 16)]), octets)


def _split(octets: bytes, known: set[str]) -> Iterator[tuple[str, bytes | None]]:
    """Yield each keyword in upper case with its value, None where there is no `=`."""
    seen = set()
    for word in octets.split(b" "):
        if not word:
            continue
        name, equals, value = word.partition(b"=")
        if not _KEYWORD.fullmatch(name) or (equals and not value):
            raise _malformed("parameter")
        keyword = name.decode("ascii").upper()
        if keyword not in known:
            raise BadParameter(Reply(555, "5.5.4", "Unsupported parameter"))
        if keyword in seen:
            raise _malformed(f"{keyword}, given twice")
        seen.add(keyword)
        yield keyword, value if equals else None


def _size(value: bytes | None) -> int:
    if value is None or not _SIZE.fullmatch(value):
        raise _malformed("SIZE")
    return int(value)


def _body(value: bytes | None) -> Literal["7BIT", "8BITMIME"]:
    match (value or b"").upper():
        case b"7BIT":
            return "7BIT"
        case b"8BITMIME":
            return "8BITMIME"
    raise _malformed("BODY")


def _flag(keyword: str, value: bytes | None) -> bool:
    if value is not None:
        raise _malformed(f"{keyword}, which takes no value")
    return True


def _ret(value: bytes | None) -> bytes:
    if value is None or value.upper() not in (b"FULL", b"HDRS"):
        raise _malformed("RET")
    return value


def _envid(value: bytes | None) -> bytes:
    if value is None or len(value) > LONGEST_ENVID or not _XTEXT.fullmatch(value):
        raise _malformed("ENVID")
    return value


def _notify(value: bytes | None) -> tuple[str, ...]:
    words = tuple((value or b"").decode("ascii", "replace").upper().split(","))
    unknown = set(words) - {"NEVER", "SUCCESS", "FAILURE", "DELAY"}
    if unknown or len(set(words)) < len(words) or ("NEVER" in words and len(words) > 1):
        raise _malformed("NOTIFY")
    return words


def _orcpt(value: bytes | None, *, smtputf8: bool) -> bytes:
    kind, semicolon, address = (value or b"").partition(b";")
    # A utf-8 address may come unencoded in a transaction that asked for SMTPUTF8 (RFC 6533 3).
    form = _UTF8_ADDRESS if kind.lower() == b"utf-8" else _XTEXT
    if (
        value is None
        or not semicolon
        or len(value) > LONGEST_ORCPT
        or not _ADDRESS_TYPE.fullmatch(kind)
        or not form.fullmatch(address)
        or not (smtputf8 or address.isascii())
    ):
        raise _malformed("ORCPT")
    return value


def _malformed(what: str) -> BadParameter:
    return BadParameter(Reply(501, "5.5.4", f"Malformed {what}"))
