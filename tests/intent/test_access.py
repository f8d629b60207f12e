"""Who may do what, and where.  Source: the authorization matrix of the reliability notes, 4.2."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from appliance.accounts.access import (
    EVERYWHERE,
    MAY,
    NOWHERE,
    Scope,
    Verb,
    may,
    may_release,
    scope_of,
    visible_domains,
    visible_mailboxes,
    visible_users,
)
from appliance.accounts.models import Role, User
from appliance.accounts.users import create_user
from appliance.domains.edit import add_domain, add_mailbox
from appliance.domains.models import Mailbox
from smtpfilter.verdict.category import Category

# verb: administrator, manager, helpdesk, auditor, owner
TABLE = {
    Verb.LIST_MAIL: "x x x x x",
    Verb.READ_MAIL: "x x . . x",
    Verb.RELEASE: "x x x . x",
    Verb.RELEASE_DANGEROUS: "x x . . .",
    Verb.DELETE: "x x . . x",
    Verb.SEE_POLICY: "x x x x .",
    Verb.EDIT_POLICY: "x x . . .",
    Verb.EDIT_SITE: "x . . . .",
    Verb.EDIT_LISTS: "x x x . x",
    Verb.SEE_DOMAINS: "x x x x .",
    Verb.EDIT_MAILBOXES: "x x . . .",
    Verb.EDIT_DOMAINS: "x . . . .",
    Verb.MANAGE_USERS: "x . . . .",
    Verb.SEE_SYSTEM: "x . . x .",
}


@pytest.mark.parametrize("verb", Verb)
def test_a_role_may_do_what_the_table_says(verb: Verb) -> None:
    allowed = "".join("x" if verb in MAY[role] else "." for role in Role.values)

    assert allowed == TABLE[verb].replace(" ", "")


def person(role: str, **more: Any) -> User:
    return User(role=role, **{"is_active": True, **more})


def test_nobody_and_those_who_may_not_log_in_may_nothing() -> None:
    for who in (AnonymousUser(), person(Role.ADMINISTRATOR, is_active=False)):
        assert not any(may(who, verb) for verb in Verb)
        assert scope_of(who) == NOWHERE


@pytest.mark.parametrize(
    ("category", "roles"),
    [
        (Category.SPAM, ["administrator", "manager", "helpdesk", "owner"]),
        (Category.BAD_HEADER, ["administrator", "manager", "helpdesk", "owner"]),
        (Category.OVERSIZED, ["administrator", "manager", "helpdesk", "owner"]),
        (Category.VIRUS, ["administrator", "manager"]),
        (Category.BANNED, ["administrator", "manager"]),
        (Category.UNCHECKED, ["administrator", "manager"]),
    ],
)
def test_dangerous_mail_is_released_by_few(category: Category, roles: list[str]) -> None:
    for spelled in (category, str(category)):
        assert [r for r in Role.values if may_release(person(r), spelled)] == roles


MANAGER = Scope(domains=frozenset({"example.com", ".example.org"}))
OWNER = Scope(owners=frozenset({"ann@example.com"}))


@pytest.mark.parametrize(
    ("scope", "key", "covered"),
    [
        (EVERYWHERE, "@.", True),
        (EVERYWHERE, "postmaster@", True),
        (NOWHERE, "example.com", False),
        (MANAGER, "@.", False),
        (MANAGER, "ann@", False),
        (MANAGER, "example.com", True),
        (MANAGER, "ann@example.com", True),
        (MANAGER, ".example.com", False),
        (MANAGER, "sub.example.com", False),
        (MANAGER, "ann@sub.example.com", False),
        (MANAGER, ".example.org", True),
        (MANAGER, "example.org", True),
        (MANAGER, ".sub.example.org", True),
        (MANAGER, "ann@deep.sub.example.org", True),
        (MANAGER, ".org", False),
        (MANAGER, "notexample.org", False),
        (MANAGER, "ann@notexample.org", False),
        (OWNER, "ann@example.com", True),
        (OWNER, "bob@example.com", False),
        (OWNER, "example.com", False),
        (OWNER, "@.", False),
    ],
)
def test_a_scope_covers_the_keys_that_speak_for_its_recipients_alone(
    scope: Scope, key: str, covered: bool
) -> None:
    assert scope.covers_key(key) is covered


ADDRESSES = ["ann@example.com", "bob@example.com", "cy@sub.example.com", "dee@example.org",
             "eve@a.example.org", "fay@notexample.org", "gus@example_org"]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("scope", [EVERYWHERE, NOWHERE, MANAGER, OWNER, Scope(
    domains=frozenset({".example_org"}))])  # fmt: skip
def test_the_clause_of_a_query_selects_exactly_what_the_scope_covers(scope: Scope) -> None:
    for text in ADDRESSES:
        Mailbox.objects.create(address=text, domain=text.partition("@")[2])
    rows = Mailbox.objects.extra(select={}).annotate(owner=_address())

    assert [row.address for row in rows.filter(scope.q())] == [
        text for text in ADDRESSES if scope.covers(text.partition("@")[2], text)
    ]


def _address() -> Any:
    from django.db.models import F

    return F("address")


@pytest.mark.django_db
def test_people_see_the_domains_mailboxes_and_accounts_of_their_scope() -> None:
    who = {"actor": "test", "password": "correct horse battery"}
    for name in ("example.com", ".example.org", "sub.example.org", "example.net"):
        add_domain(name=name, actor="test")
    for address in ADDRESSES[:5]:
        add_mailbox(address=address, actor="test")
    chief = create_user(email="chief@x.de", role="administrator", **who)
    manager = create_user(
        email="m@x.de", role="manager", domains=["example.com", ".example.org"], **who
    )
    owner = create_user(email="o@x.de", role="owner", mailboxes=["bob@example.com"], **who)

    assert names(visible_domains(chief)) == [
        ".example.org", "example.com", "example.net", "sub.example.org",
    ]  # fmt: skip
    assert names(visible_domains(manager)) == [".example.org", "example.com", "sub.example.org"]
    assert names(visible_domains(owner)) == []
    assert names(visible_mailboxes(chief)) == ADDRESSES[:5]
    assert names(visible_mailboxes(manager)) == [
        text for text in ADDRESSES[:5] if text != "cy@sub.example.com"
    ]
    assert names(visible_mailboxes(owner)) == ["bob@example.com"]
    assert names(visible_users(chief)) == ["chief@x.de", "m@x.de", "o@x.de"]
    assert names(visible_users(manager)) == []


@pytest.mark.django_db
def test_a_membership_that_ends_acts_at_once() -> None:
    add_domain(name="example.com", actor="test")
    helpdesk = create_user(
        email="h@x.de",
        role="helpdesk",
        domains=["example.com"],
        password="correct horse battery",
        actor="test",
    )
    before = scope_of(helpdesk)
    helpdesk.domains.clear()

    assert before.covers_key("example.com")
    assert scope_of(helpdesk) == NOWHERE


def names(rows: Any) -> list[str]:
    return sorted(map(str, rows))


def test_what_is_no_account_of_ours_sees_nothing() -> None:
    stranger = SimpleNamespace(is_authenticated=True, is_active=True, role="administrator")

    assert scope_of(stranger) == NOWHERE
