"""Which domains signed a message?  (RFC 6376, 8301, 8463; the cryptography is dkimpy's)

A signature that is good but proves too little (short key, part of the body, testing) is "policy",
as RFC 8601 2.7.1 has it.  The header section that is verified is the one that all else in Postern
reads; a second parser could see another author.
"""

import base64
import hashlib
import logging
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

import dkim
from dkim.canonicalization import CanonicalizationPolicy
from dkim.util import InvalidTagValueList, parse_tag_value

from smtpfilter.mail.address import canonical_domain
from smtpfilter.mail.findings import Signature, visible
from smtpfilter.mail.message import Field, Message
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.scan.authenticity.body import canonical_body
from smtpfilter.scan.authenticity.domains import organisation
from smtpfilter.scan.authenticity.lookups import DnsFailed, Lookups

MOST_SIGNATURES = 10
MOST_FIELDS = 1000  # dkimpy looks through all of them for every name in h=
LONGEST_SIGNATURE_BYTES = 4096  # its patterns take their time with what is longer
SHORTEST_KEY_BITS, LONGEST_KEY_BITS = 1024, 8192  # RFC 8301 3.2; what is longer takes its time
LONGEST_EXPONENT_BITS = 64

_LINE_END = re.compile(rb"\r?\n")

logging.getLogger("dkimpy").setLevel(logging.CRITICAL + 1)  # what it logs is mail content

Tags = Mapping[bytes, bytes]


class _Refused(Exception):
    """The signature does not count: (result, why)."""


def check_signatures(
    message: Message, mail: SpooledMail, lookups: Lookups, now: datetime
) -> tuple[Signature, ...]:
    """Return what each signature is worth, from the top, ten at most.  `now` is when it came.

    Signatures of the authors' own organisations are checked first: no slow signature of another
    domain takes their time.
    """
    fields = message.all("dkim-signature")[:MOST_SIGNATURES]
    own = {organisation(author.domain) for author in message.authors}
    check = _Check(message, mail, lookups, now)
    order = sorted(range(len(fields)), key=lambda n: organisation(_domain(fields[n])) not in own)
    found = {number: check.signature(number, fields[number]) for number in order}
    return tuple(found[number] for number in range(len(fields)))


class _Check:
    def __init__(
        self, message: Message, mail: SpooledMail, lookups: Lookups, now: datetime
    ) -> None:
        self._message = message
        self._mail = mail
        self._lookups = lookups
        self._now = now

    def signature(self, number: int, field: Field) -> Signature:
        tags: Tags = {}
        try:
            tags = _tags(field)
            self._verify(number, tags)
            result, reason = "pass", ""
        except _Refused as refused:
            result, reason = refused.args
        except DnsFailed as failure:
            result, reason = "temperror", str(failure)
        except dkim.DKIMException as error:
            result, reason = "permerror", str(error)
        except Exception as error:  # noqa: BLE001 - whatever content does to dkimpy is its own fault
            result, reason = "permerror", type(error).__name__
        return Signature(
            domain=visible(_domain(field), 255),
            selector=visible(_text(tags.get(b"s", b"")), 255),
            result=result,
            reason=visible(reason, 200),
        )

    def _verify(self, number: int, tags: Tags) -> None:
        """Raise _Refused, DnsFailed or what dkimpy raises unless the signature is good."""
        if len(self._message.fields) > MOST_FIELDS:
            raise _Refused("policy", "too many header fields")
        if self._lookups.seconds_left <= 0:
            raise _Refused("neutral", "no time left")  # no temperror: the sender's own making
        _refuse_weak(tags, self._now)
        key = self._key(tags)
        self._compare_body(tags)
        verifier = dkim.DKIM(minkey=SHORTEST_KEY_BITS)
        verifier.headers = [list(pair) for pair in self._headers]
        _, names, fields = verifier.verify_headerprep(number)
        header_only = {name: value for name, value in tags.items() if name != b"bh"}
        if not verifier.verify_sig(header_only, names, fields[number], lambda *_, **__: key):
            raise _Refused("fail", "the signature does not match")

    def _compare_body(self, tags: Tags) -> None:
        """Raise _Refused unless the whole body is the one that was signed."""
        canonical = CanonicalizationPolicy.from_c_value(tags.get(b"c", b"simple/simple"))
        relaxed = canonical.body_algorithm.name == b"relaxed"
        length, digest = self._relaxed_body if relaxed else self._simple_body
        if b"l" in tags and int(tags[b"l"]) < length:
            raise _Refused("policy", "only a part of the body is signed")
        if base64.b64decode(b"".join(tags[b"bh"].split())) != digest:
            raise _Refused("fail", "the body was changed")

    def _key(self, tags: Tags) -> bytes:
        """Return the key record.  Raises _Refused, DnsFailed."""
        name = f"{_text(tags[b's'])}._domainkey.{_text(tags[b'd'])}"
        records = self._lookups.texts(name)
        if len(records) != 1:
            raise _Refused("permerror", "several keys" if records else "no key")
        _refuse_key(name, records[0], tags)
        return records[0]

    @cached_property
    def _headers(self) -> list[tuple[bytes, bytes]]:
        return [
            (field.name.encode("ascii"), _with_crlf(field.raw.partition(b":")[2]))
            for field in self._message.fields
        ]

    @cached_property
    def _simple_body(self) -> tuple[int, bytes]:
        return self._measured_body(relaxed=False)

    @cached_property
    def _relaxed_body(self) -> tuple[int, bytes]:
        return self._measured_body(relaxed=True)

    def _measured_body(self, *, relaxed: bool) -> tuple[int, bytes]:
        """Return the length and the SHA-256 of the canonical body."""
        octets = self._mail.octets[self._message.body_start :]
        body = canonical_body(octets, relaxed=relaxed)
        return len(body), hashlib.sha256(body).digest()


