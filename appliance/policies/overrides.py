"""Which layers below one say something else about a setting: "who overrides this?"."""

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Coalesce

from appliance.policies.models import PolicyLayer
from appliance.policies.treatments import LINES, fields_of
from smtpfilter.policy.lookup import SITE


def layers_below(layers: QuerySet[PolicyLayer], key: str) -> QuerySet[PolicyLayer]:
    """Return those of `layers` that count before the one at `key` for some of its recipients."""
    if key == SITE:
        return layers.exclude(key=SITE)
    if key.endswith("@"):
        return layers.filter(key__startswith=key).exclude(key=key)
    if "@" in key:
        return layers.none()
    below = Q(key__endswith=f"@{key.removeprefix('.')}") & ~Q(key__startswith="@")
    if key.startswith("."):
        below |= Q(key__endswith=key) | Q(key=key.removeprefix("."))
    return layers.filter(below).exclude(key=key)


def overriding(layers: QuerySet[PolicyLayer], key: str, line: str) -> QuerySet[PolicyLayer]:
    """Return the layers below `key` that say something about a line of the form themselves, or by
    their named policy.
    """
    says = Q()
    for name in fields_of(line):
        says |= Q(**{f"{name}__isnull": False}) | Q(**{f"policy__{name}__isnull": False})
    return layers_below(layers, key).filter(says).select_related("policy")


def counts(layers: QuerySet[PolicyLayer], key: str) -> dict[str, int]:
    """Return line -> how many layers below `key` say something about it, in one query."""
    says = {
        line: Count(
            Coalesce(*(f"{path}{name}" for path in ("", "policy__") for name in fields_of(line)))
        )
        for line in LINES
    }
    found: dict[str, int] = layers_below(layers, key).order_by().aggregate(**says)
    return found
