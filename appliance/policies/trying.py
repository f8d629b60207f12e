"""Trying ban rules on a sample: which rule would decide, and about what.

A file is hostile: it is only handed to the limited child that unpacks for the filter, too.
"""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

from appliance.errors import Refused
from appliance.policies.source import DatabasePolicySource
from smtpfilter.config import FilterConfig
from smtpfilter.errors import Overloaded
from smtpfilter.mail.address import Address, parse_address
from smtpfilter.mail.findings import Part, Unchecked
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.policy.ban_sets import BUILT_IN
from smtpfilter.policy.banning import deciding_rule, rule_names
from smtpfilter.policy.layers import BanRule
from smtpfilter.policy.resolve import resolve
from smtpfilter.policy.site import Limits
from smtpfilter.ports.unpacking import Unpacked
from smtpfilter.unpack.worker import Unpacker

MOST_BYTES = 20 * 1024 * 1024
LIMITS = Limits(seconds=15.0)  # a person waits
LONGEST_NAME = 1000  # characters

Sets = Mapping[str, tuple[BanRule, ...]]
_ANYBODY = parse_address(b"")  # for whom only the layer of the site counts


@dataclass(frozen=True, slots=True)
class Tried:
    """One part of the sample: its path, and the rule that decides, None where none matches.

    `set_name`, `number`: where the rule stands, counted from 1.
    """

    path: str
    rule: BanRule | None = None
    set_name: str = ""
    number: int = 0

    @property
    def banned(self) -> bool:
        return self.rule is not None and self.rule.banned

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "banned": self.banned,
            "set": self.set_name,
            "number": self.number,
            "comment": self.rule.comment if self.rule else "",
            "pattern": self.rule.pattern if self.rule else "",
        }


def sets_named(rulenames: str) -> dict[str, tuple[BanRule, ...]]:
    """Return the rules of the sets that a value of banned_rulenames names.  Raises Refused."""
    sets = {**BUILT_IN, **DatabasePolicySource().load((), ()).ban_sets}
    names = rule_names(rulenames)
    for name in names:
        if name not in sets:
            there = ", ".join(sorted(sets))
            raise Refused(f"there is no ban rule set {name!r}; there are: {there}")
    return {name: sets[name] for name in names}


def sets_of(recipient: Address = _ANYBODY) -> dict[str, tuple[BanRule, ...]]:
    """Return the sets that count for the recipient; by default those of the site."""
    book = DatabasePolicySource().load((), (recipient,))
    sets = {**BUILT_IN, **book.ban_sets}
    names = rule_names(resolve(book, recipient).settings.banned_rulenames or "")
    return {name: sets[name] for name in names if name in sets}


def try_names(sets: Sets, names: Sequence[str]) -> list[Tried]:
    """Return what the rules say to names, or to types as rules see them (".exe")."""
    return [_tried(sets, Part("1", ((name[-LONGEST_NAME:],),), name, "", 0)) for name in names]


def try_file(sets: Sets, octets: bytes, name: str) -> tuple[list[Tried], tuple[Unchecked, ...]]:
    """Return what the rules say to the parts of a message (`name` ends in .eml) or attached file,
    unpacked as the filter does, and what could not be looked into.  Raises Refused.
    """
    if len(octets) > MOST_BYTES:
        raise Refused(f"the file has more than {MOST_BYTES >> 20} MiB")
    found = _unpacked(octets if name.lower().endswith(".eml") else _mail(octets, name))
    return [_tried(sets, part) for part in found.parts], found.unchecked


def _tried(sets: Sets, part: Part) -> Tried:
    places = [(name, n, rule) for name, rules in sets.items() for n, rule in enumerate(rules, 1)]
    found = deciding_rule([rule for _, _, rule in places], part)
    if found is None:
        return Tried(part.banned_path)
    name, number, rule = next(place for place in places if place[2] == found)
    return Tried(part.banned_path, rule, name, number)


def _mail(octets: bytes, name: str) -> bytes:
    """Return a message with the file attached under its name."""
    message = EmailMessage(policy=SMTP)
    message.set_content("")
    printable = "".join(character if character.isprintable() else "_" for character in name)
    message.add_attachment(
        octets, maintype="application", subtype="octet-stream", filename=printable[-LONGEST_NAME:]
    )
    return message.as_bytes()


def _unpacked(octets: bytes) -> Unpacked:
    unpacker = Unpacker(FilterConfig.from_environment())
    try:
        with tempfile.TemporaryDirectory(prefix="postern-try.") as folder:
            path = Path(folder, "message")
            path.write_bytes(octets)
            digest = hashlib.sha256(octets).hexdigest()
            return unpacker.unpack(SpooledMail(octets, digest, path, path.parent), LIMITS)
    except Overloaded as error:
        raise Refused(f"the file was not looked into: {error}; try again") from None
    finally:
        unpacker.stop()
