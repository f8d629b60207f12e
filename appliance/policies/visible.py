"""Which layers, sender rules and changes a person may see: the first clause of this subject's
queries.
"""

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from appliance.accounts.access import scope_of
from appliance.accounts.models import User
from appliance.policies.kinds import BAN_RULES, DOMAINS, LAYERS, MAILBOXES, SENDERS
from appliance.policies.models import PolicyChange, PolicyLayer, SenderRule


def visible_layers(person: User) -> QuerySet[PolicyLayer]:
    return PolicyLayer.objects.filter(_in_scope(person)).select_related("policy")


def visible_senders(person: User) -> QuerySet[SenderRule]:
    return SenderRule.objects.filter(_in_scope(person))


def visible_changes(person: User) -> QuerySet[PolicyChange]:
    """Return recorded changes: of the whole site for those who see it, else of layers and lists in
    the person's scope, and of the ban rules, which all may see.
    """
    if scope_of(person).everything:
        return PolicyChange.objects.all()
    listed = Coalesce(KeyTextTransform("key", "after"), KeyTextTransform("key", "before"))
    placed = Q(verb__in=[verb for kind in (LAYERS, DOMAINS, MAILBOXES) for verb in kind.verbs])
    return PolicyChange.objects.alias(listed=listed).filter(
        (placed & _in_scope(person))
        | (Q(verb__in=SENDERS.verbs) & _in_scope(person, "listed"))
        | Q(verb__in=BAN_RULES.verbs)
    )


def _in_scope(person: User, column: str = "key") -> Q:
    """Return the clause for rows whose `column` speaks only for recipients in the scope, as
    Scope.covers_key says.
    """
    scope = scope_of(person)
    if scope.everything:
        return Q()
    clause = Q(**{f"{column}__in": scope.owners})
    for name in scope.domains:
        plain = name.removeprefix(".")
        inside = Q(**{f"{column}__endswith": f"@{plain}"}) & ~Q(**{f"{column}__startswith": "@"})
        clause |= Q(**{column: plain}) | inside
        if name.startswith("."):
            clause |= Q(**{f"{column}__endswith": name})
    return clause
