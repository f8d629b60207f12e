"""Who may do what, and where: the first line of every view and the first clause of every query.

A role gives verbs (MAY), memberships give a scope; both must allow.  What is outside a person's
scope does not exist for that person: queries are narrowed by it, and a foreign id is a 404.
Source: the authorization matrix of the reliability notes, 4.2.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from django.db.models import Q, QuerySet

from appliance.accounts.models import Role, User
from appliance.domains.models import Domain, Mailbox
from smtpfilter.verdict.category import Category


class Verb(StrEnum):
    """What a person may be allowed to do.  Values complete the sentence "may ..."."""

    LIST_MAIL = "see who wrote to whom, and what happened"
    READ_MAIL = "read the text of held mail"
    RELEASE = "release spam, mail with a bad header section or over the size limit"
    RELEASE_DANGEROUS = "release infected, banned and unchecked mail"
    DELETE = "delete held mail"
    SEE_POLICY = "see policies"
    EDIT_POLICY = "change policies"
    EDIT_SITE = "change what reaches beyond the own mail: next hops, who is told, ban rules"
    EDIT_LISTS = "change sender lists"
    SEE_DOMAINS = "see domains and mailboxes"
    EDIT_MAILBOXES = "add and remove mailboxes"
    EDIT_DOMAINS = "add and remove domains"
    MANAGE_USERS = "manage accounts"
    SEE_SYSTEM = "see the state of the appliance"


MAY: dict[str, frozenset[Verb]] = {
    Role.ADMINISTRATOR: frozenset(Verb),
    Role.MANAGER: frozenset(
        {
            Verb.LIST_MAIL,
            Verb.READ_MAIL,
            Verb.RELEASE,
            Verb.RELEASE_DANGEROUS,
            Verb.DELETE,
            Verb.SEE_POLICY,
            Verb.EDIT_POLICY,
            Verb.EDIT_LISTS,
            Verb.SEE_DOMAINS,
            Verb.EDIT_MAILBOXES,
        }
    ),
    Role.HELPDESK: frozenset(
        {Verb.LIST_MAIL, Verb.RELEASE, Verb.SEE_POLICY, Verb.EDIT_LISTS, Verb.SEE_DOMAINS}
    ),
    Role.AUDITOR: frozenset({Verb.LIST_MAIL, Verb.SEE_POLICY, Verb.SEE_DOMAINS, Verb.SEE_SYSTEM}),
    Role.OWNER: frozenset(
        {Verb.LIST_MAIL, Verb.READ_MAIL, Verb.RELEASE, Verb.DELETE, Verb.EDIT_LISTS}
    ),
}

DANGEROUS = frozenset({str(Category.VIRUS), str(Category.BANNED), str(Category.UNCHECKED)})


class Person(Protocol):
    """A logged-in User or nobody (AnonymousUser)."""

    @property
    def is_authenticated(self) -> bool: ...
    @property
    def is_active(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a person's verbs hold.  Empty means nowhere.

    `domains`: printed names, ".example.com" with all below.  `owners`: canonical addresses of
    mailboxes, without extension.
    """

    everything: bool = False
    domains: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()

    def covers(self, domain: str, owner: str) -> bool:
        """Tell whether a recipient in `domain` who is `owner` (canonical) lies in the scope."""
        return self.everything or self.covers_domain(domain) or owner in self.owners

    def covers_domain(self, name: str) -> bool:
        """Tell whether all of `name` ("example.com"; ".example.com" with all below) lies in it."""
        plain = name.removeprefix(".")
        above = {f".{tail}" for tail in _tails(plain)}
        exact = {plain} if name == plain else set()
        return self.everything or not self.domains.isdisjoint(above | exact)

    def covers_key(self, key: str) -> bool:
        """Tell whether the lookup key `key` (printed form) speaks only for recipients in the scope.

        "@." and "user@" speak for the whole site.  An address with an extension belongs to the
        owner of the address without it; that is the caller's to strip.
        """
        if self.everything:
            return True
        user, at, domain = key.rpartition("@")
        if not at:
            return self.covers_domain(key)
        return bool(user and domain) and self.covers(domain, key)

    def q(self, prefix: str = "") -> Q:
        """Return the clause for rows with the columns `domain` and `owner`."""
        if self.everything:
            return Q()
        clause = Q(**{f"{prefix}owner__in": self.owners})
        return clause | _domain_clause(self.domains, f"{prefix}domain")


NOWHERE = Scope()
EVERYWHERE = Scope(everything=True)


def may(person: Person, verb: Verb) -> bool:
    """Tell whether the person's role allows `verb` at all; where is another question (scope_of)."""
    return _known(person) and verb in MAY[person.role]  # type: ignore[attr-defined]


def may_release(person: Person, category: Category | str) -> bool:
    """Tell whether the person may release mail that was blocked as `category`."""
    return may(person, Verb.RELEASE_DANGEROUS if str(category) in DANGEROUS else Verb.RELEASE)


def scope_of(person: Person) -> Scope:
    """Return where the person's verbs hold, read afresh each time: a change acts at once."""
    if not _known(person) or not isinstance(person, User):
        return NOWHERE
    if person.role in (Role.ADMINISTRATOR, Role.AUDITOR):
        return EVERYWHERE
    owners = frozenset(person.mailboxes.values_list("address", flat=True))
    if person.role == Role.OWNER:
        return Scope(owners=owners)
    return Scope(domains=frozenset(person.domains.values_list("name", flat=True)), owners=owners)


def recipients_of(person: Person, prefix: str = "") -> Q:
    """Return the first clause of every query for mail: rows with `domain` and `owner` in scope."""
    return scope_of(person).q(prefix)


def visible_domains(person: Person) -> QuerySet[Domain]:
    """Return the local domains that lie wholly in the person's scope."""
    scope = scope_of(person)
    if scope.everything:
        return Domain.objects.all()
    mine = Q(name__in=scope.domains) | _domain_clause(scope.domains, "name")
    return Domain.objects.filter(mine)


def visible_mailboxes(person: Person) -> QuerySet[Mailbox]:
    """Return the mailboxes in the person's scope."""
    scope = scope_of(person)
    if scope.everything:
        return Mailbox.objects.all()
    mine = Q(address__in=scope.owners) | _domain_clause(scope.domains, "domain")
    return Mailbox.objects.filter(mine)


def managed_mailboxes(person: Person) -> QuerySet[Mailbox]:
    """Return the mailboxes in the person's domains: may be removed, unlike delegated ones."""
    scope = scope_of(person)
    if scope.everything:
        return Mailbox.objects.all()
    return Mailbox.objects.filter(_domain_clause(scope.domains, "domain"))


def visible_users(person: Person) -> QuerySet[User]:
    """Return the accounts that the person manages."""
    return User.objects.all() if may(person, Verb.MANAGE_USERS) else User.objects.none()


def _known(person: Person) -> bool:
    return person.is_authenticated and person.is_active


def _tails(domain: str) -> list[str]:
    """Return `domain` and every domain above it."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


def _domain_clause(names: frozenset[str], field: str) -> Q:
    """Return the clause for a column that holds a domain, never with a leading dot."""
    return Q(**{f"{field}__in": {name.removeprefix(".") for name in names}}) | _below(names, field)


def _below(names: frozenset[str], field: str) -> Q:
    """Return the clause for what stands below the names with a leading dot."""
    clause = Q(pk__in=[])
    for name in names:
        if name.startswith("."):
            clause |= Q(**{f"{field}__endswith": name})
    return clause
