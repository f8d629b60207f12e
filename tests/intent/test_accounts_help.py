"""What an administrator does for an account: role and scope, links, locks, factors (W1, W5)."""

from contextlib import nullcontext
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from appliance.accounts.access import managed_mailboxes, scope_of, visible_mailboxes
from appliance.accounts.factors import has_factor
from appliance.accounts.models import User
from appliance.accounts.recovery import drop_factors, locked_addresses, make_link, unlock
from appliance.accounts.users import change_user, create_user, set_active
from appliance.domains.edit import add_domain, add_mailbox
from appliance.errors import Refused
from appliance.policies.models import PolicyChange
from tests.intent.conftest import PASSWORD

NEW = "quite another password"
HOME = settings.WEB_PUBLIC_URL

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return make("ann@example.com")


def make(email: str, role: str = "administrator", **more: Any) -> User:
    return create_user(
        email=email, role=role, password=PASSWORD, actor="t", must_change_password=False, **more
    )


def change(user: User, role: str, **more: Any) -> User:
    return change_user(email=user.email, role=role, actor="t", **more)


def log_in(client: Client, password: str = PASSWORD) -> int:
    asked = {"login": "ann@example.com", "password": password}
    return client.post(reverse("account_login"), asked).status_code


def test_a_new_role_and_scope_act_at_once_and_are_recorded() -> None:
    add_domain(name="example.com", actor="t")
    bob = make("bob@example.com", "auditor")

    change(bob, "manager", domains=["Example.com"], mailboxes=["olga@other.example"])

    scope = scope_of(User.objects.get(pk=bob.pk))
    assert scope.domains == {"example.com"}
    assert scope.owners == {"olga@other.example"}
    row = PolicyChange.objects.get(verb="users change")
    assert (row.before["role"], row.after["role"]) == ("auditor", "manager")


@pytest.mark.parametrize(
    ("role", "scope", "why"),
    [
        ("manager", {}, "needs a domain"),
        ("manager", {"domains": ["example.net"]}, "no local domain"),
        ("owner", {"mailboxes": ["a@b.de"], "domains": ["example.com"]}, "leave out"),
        ("auditor", {"mailboxes": ["a@b.de"]}, "sees the whole site"),
        ("king", {}, "no role"),
    ],
)
def test_a_change_that_does_not_fit_changes_nothing(
    role: str, scope: dict[str, Any], why: str
) -> None:
    add_domain(name="example.com", actor="t")
    bob = make("bob@example.com", "owner", mailboxes=["bob@example.com"])

    with pytest.raises(Refused, match=why):
        change(bob, role, **scope)

    assert User.objects.get(pk=bob.pk).role == "owner"
    assert not PolicyChange.objects.filter(verb="users change").exists()


def test_the_last_administrator_stays_one(ann: User) -> None:
    with pytest.raises(Refused, match="last administrator"):
        change(ann, "auditor")

    make("bob@example.com")
    assert change(ann, "auditor").role == "auditor"


def test_a_delegated_mailbox_is_looked_after_but_not_removed() -> None:
    for name in ("example.com", "other.example"):
        add_domain(name=name, actor="t")
    add_mailbox(address="bob@example.com", actor="t")
    mona = make(
        "mona@example.com", "manager", domains=["example.com"], mailboxes=["olga@other.example"]
    )

    assert scope_of(mona).covers("other.example", "olga@other.example")
    assert not scope_of(mona).covers("other.example", "otto@other.example")
    assert {str(box) for box in visible_mailboxes(mona)} >= {"olga@other.example"}
    assert {box.address for box in managed_mailboxes(mona)} == {"bob@example.com"}


def test_a_link_lets_the_person_choose_a_password_once(client: Client, ann: User) -> None:
    """W5: single use; the account's first password need not be changed any more."""
    link = make_link(email=ann.email, actor="t").removeprefix(HOME)
    form = client.get(link).headers["Location"]
    assert link.rpartition("-")[2] not in form

    client.post(form, {"password1": NEW, "password2": NEW})

    assert "_auth_user_id" not in client.session
    assert User.objects.get().check_password(NEW)
    assert b"no longer good" in Client().get(link).content


@pytest.mark.parametrize("cause", ["age", "login", "another link's use", "tampering"])
def test_a_link_is_void_after(client: Client, ann: User, cause: str, settings: Any) -> None:
    """W5: 30 minutes, and never beside a password that works."""
    link = make_link(email=ann.email, actor="t").removeprefix(HOME)
    if cause == "age":
        settings.PASSWORD_RESET_TIMEOUT = -1
    elif cause == "login":
        log_in(Client())
    elif cause == "tampering":
        link = link[:-2] + "x/"
    else:
        ann.set_password(NEW)
        ann.save()

    assert b"no longer good" in client.get(link).content


def test_a_link_takes_no_weak_password(client: Client, ann: User) -> None:
    form = client.get(make_link(email=ann.email, actor="t").removeprefix(HOME)).headers["Location"]

    client.post(form, {"password1": "password1234", "password2": "password1234"})

    assert User.objects.get().check_password(PASSWORD)


def test_a_closed_account_gets_no_link(ann: User) -> None:
    make("bob@example.com")
    set_active(email=ann.email, active=False, actor="t")

    with pytest.raises(Refused, match="closed"):
        make_link(email=ann.email, actor="t")


def test_an_administrator_ends_a_lock_out(client: Client, ann: User) -> None:
    """W4."""
    for _ in range(5):
        log_in(client, "wrong")
    assert log_in(client) == 429
    assert locked_addresses(ann) == ["127.0.0.1"]

    unlock(email=ann.email, actor="t")

    assert not AccessAttempt.objects.exists()
    assert log_in(client) == 302


def test_a_lost_telephone_is_forgotten_and_sessions_end(client: Client, ann: User) -> None:
    log_in(client)
    assert client.get("/").status_code == 200
    Authenticator.objects.create(user=ann, type="totp", data={})
    Authenticator.objects.create(user=ann, type="recovery_codes", data={})

    drop_factors(email=ann.email, actor="t")

    assert not has_factor(ann)
    assert client.get("/").status_code == 302
    row = PolicyChange.objects.get(verb="users factors drop")
    assert row.before == {"factors": ["recovery_codes", "totp"]}


@pytest.mark.parametrize(
    ("password", "refused"),
    [
        ("postern12345", True),
        ("theo.kowalski1", True),
        ("kowalski_example", True),
        ("a postern in the wall", False),
        ("correct horse battery", False),
    ],
)
def test_a_password_is_more_than_names_that_stand_around(password: str, refused: bool) -> None:
    """W1: context words."""
    theo = User(email="theo.kowalski@example.com")
    outcome = (
        pytest.raises(ValidationError, match=r"more than the name|too similar")
        if refused
        else nullcontext()
    )

    with outcome:
        validate_password(password, theo)


def test_the_same_by_command(run: Any, ann: User) -> None:
    """The way back in when no administrator can log in any more."""
    make("bob@example.com", "owner", mailboxes=["bob@example.com"])
    Authenticator.objects.create(user=ann, type="totp", data={})

    changed = run("users", "change", "bob@example.com", "--role", "auditor", "--json")
    link = run("users", "link", ann.email, "--json").document["link"]

    assert (changed.document["role"], changed.document["mailboxes"]) == ("auditor", [])
    assert link.startswith(f"{HOME}/password/new/")
    assert run("users", "unlock", ann.email).code == 0
    assert run("users", "forget-factors", ann.email).code == 0
    assert not has_factor(ann)
    assert run("users", "link", "nobody@example.com").code == 1
