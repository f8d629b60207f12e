"""Who is trusted, distrusted or adjusted as a sender, for one recipient (W-1 to W-6).

Better than amavisd where its loop is a matter of luck (W-7): every identity of the sender is looked
up by itself, and what was found is combined by a fixed order.  A sender list changes what a spam
score does, nothing else (W-6).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from smtpfilter.mail.address import Address
from smtpfilter.mail.findings import visible
from smtpfilter.policy.layers import PolicyBook, SenderMatch, SenderRule
from smtpfilter.policy.lookup import is_bare, lookup_keys
from smtpfilter.policy.resolve import is_local, scope

_ORDER = {"allow": 0, "block": 1, "score": 2}


@dataclass(frozen=True, slots=True)
class _Hit:
    """A rule that matches an identity; hits compare by what decides: layer, sender key, white
    before black.
    """

    rank: tuple[int, int, int]
    rule: SenderRule
    identity: Address


def match_senders(
    book: PolicyBook, recipient: Address, identities: Sequence[Address], now: datetime
) -> SenderMatch:
    """Return what the sender lists say for `recipient`.

    `identities`: envelope sender and authors (W-1).  Within a layer the most specific sender key
    counts, and white wins ties; of the hard entries the one in the most specific layer counts;
    points add up over the layers that an identity passes before it meets a hard entry, each rule
    once (W-2, W-4).  Expired rules do not count.
    """
    if not book.senders:
        return SenderMatch()
    keys = scope(book, recipient)
    rules = _rules_by_key(book.senders, keys, now)
    hits = [
        hit for identity in dict.fromkeys(identities) for hit in _hits(book, rules, keys, identity)
    ]
    hard = min((hit for hit in hits if hit.rule.action != "score"), key=_rank, default=None)
    soft = {hit.rule: hit for hit in hits if hit.rule.action == "score"}
    return SenderMatch(
        white=hard is not None and hard.rule.action == "allow",
        black=hard is not None and hard.rule.action == "block",
        points=round(sum(rule.points for rule in soft), 3),
        why=tuple(map(_sentence, ([hard] if hard else []) + list(soft.values()))),
    )


def _rules_by_key(
    rules: Iterable[SenderRule], keys: tuple[str, ...], now: datetime
) -> Mapping[str, Mapping[str, list[SenderRule]]]:
    found: dict[str, dict[str, list[SenderRule]]] = defaultdict(lambda: defaultdict(list))
    wanted = frozenset(keys)
    for rule in rules:
        if rule.key in wanted and (rule.expires_at is None or rule.expires_at > now):
            found[rule.key][rule.sender].append(rule)
    return found


def _hits(
    book: PolicyBook,
    rules: Mapping[str, Mapping[str, list[SenderRule]]],
    keys: tuple[str, ...],
    identity: Address,
) -> Iterable[_Hit]:
    """Yield the hit of each layer, the strongest layer first, up to a hard one."""
    local = is_local(book, identity)
    senders = [
        key for key in lookup_keys(identity, book.recipient_delimiter) if local or not is_bare(key)
    ]
    for layer, key in enumerate(keys):
        listed = rules.get(key, {})
        found = next(((n, sender) for n, sender in enumerate(senders) if sender in listed), None)
        if found:
            rule = min(listed[found[1]], key=lambda rule: _ORDER[rule.action])
            yield _Hit((layer, found[0], _ORDER[rule.action]), rule, identity)
            if rule.action != "score":
                return


def _rank(hit: _Hit) -> tuple[int, int, int]:
    return hit.rank


def _sentence(hit: _Hit) -> str:
    rule, who = hit.rule, visible(hit.identity.text) or "<>"
    entry = f"entry {rule.sender or '<>'} of {rule.key}"
    if rule.action == "score":
        return f"The sender {who} gets {rule.points:+g} points ({entry})."
    listed = "always allowed" if rule.action == "allow" else "blocked"
    return f"The sender {who} is {listed} ({entry})."
