"""Which layers and sender rules a person may see: the first clause of this subject's queries."""

from django.db.models import Q, QuerySet

from appliance.accounts.access import scope_of
from appliance.accounts.models import User
from appliance.policies.models import PolicyLayer, SenderRule


def visible_layers(person: User) -> QuerySet[PolicyLayer]:
    return PolicyLayer.objects.filter(_in_scope(person)).select_related("policy")


def visible_senders(person: User) -> QuerySet[SenderRule]:
    return SenderRule.objects.filter(_in_scope(person))


def _in_scope(person: User) -> Q:
    """Return the clause for rows whose `key` speaks only for recipients in the scope, as
    Scope.covers_key says.
    """
    scope = scope_of(person)
    if scope.everything:
        return Q()
    clause = Q(key__in=scope.owners)
    for name in scope.domains:
        plain = name.removeprefix(".")
        clause |= Q(key=plain) | (Q(key__endswith=f"@{plain}") & ~Q(key__startswith="@"))
        if name.startswith("."):
            clause |= Q(key__endswith=name)
    return clause
