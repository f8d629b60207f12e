"""Accounts and logging in: what is refused, the first password, the lock-out (W1, W4)."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from appliance.accounts.models import User
from appliance.accounts.users import create_user, remove_user, set_password
from appliance.domains.edit import add_domain
from appliance.errors import Refused

PASSWORD = "correct horse battery"

pytestmark = pytest.mark.django_db


def make(email: str = "ann@example.com", role: str = "administrator", **more: Any) -> User:
    return create_user(**{"email": email, "role": role, "password": PASSWORD, "actor": "t", **more})


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"email": "ann"}, "no e-mail address"),
        ({"email": "ann@example.com\n"}, None),
        ({"role": "king"}, "no role"),
        ({"role": "manager"}, "needs a domain"),
        ({"role": "owner"}, "needs a mailbox"),
        ({"role": "manager", "domains": ["example.net"]}, "no local domain example.net"),
        ({"role": "auditor", "domains": ["example.com"]}, "sees the whole site"),
        ({"role": "owner", "mailboxes": ["a@b.de"], "domains": ["example.com"]}, "leave out"),
        ({"password": "short"}, "at least 12"),
        ({"password": "passwordpassword"}, None),
        ({"password": "password1234"}, "too common"),
        ({"password": "ann@example.com"}, "too similar"),
        ({"password": "x" * 129}, "at most 128"),
    ],
)
def test_an_account_is_made_only_of_what_fits_together(
    arguments: dict[str, Any], why: str | None
) -> None:
    add_domain(name="example.com", actor="t")
    if why is None:
        make(**arguments)
        return

    with pytest.raises(Refused, match=why):
        make(**arguments)
    assert not User.objects.exists()


def test_an_address_has_one_account() -> None:
    make()

    with pytest.raises(Refused, match="already"):
        make(email="ANN@example.com")


def test_the_last_administrator_stays() -> None:
    make()
    with pytest.raises(Refused, match="last administrator"):
        remove_user(email="ann@example.com", actor="t")

    make(email="bob@example.com")
    remove_user(email="ann@example.com", actor="t")
    assert [user.email for user in User.objects.all()] == ["bob@example.com"]


def test_the_command_reads_the_password_from_standard_input(run: Any) -> None:
    arguments = ("add", "Ann@example.com", "--role", "owner", "--mailbox", "Ann@Example.com")
    done = run("users", *arguments, "--password-stdin", "--json", stdin=f"{PASSWORD}\n")

    user = User.objects.get()
    assert done.document == {
        "email": "ann@example.com",
        "role": "owner",
        "active": True,
        "domains": [],
        "mailboxes": ["ann@example.com"],
    }
    assert user.check_password(PASSWORD)
    assert not user.must_change_password
    assert run("users", "add", "b@x.de", "--role", "auditor", "--password-stdin").code == 1


def test_the_command_makes_up_a_password_that_must_be_changed(run: Any) -> None:
    done = run("users", "add", "ann@example.com", "--role", "auditor", "--json")

    user = User.objects.get()
    assert user.check_password(done.document["password"])
    assert user.must_change_password


def test_the_first_password_opens_only_the_page_that_changes_it(client: Client) -> None:
    client.force_login(make(), backend="allauth.account.auth_backends.AuthenticationBackend")
    change = reverse("account_change_password")

    assert client.get("/").headers["Location"] == change
    assert client.get("/", headers={"HX-Request": "true"}).headers["HX-Redirect"] == change

    new = "quite another password"
    client.post(change, {"oldpassword": PASSWORD, "password1": new, "password2": new})

    user = User.objects.get()
    assert user.check_password(new)
    assert not user.must_change_password


def test_a_password_that_somebody_else_chose_is_to_be_changed() -> None:
    make(must_change_password=False)

    assert set_password(email="Ann@example.com", password=PASSWORD, actor="t").must_change_password


def log_in(client: Client, email: str, password: str) -> int:
    response = client.post(reverse("account_login"), {"login": email, "password": password})
    return response.status_code


def test_five_failures_lock_the_account_for_this_address_alone(client: Client) -> None:
    make(must_change_password=False)
    make(email="bob@example.com", must_change_password=False)

    for spelled in ("ann@example.com", "ANN@example.com") * 3:
        log_in(client, spelled, "wrong")

    assert log_in(client, "ann@example.com", PASSWORD) == 429
    assert log_in(client, "bob@example.com", PASSWORD) == 302
    elsewhere = Client(REMOTE_ADDR="192.0.2.9")
    assert log_in(elsewhere, "ann@example.com", PASSWORD) == 302


def test_nobody_signs_up(client: Client) -> None:
    assert client.post("/signup/", {"email": "x@y.de", "password1": PASSWORD}).status_code in (
        302,
        403,
        404,
    )
    assert not User.objects.exists()
