"""Sets of ban rules: ordered patterns on file names and types.  Recorded.

A set's rules stand before those of the built-in set of the same name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from appliance.errors import Refused
from appliance.policies.models import BanRuleSet
from appliance.policies.revisions import record
from smtpfilter.mail.findings import visible
from smtpfilter.policy.ban_sets import BUILT_IN
from smtpfilter.policy.banning import BadPattern, check_pattern

MOST_RULES = 1000


def parse_rules(document: object) -> list[dict[str, Any]]:
    """Return the rules in a JSON list of {pattern, banned, comment}.  Raises Refused."""
    if not isinstance(document, Sequence) or isinstance(document, str):
        raise Refused("ban rules are a list of {pattern, banned, comment}")
    if len(document) > MOST_RULES:
        raise Refused(f"a set has at most {MOST_RULES} rules")
    return [_rule(number, item) for number, item in enumerate(document, start=1)]


def parse_name(text: str) -> str:
    """Return the name of a set.  Raises Refused."""
    name = text.strip()
    if not name.isprintable() or "," in name or not 0 < len(name) <= 100:
        raise Refused("a set's name has 1 to 100 characters and no comma")
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
    """Remove the site's set `name`; a built-in set of that name stays.  Raises Refused."""
    found = BanRuleSet.objects.select_for_update().filter(name=name).first()
    if found is None:
        why = "is built in and cannot be removed" if name in BUILT_IN else "does not exist"
        raise Refused(f"the set {name!r} {why}")
    record(who=actor, verb="banrules remove", key=name, before={"rules": found.rules}, after=None)
    found.delete()


def _rule(number: int, item: object) -> dict[str, Any]:
    if not isinstance(item, Mapping) or not isinstance(item.get("pattern"), str):
        raise Refused(f"rule {number} has no pattern")
    unknown = set(item) - {"pattern", "banned", "comment"}
    if unknown:
        raise Refused(f"rule {number}: unknown {sorted(map(str, unknown))[0]!r}")
    banned, comment = item.get("banned", True), item.get("comment", "")
    if not isinstance(banned, bool) or not isinstance(comment, str) or comment != visible(comment):
        raise Refused(f"rule {number}: banned is true or false, comment is text")
    try:
        check_pattern(item["pattern"])
    except BadPattern as error:
        raise Refused(f"rule {number}: {str(error).rstrip('.')}") from None
    if item["pattern"] != visible(item["pattern"]):
        raise Refused(f"rule {number}: control characters in the pattern")
    return {"pattern": item["pattern"], "banned": banned, "comment": comment}
