"""Who is trusted, distrusted or adjusted as a sender, for one recipient (W-1 to W-9).

Better than amavisd where its loop is a matter of luck (W-7): every identity of the sender is looked
up by itself, and what was found is combined by a fixed order.  An entry may ask for proof (W-8): it
counts only where DKIM or SPF shows that the identity's domain sent the mail.  A sender list changes
what a spam score does, nothing else (W-6).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from smtpfilter.mail.address import Address
from smtpfilter.mail.findings import Authentication, visible
from smtpfilter.policy.layers import PolicyBook, SenderMatch, SenderRule
from smtpfilter.policy.lookup import is_bare, lookup_keys
from smtpfilter.policy.resolve import is_local, scope

_ORDER = {"allow": 0, "block": 1, "score": 2}

Rules = Mapping[str, Mapping[str, list[SenderRule]]]  # layer's key -> sender's key -> entries


@dataclass(frozen=True, slots=True)
class _Proof:
    """What is known about who sent the mail: None where DKIM and SPF were not asked.

    `authors`: how many the mail names.
    """

    authentication: Authentication | None
    authors: int

    def proven(self, identity: Address) -> bool:
        found = self.authentication
        return found is not None and belongs(identity.domain, found.proven)

    def lacking(self, identity: Address) -> str:
        """Return why an entry that asks for proof does not count for `identity`, "" where it
        does.
        """
        if self.authentication is None:
            return "DKIM and SPF were not asked who sent this mail"
        if self.authors > 1:
            return f"the mail names {self.authors} authors"
        if not self.proven(identity):
            return f"neither DKIM nor SPF proves that {_name(identity)} sent this mail"
        return ""


@dataclass(frozen=True, slots=True)
class _Hit:
    """An entry that matches an identity, at the numbers of its layer and of its sender key, both
    most specific first.  `lacking`: why it does not count, "" where it does.
    """

    layer: int
    place: int
    rule: SenderRule
    identity: Address
    lacking: str = ""

    @property
    def hard(self) -> bool:
        return self.rule.action != "score"

    @property
    def rank(self) -> tuple[int, int, int, str, str]:
        """What decides: layer, sender key, white before black; the rest makes it a total order."""
        action = _ORDER[self.rule.action]
        return (self.layer, self.place, action, self.rule.sender, self.identity.canonical)


def belongs(domain: str, proven: Iterable[str]) -> bool:
    """Tell whether one of the domains `proven` (Authentication.proven) is `domain` or above it."""
    return any(domain == name or domain.endswith(f".{name}") for name in proven)


def match_senders(
    book: PolicyBook,
    recipient: Address,
    identities: Sequence[Address],
    now: datetime,
    authentication: Authentication | None = None,
) -> SenderMatch:
    """Return what the sender lists say for `recipient`.

    `identities`: the envelope sender, then the authors (W-1).  Within a layer the most specific
    sender key counts; at one key entries made by hand go first, then sources by name, and white
    before black.  Of the hard entries the one in the most specific layer counts; points add up over
    the layers that an identity passes before it meets a hard entry, each entry once (W-2, W-4).
    Expired entries do not count; those that ask for proof (W-8) count for proven identities of mail
    with a single author.
    """
    if not book.senders:
        return SenderMatch()
    keys = scope(book, recipient)
    rules = _rules_by_key(book.senders, keys, now)
    proof = _Proof(authentication, len({author.canonical for author in identities[1:]}))
    people = {identity.canonical: identity for identity in identities}
    hits = sorted(
        (hit for identity in people.values() for hit in _hits(book, rules, keys, identity, proof)),
        key=lambda hit: hit.rank,
    )
    counted = [hit for hit in hits if not hit.lacking]
    hard = [hit for hit in counted if hit.hard][:1]
    soft = list({hit.rule: hit for hit in reversed(counted) if not hit.hard}.values())[::-1]
    return SenderMatch(
        white=any(hit.rule.action == "allow" for hit in hard),
        black=any(hit.rule.action == "block" for hit in hard),
        points=round(sum(hit.rule.points for hit in soft), 3),
        why=(
            *(_sentence(hit, proof) for hit in (*hard, *soft)),
            *dict.fromkeys(_lacking(hit) for hit in hits if hit.lacking),
        ),
        rules=tuple(hit.rule.number for hit in (*hard, *soft) if hit.rule.number),
    )


def _rules_by_key(rules: Iterable[SenderRule], keys: Collection[str], now: datetime) -> Rules:
    """Return the entries that may count; of those for one sender the strongest first."""
    found: dict[str, dict[str, list[SenderRule]]] = defaultdict(lambda: defaultdict(list))
    for rule in sorted(rules, key=lambda rule: (rule.source, _ORDER[rule.action])):
        if rule.key in keys and (rule.expires_at is None or rule.expires_at > now):
            found[rule.key][rule.sender].append(rule)
    return found


def _hits(
    book: PolicyBook, rules: Rules, keys: Sequence[str], identity: Address, proof: _Proof
) -> Iterator[_Hit]:
    """Yield the hit of each layer, the strongest layer first, up to a hard one; before it those
    that would have counted with proof.
    """
    local = is_local(book, identity)
    senders = [
        key for key in lookup_keys(identity, book.recipient_delimiter) if local or not is_bare(key)
    ]
    for layer, key in enumerate(keys):
        listed = rules.get(key, {})
        for place, rule in (
            (place, rule) for place, key in enumerate(senders) for rule in listed.get(key, ())
        ):
            lacking = proof.lacking(identity) if rule.authenticated else ""
            hit = _Hit(layer, place, rule, identity, lacking)
            yield hit
            if hit.hard and not lacking:
                return
            if not lacking:
                break


def _sentence(hit: _Hit, proof: _Proof) -> str:
    rule, who = hit.rule, _name(hit.identity)
    if rule.action == "score":
        return f"The sender {who} gets {rule.points:+g} points ({_entry(rule)})."
    if rule.action == "block":
        return f"The sender {who} is blocked ({_entry(rule)})."
    unproven = proof.authentication is not None and not proof.proven(hit.identity)
    doubt = ", though neither DKIM nor SPF proves that it was he" if unproven else ""
    return f"The sender {who} is always allowed ({_entry(rule)}){doubt}."


def _lacking(hit: _Hit) -> str:
    return f"The {_entry(hit.rule)} does not count: {hit.lacking}."


def _entry(rule: SenderRule) -> str:
    return f"entry {rule.sender or '<>'} of {rule.key}"


def _name(identity: Address) -> str:
    return visible(identity.text) or "<>"
