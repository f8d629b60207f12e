"""Recipients and senders of a replay: whose policies are the same, and which senders need a look of
their own.  Pure.

Most recipients have the settings of their domain, and most senders stand on no list: both are found
out once for each kind, not for each message.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from quarantine.replay_rows import SEPARATOR, Recorded
from smtpfilter.mail.address import NULL_SENDER, Address, parse_address
from smtpfilter.mail.envelope import MailId, Recipient
from smtpfilter.mail.findings import Authentication
from smtpfilter.mail.message import parse
from smtpfilter.policy.layers import Layer, Origin, PolicyBook, SenderRule
from smtpfilter.policy.lookup import SITE, domain_keys, lookup_keys, user_of
from smtpfilter.policy.resolve import is_local
from smtpfilter.policy.settings import PolicySettings
from smtpfilter.verdict.case import make_case
from smtpfilter.verdict.verdict import Case

_ADDRESS = re.compile(r"[^\s<>,;:\"()]*@[^\s<>,;:\"()]+")

Cases = tuple[Case, Case]  # by the stored policy, by the draft


@dataclass(frozen=True, slots=True)
class Group:
    """Recipients whose settings are the same, with the cases of one of them.

    `changed`: the draft gives them other ones.  `sized`: one of both policies limits the size.
    """

    number: int
    stored: Case
    draft: Case
    changed: bool
    sized: bool


class People:
    """`stored` and `draft` differ in layers only."""

    def __init__(self, stored: PolicyBook, draft: PolicyBook, now: datetime) -> None:
        self._stored, self._draft = _Narrowing(stored), _Narrowing(draft)
        self._notable = _Notable(stored)
        self._now = now
        self._by_recipient: dict[tuple[str, str | None], Group] = {}
        self._by_layers: dict[tuple[object, ...], Group] = {}
        self._by_settings: dict[tuple[PolicySettings, PolicySettings], Group] = {}

    def group(self, recipient: str, profiles: str | None) -> Group:
        """Return the group of a recipient of mail with these direction profiles."""
        found = self._by_recipient.get((recipient, profiles))
        if found is None:
            address = _address(recipient)
            found = self._by_recipient[recipient, profiles] = self._find_group(address, profiles)
        return found

    def is_notable(self, sender: str, header_from: str) -> bool:
        """Tell whether the sender may stand on a list, or claims a local domain."""
        return self._notable.names(sender, header_from)

    def cases(self, row: Recorded, group: Group, found: Authentication | None) -> Cases:
        """Return the cases of a recipient of mail from a sender who is not notable."""
        stored = replace(
            group.stored,
            size_bytes=row.size_bytes,
            bulk=not row.sender,
            origin=replace(group.stored.origin, originating=row.originating),
            authentication=found,
        )
        return stored, _by_draft(stored, group)

    def cases_of_notable(self, row: Recorded, group: Group, found: Authentication | None) -> Cases:
        """Return the cases of a recipient, whose lists are asked for the sender and the authors."""
        header = b"From: " + row.header_from.encode() + b"\r\n\r\n"
        recipient = _address(row.recipient)
        identities = (_address(row.sender), *parse(header).authors)
        origin = replace(group.stored.origin, originating=row.originating)
        stored = make_case(
            self._stored.of(recipient, identities),
            Recipient(recipient),
            mail_id=MailId(row.number),
            identities=identities,
            size_bytes=row.size_bytes,
            bulk=not row.sender,
            now=self._now,
            hostname="",
            origin=origin,
            authentication=found,
            policy=group.stored.policy,
        )
        return stored, _by_draft(stored, group)

    def _find_group(self, recipient: Address, profiles: str | None) -> Group:
        stored, draft = self._stored.layers_of(recipient), self._draft.layers_of(recipient)
        key = (stored, draft, is_local(self._stored.book, recipient), profiles)
        if key not in self._by_layers:
            self._by_layers[key] = self._make_group(recipient, profiles)
        return self._by_layers[key]

    def _make_group(self, recipient: Address, profiles: str | None) -> Group:
        stored, draft = (
            make_case(
                book.of(recipient, ()),
                Recipient(recipient),
                mail_id=MailId(0),
                identities=(NULL_SENDER,),
                size_bytes=0,
                bulk=False,
                now=self._now,
                hostname="",
                origin=book.origin(profiles),
            )
            for book in (self._stored, self._draft)
        )
        before, after = stored.policy.settings, draft.policy.settings
        if (before, after) not in self._by_settings:
            sized = bool(before.message_size_limit or after.message_size_limit)
            number = len(self._by_settings)
            group = Group(number, stored, draft, before != after, sized)
            self._by_settings[before, after] = group
        return self._by_settings[before, after]


def _by_draft(stored: Case, group: Group) -> Case:
    """Return the same case under the draft: it changes nothing but the policy."""
    return replace(stored, policy=group.draft.policy, ban_rules=group.draft.ban_rules)


class _Narrowing:
    """A book of everything, as the daemon would read it for one recipient."""

    def __init__(self, book: PolicyBook) -> None:
        self.book = book
        self._layers: dict[str, list[Layer]] = {}
        self._senders: dict[str, list[SenderRule]] = {}
        for layer in book.layers:
            self._layers.setdefault(layer.key, []).append(layer)
        for rule in book.senders:
            self._senders.setdefault(rule.sender, []).append(rule)

    def layers_of(self, recipient: Address) -> tuple[str, ...]:
        keys = self._keys(recipient)
        return tuple(key for key in keys if key in self._layers)

    def of(self, recipient: Address, identities: Iterable[Address]) -> PolicyBook:
        layers = [layer for key in self.layers_of(recipient) for layer in self._layers[key]]
        keys = dict.fromkeys(key for identity in identities for key in self._keys(identity))
        rules = [rule for key in keys for rule in self._senders.get(key, ())]
        return replace(self.book, layers=tuple(layers), senders=tuple(rules))

    def origin(self, profiles: str | None) -> Origin:
        """Return the origin of mail for which these profiles counted, the strongest last (E-5);
        those that are gone count no more.
        """
        names = profiles.split(SEPARATOR) if profiles else ()
        known = [self.book.profiles[name] for name in names if name in self.book.profiles]
        known.sort(key=lambda profile: (profile.authenticated, not profile.ports, profile.name))
        return Origin(profiles=tuple(profile.name for profile in known))

    def _keys(self, address: Address) -> tuple[str, ...]:
        return lookup_keys(address, self.book.recipient_delimiter)


class _Notable:
    """Tells quickly which senders a list may name, or who claim a local domain; in doubt: yes."""

    def __init__(self, book: PolicyBook) -> None:
        keys = {rule.sender for rule in book.senders}
        self._all = SITE in keys
        self._null = "" in keys
        self._addresses = {key for key in keys if "@" in key}
        self._domains = {key for key in keys if "@" not in key} | book.domains
        self._delimiter = book.recipient_delimiter
        self._known: dict[str, bool] = {}

    def names(self, sender: str, header_from: str) -> bool:
        if self._all or (self._null and not sender):
            return True
        found = (sender, *_ADDRESS.findall(header_from.lower()))
        return any(self._is_named(address) for address in dict.fromkeys(found))

    def _is_named(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            known = self._known[address] = self._look_up(address)
        return known

    def _look_up(self, address: str) -> bool:
        local, _, domain = address.rpartition("@")
        if not domain.isascii():  # an author's domain, before IDNA
            return True
        user = f"{user_of(local, self._delimiter)}@{domain}"
        keys = domain_keys(domain.rstrip("."))
        return not self._addresses.isdisjoint((address, user)) or not self._domains.isdisjoint(keys)


def _address(text: str) -> Address:
    return parse_address(text.encode())
