"""Names of viruses that are worth points, or stay viruses (V-4): an ordered list.  Recorded.

The site's list takes the place of the one that Postern brings along; where it is emptied, that one
is back.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from appliance.engines.models import VirusNameRule
from appliance.errors import Already, Refused
from appliance.policies.revisions import record
from smtpfilter.mail.findings import visible
from smtpfilter.policy.banning import BadPattern, check_pattern
from smtpfilter.policy.site import NamePoints
from smtpfilter.policy.virus_names import BUILT_IN, deciding_rule

MOST_RULES = 500
LONGEST_PATTERN = 500  # characters
LONGEST_COMMENT = 200  # characters
MOST_POINTS = 1000.0
STAYS = "virus"  # how people write that a name stays a virus

Rules = tuple[NamePoints, ...]


def own_rules() -> Rules:
    """Return the site's list, () where it has none."""
    rows = VirusNameRule.objects.values_list("pattern", "points", "comment")
    return tuple(NamePoints(*row) for row in rows)


def rules_in_force() -> Rules:
    return own_rules() or BUILT_IN


def deciding(rules: Rules, name: str) -> tuple[int, NamePoints | None]:
    """Return the rule that decides about the virus `name`, with its place; (0, None) for none."""
    rule = deciding_rule(rules, name)
    place = next((number for number, one in enumerate(rules, start=1) if one is rule), 0)
    return place, rule


def as_json(rule: NamePoints) -> dict[str, Any]:
    return {"pattern": rule.pattern, "points": rule.points, "comment": rule.comment}


def rows() -> list[dict[str, Any]]:
    """Return the site's list for an export."""
    found = VirusNameRule.objects.values("position", "pattern", "points", "comment")
    return [{**row} for row in found]


def parse_points(text: str) -> float | None:
    """Return what a name is worth, None where it stays a virus.  Raises Refused."""
    if text.strip().lower() == STAYS:
        return None
    try:
        points = float(text)
    except ValueError:
        points = MOST_POINTS + 1
    if not -MOST_POINTS <= points <= MOST_POINTS:
        raise Refused(f"{text!r} is neither a number of points nor the word {STAYS}")
    return points


def checked(rule: NamePoints) -> NamePoints:
    """Return the rule.  Raises Refused where it is none."""
    if not 0 < len(rule.pattern) <= LONGEST_PATTERN or rule.pattern != visible(rule.pattern):
        raise Refused(f"a pattern has 1 to {LONGEST_PATTERN} printable characters")
    if rule.comment != visible(rule.comment, LONGEST_COMMENT):
        raise Refused(f"a comment is text of at most {LONGEST_COMMENT} characters")
    try:
        check_pattern(rule.pattern)
    except BadPattern as error:
        raise Refused(str(error).rstrip(".")) from None
    return rule


def checked_list(rules: Sequence[NamePoints]) -> Rules:
    """Return the rules.  Raises Refused where one is none, with its number."""
    if len(rules) > MOST_RULES:
        raise Refused(f"a list has at most {MOST_RULES} rules")
    return tuple(_numbered(number, rule) for number, rule in enumerate(rules, start=1))


@transaction.atomic
def set_rules(*, rules: Sequence[NamePoints], actor: str) -> None:
    """Make `rules` the site's list; an empty one brings the shipped list back.  Raises Refused."""
    before = _locked()
    after = checked_list(rules)
    VirusNameRule.objects.all().delete()
    VirusNameRule.objects.bulk_create(
        VirusNameRule(position=number, **as_json(rule))
        for number, rule in enumerate(after, start=1)
    )
    if before != after:
        record(
            who=actor,
            verb="virusnames set",
            key="",
            before=_document(before),
            after=_document(after),
        )


@transaction.atomic
def add_rule(*, rule: NamePoints, place: int | None, actor: str) -> Rules:
    """Put `rule` at `place` (1 is first), last without one; return the list.

    The site's list begins with the shipped one.  Raises Refused.
    """
    rules = list(_locked() or BUILT_IN)
    rules.insert(len(rules) if place is None else _index(place, len(rules) + 1), rule)
    set_rules(rules=rules, actor=actor)
    return own_rules()


@transaction.atomic
def remove_rule(*, place: int, actor: str) -> Rules:
    """Remove the rule at `place`; return the list.  Raises Refused."""
    rules = list(_locked() or BUILT_IN)
    del rules[_index(place, len(rules))]
    set_rules(rules=rules, actor=actor)
    return rules_in_force()


@transaction.atomic
def move_rule(*, place: int, target: int, actor: str) -> Rules:
    """Move the rule at `place` to `target`; return the list.  Raises Refused, Already."""
    rules = list(_locked() or BUILT_IN)
    rule = rules.pop(_index(place, len(rules)))
    rules.insert(_index(target, len(rules) + 1), rule)
    if place == target:
        raise Already(f"the rule is at {place} already")
    set_rules(rules=rules, actor=actor)
    return own_rules()


@transaction.atomic
def reset_rules(*, actor: str) -> None:
    """Use the shipped list again.  Raises Refused where the site has none of its own."""
    if not _locked():
        raise Refused("the list is as it was shipped")
    set_rules(rules=(), actor=actor)


def put(row: Mapping[str, Any]) -> None:
    """Store one row of an import, which is recorded there.  Raises Refused."""
    points = row.get("points")
    rule = NamePoints(
        row["pattern"],
        None if points is None else parse_points(str(points)),
        row.get("comment", ""),
    )
    VirusNameRule.objects.update_or_create(
        position=int(row["position"]), defaults=as_json(checked(rule))
    )


def _locked() -> Rules:
    """Return the site's list, its rows locked."""
    found = VirusNameRule.objects.select_for_update()
    return tuple(NamePoints(row.pattern, row.points, row.comment) for row in found)


def _numbered(number: int, rule: NamePoints) -> NamePoints:
    try:
        return checked(rule)
    except Refused as error:
        raise Refused(f"rule {number}: {error}") from None


def _index(place: int, most: int) -> int:
    if not 1 <= place <= most:
        raise Refused(f"there is no place {place}; the list has places 1 to {most}")
    return place - 1


def _document(rules: Rules) -> dict[str, Any] | None:
    return {"rules": list(map(as_json, rules))} if rules else None