def _tags(field: Field) -> Tags:
    """Return the tags of a signature.  Raises _Refused, ValidationError."""
    if len(field.raw) > LONGEST_SIGNATURE_BYTES:
        raise _Refused("policy", "the signature is too long")
    try:
        tags: Tags = parse_tag_value(field.raw.partition(b":")[2])
    except InvalidTagValueList:
        raise _Refused("permerror", "the signature is no list of tags") from None
    return tags


def _domain(field: Field) -> str:
    """Return d= as A-label, "" where it cannot be read."""
    try:
        return canonical_domain(_text(_tags(field).get(b"d", b"")))
    except _Refused:
        return ""


def _refuse_weak(tags: Tags, now: datetime) -> None:
    """Raise _Refused or ValidationError where the signature's own words make it worthless."""
    expires = tags.get(b"x", b"")
    if expires.isdigit() and int(expires) < now.timestamp():
        raise _Refused("fail", "the signature has expired")  # dkimpy waits for ten hours more
    dkim.validate_signature_fields(tags)
    if b"from" not in _list(tags[b"h"]):
        raise _Refused("permerror", "the author is not signed")  # RFC 6376 5.4
    if tags[b"a"].endswith(b"sha1"):
        raise _Refused("policy", "SHA-1 is too weak")  # RFC 8301 3.1


def _refuse_key(name: str, record: bytes, tags: Tags) -> None:
    """Raise _Refused or KeyFormatError where this key cannot prove this signature (RFC 6376
    3.6.1).
    """
    try:
        words = parse_tag_value(record)
    except InvalidTagValueList:
        raise _Refused("permerror", "the key is no list of tags") from None
    if not words.get(b"p"):
        raise _Refused("permerror", "the key was revoked")
    if b"s" in words and not {b"*", b"email"} & set(_list(words[b"s"])):
        raise _Refused("permerror", "the key is not for mail")
    if b"h" in words and b"sha256" not in _list(words[b"h"]):
        raise _Refused("permerror", "the key is not for SHA-256")
    flags = _list(words.get(b"t", b""))
    if b"y" in flags:
        raise _Refused("policy", "the domain is only testing DKIM")
    identity = tags.get(b"i", b"@" + tags[b"d"]).rpartition(b"@")[2]
    if b"s" in flags and identity.lower() != tags[b"d"].lower():
        raise _Refused("permerror", "the key is not for sub-domains")
    key, bits, kind, _ = dkim.evaluate_pk(name, record)
    if kind != tags[b"a"].partition(b"-")[0]:  # dkimpy goes by the key alone
        raise _Refused("permerror", "the key is not for this algorithm")
    if kind == b"rsa" and not SHORTEST_KEY_BITS <= bits <= LONGEST_KEY_BITS:
        raise _Refused("policy", f"a key of {bits} bits")
    if kind == b"rsa" and key["publicExponent"].bit_length() > LONGEST_EXPONENT_BITS:
        raise _Refused("policy", "a key with a large exponent")


def _list(value: bytes) -> list[bytes]:
    return [word.strip().lower() for word in value.split(b":")]


def _with_crlf(value: bytes) -> bytes:
    """Return a field's value with CRLF at every line's end, at its own too."""
    lines = _LINE_END.sub(b"\r\n", value)
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")
