"""Sets of ban rules: ordered patterns on file names and types.  Recorded.

A set of the site takes the place of the built-in one of its name; where it is removed, the built-in
one is back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from appliance.errors import Refused
from appliance.policies.models import BanRuleSet, NamedPolicy, PolicyLayer, Profile
from appliance.policies.revisions import record
from smtpfilter.mail.findings import visible
from smtpfilter.policy.ban_sets import BUILT_IN
from smtpfilter.policy.banning import BadPattern, check_pattern, rule_names
from smtpfilter.policy.layers import BanRule

MOST_RULES = 1000
LONGEST_COMMENT = 200  # characters
_FLAGS = {"banned": True, "path": False, "silent": False}  # with what they are where left out

Rules = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """`shipped`: Postern brings a set of this name; `own`: the site has one of its own."""

    name: str
    rules: Rules
    shipped: bool
    own: bool


def all_sets() -> list[RuleSet]:
    """Return the sets that policies can name, by name."""
    own = {found.name: found.rules for found in BanRuleSet.objects.all()}
    return [
        RuleSet(name, own.get(name, shipped_rules(name)), name in BUILT_IN, name in own)
        for name in sorted(own.keys() | BUILT_IN.keys())
    ]


def find_set(name: str) -> RuleSet | None:
    return next((found for found in all_sets() if found.name == name), None)


def summary(found: RuleSet) -> dict[str, Any]:
    """Return the set as `banrules list` prints it."""
    return {
        "name": found.name,
        "rules": len(found.rules),
        "built_in": found.shipped,
        "own": found.own,
    }


def shipped_rules(name: str) -> Rules:
    """Return the rules of the built-in set, [] where there is none."""
    return [as_json(rule) for rule in BUILT_IN.get(name, ())]


def as_json(rule: BanRule) -> dict[str, Any]:
    """Return the rule as it is stored; `path` and `silent` stand there where they are true."""
    shown = {"pattern": rule.pattern, "banned": rule.banned, "comment": rule.comment}
    return shown | {name: True for name in ("path", "silent") if getattr(rule, name)}


def to_rules(rules: Rules) -> tuple[BanRule, ...]:
    """Return stored rules as the filter reads them."""
    return tuple(BanRule(**rule) for rule in rules)


def parse_rules(document: object) -> Rules:
    """Return the rules in a JSON list of {pattern, banned, comment, path, silent}.

    Raises Refused.
    """
    if not isinstance(document, Sequence) or isinstance(document, str):
        raise Refused("ban rules are a list of {pattern, banned, comment, path, silent}")
    if len(document) > MOST_RULES:
        raise Refused(f"a set has at most {MOST_RULES} rules")
    return [_rule(number, item) for number, item in enumerate(document, start=1)]


def parse_name(text: str) -> str:
    """Return the name of a set.  Raises Refused."""
    name = text.strip()
    odd = not name.isprintable() or "," in name or "/" in name or name.startswith("+")
    if odd or not 0 < len(name) <= 100:
        raise Refused("a set's name has 1 to 100 characters, no comma or slash, and no + at first")
    return name


def parse_pattern(text: str) -> dict[str, Any]:
    """Return the rule that a person wrote: a pattern, with "!" before it an exception."""
    return _rule(1, {"pattern": text.removeprefix("!"), "banned": not text.startswith("!")})


@transaction.atomic
def set_rules(*, name: str, rules: object, actor: str) -> BanRuleSet:
    """Make `rules` (see parse_rules) the set `name`.  Raises Refused."""
    name = parse_name(name)
    parsed = parse_rules(rules)
    earlier = BanRuleSet.objects.select_for_update().filter(name=name).first()
    before = {"rules": earlier.rules} if earlier else None
    after = {"rules": parsed}
    found, _ = BanRuleSet.objects.update_or_create(name=name, defaults=after)
    if before != after:
        record(who=actor, verb="banrules set", key=name, before=before, after=after)
    return found


@transaction.atomic
def remove_rules(*, name: str, actor: str) -> None:
    """Remove the site's set `name`; a built-in set of that name is back.

    Raises Refused where there is none, and where policies name a set that would be no more: it
    would ban nothing (B-4), and nobody would see it.
    """
    found = BanRuleSet.objects.select_for_update().filter(name=name).first()
    if found is None:
        why = "is as it was shipped" if name in BUILT_IN else "does not exist"
        raise Refused(f"the set {name!r} {why}")
    users = [] if name in BUILT_IN else sorted(_users(name))
    if users:
        raise Refused(f"the set {name!r} is used by {', '.join(users[:10])}")
    record(who=actor, verb="banrules remove", key=name, before={"rules": found.rules}, after=None)
    found.delete()


def _users(name: str) -> Iterator[str]:
    """Yield the names of all rows whose banned_rulenames name the set."""
    tables = (
        (PolicyLayer.objects.all(), "key"),
        (NamedPolicy.objects.all(), "name"),
        (Profile.objects.all(), "name"),
    )
    for rows, key in tables:
        naming = rows.filter(banned_rulenames__contains=name)
        for user, names in naming.values_list(key, "banned_rulenames"):
            if name in rule_names(names):
                yield user


def _rule(number: int, item: object) -> dict[str, Any]:
    if not isinstance(item, Mapping) or not isinstance(item.get("pattern"), str):
        raise Refused(f"rule {number} has no pattern")
    unknown = set(item) - {"pattern", "comment", *_FLAGS}
    if unknown:
        raise Refused(f"rule {number}: unknown {sorted(map(str, unknown))[0]!r}")
    flags = {name: item.get(name, usual) for name, usual in _FLAGS.items()}
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise Refused(f"rule {number}: {', '.join(flags)} are true or false")
    comment = item.get("comment", "")
    if not isinstance(comment, str) or comment != visible(comment, LONGEST_COMMENT):
        raise Refused(f"rule {number}: a comment is text of at most {LONGEST_COMMENT} characters")
    try:
        check_pattern(item["pattern"])
    except BadPattern as error:
        raise Refused(f"rule {number}: {str(error).rstrip('.')}") from None
    if item["pattern"] != visible(item["pattern"]):
        raise Refused(f"rule {number}: control characters in the pattern")
    return as_json(BanRule(item["pattern"], comment=comment, **flags))
