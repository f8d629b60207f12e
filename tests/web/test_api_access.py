"""Who gets what through the API: every resource x method x role, with a token that is good for all.

The table is complete by the routes: a new resource without rows fails here.  All objects belong to
example.com and to Olga, so that stranger and outsider, of another domain, must not find them.
"""

from collections.abc import Callable

import pytest
from django.db import transaction
from django.urls import reverse

from appliance.api.resources import mails
from appliance.api.routes import ROUTES
from appliance.api.scopes import READ, SCOPES, WRITE
from appliance.domains.edit import add_network
from appliance.policies.banrules import set_rules
from appliance.policies.named import change_named
from appliance.policies.senders import add_sender
from tests.evidence.builders import held
from tests.web.api import Program
from tests.web.conftest import PASSWORD, Cast, ask_only, record

ROLES = ("administrator", "manager", "helpdesk", "auditor", "owner", "stranger", "outsider")

TABLE = """
api_policies         GET     200 200 200 200 403 403 200
api_policy           GET     200 200 200 200 403 403 404
api_policy           PATCH   200 200 403 403 403 403 404
api_policy_fields    GET     200 200 200 200 403 403 200
api_named_policies   GET     200 200 200 200 403 403 200
api_named_policy     GET     200 200 200 200 403 403 200
api_named_policy     PATCH   200 403 403 403 403 403 403
api_named_policy     DELETE  204 403 403 403 403 403 403
api_explain          POST    200 200 200 200 403 403 404
api_senders          GET     200 200 200 200 200 200 200
api_senders          POST    201 201 201 403 201 404 404
api_senders          DELETE  204 204 204 403 204 404 404
api_ban_sets         GET     200 200 200 200 403 403 200
api_ban_set          GET     200 200 200 200 403 403 200
api_ban_set          PUT     200 403 403 403 403 403 403
api_ban_set          DELETE  204 403 403 403 403 403 403
api_domains          GET     200 200 200 200 403 403 200
api_domains          POST    201 403 403 403 403 403 403
api_domain           GET     200 200 200 200 403 403 404
api_domain           DELETE  204 403 403 403 403 403 403
api_mailboxes        GET     200 200 200 200 403 403 200
api_mailboxes        POST    201 201 403 403 403 403 404
api_mailbox          GET     200 200 200 200 403 403 404
api_mailbox          DELETE  204 204 403 403 403 403 404
api_networks         GET     200 200 200 200 403 403 200
api_networks         POST    201 403 403 403 403 403 403
api_networks         DELETE  204 403 403 403 403 403 403
api_settings         GET     200 403 403 200 403 403 403
api_settings         PATCH   200 403 403 403 403 403 403
api_health           GET     200 403 403 200 403 403 403
api_mails            GET     200 200 200 200 200 200 200
api_mail             GET     200 200 200 200 200 404 404
api_quarantine       GET     200 200 200 200 200 200 200
api_copy             GET     200 200 200 200 200 404 404
api_release          POST    200 200 200 403 200 404 404
api_delete           POST    200 200 403 403 200 404 404
api_learn            POST    202 403 403 403 403 403 403
api_users            GET     200 403 403 403 403 403 403
api_users            POST    201 403 403 403 403 403 403
api_user             GET     200 403 403 403 403 403 403
api_user             PATCH   200 403 403 403 403 403 403
api_user             DELETE  204 403 403 403 403 403 403
api_user_password    POST    200 403 403 403 403 403 403
"""

ROWS = [line.split() for line in TABLE.strip().splitlines()]
KEY = "olga@example.com"

PATHS = {
    "api_policy": {"key": KEY},
    "api_named_policy": {"name": "strict"},
    "api_ban_set": {"name": "current"},
    "api_domain": {"name": "example.com"},
    "api_mailbox": {"address": KEY},
    "api_user": {"email": "audrey@example.net"},
    "api_user_password": {"email": "audrey@example.net"},
}
QUERIES = {
    ("api_senders", "DELETE"): {"key": KEY, "sender": "foe@example.org"},
    ("api_networks", "DELETE"): {"cidr": "198.51.100.0/24"},
    ("api_copy", "GET"): {"recipient": KEY},
}
BODIES = {
    "api_policy": {"settings": {"spam_kill_level": 9}},
    "api_named_policy": {"settings": {"spam_kill_level": 5}},
    "api_explain": {"recipient": KEY},
    "api_senders": {"key": KEY, "sender": "friend@example.org", "action": "allow"},
    "api_ban_set": {"rules": [{"pattern": "x"}]},
    "api_domains": {"name": "new.example"},
    "api_mailboxes": {"address": "new@example.com"},
    "api_networks": {"cidr": "192.0.2.0/24"},
    "api_settings": {"remember_seconds": 30},
    "api_release": {"recipient": KEY},
    "api_delete": {"recipient": KEY},
    "api_learn": {"recipient": KEY, "kind": "spam"},
    "api_users": {"email": "new@example.net", "role": "auditor", "password": PASSWORD},
    "api_user": {"active": False},
    "api_user_password": {"password": "another gate, another wall"},
}


@pytest.fixture
def addresses(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Return the address of an object of the kind that the route is about."""
    monkeypatch.setattr(mails, "release_now", ask_only)
    add_sender(key=KEY, sender="foe@example.org", action="block", actor="tests")
    change_named(name="strict", values={}, actor="tests")
    set_rules(name="current", rules=[], actor="tests")
    add_network(cidr="198.51.100.0/24", actor="tests")
    mail_id = record(held(KEY)).mail.mail_id

    def address(name: str) -> str:
        takes = next(route for route in ROUTES if route.name == name).pattern.converters
        mail = {"mail_id": mail_id} if "mail_id" in takes else None
        return reverse(name, kwargs=PATHS.get(name, mail))

    return address


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[1]}-{row[0]}" for row in ROWS])
def test_everybody_gets_what_the_table_says(
    cast: Cast, addresses: Callable[[str], str], row: list[str]
) -> None:
    name, method, *expected = row

    got = [_ask(Program(getattr(cast, role)), addresses(name), name, method) for role in ROLES]

    assert dict(zip(ROLES, got, strict=True)) == dict(zip(ROLES, map(int, expected), strict=True))


def _ask(program: Program, address: str, name: str, method: str) -> int:
    """Return the status; what the request changed is rolled back for the next role."""
    body = BODIES.get(name) if method not in ("GET", "DELETE") else None
    with transaction.atomic():
        answer = program.ask(method, address, body, **QUERIES.get((name, method), {}))
        transaction.set_rollback(True)
    return answer.status_code


def test_every_resource_has_its_rows() -> None:
    routed = {(route.name, method) for route in ROUTES for method in route.callback.cls.verbs}

    assert routed == {(row[0], row[1]) for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[1]}-{row[0]}" for row in ROWS])
def test_a_token_without_the_scope_does_nothing(
    cast: Cast, addresses: Callable[[str], str], row: list[str]
) -> None:
    """All other scopes together are not enough, whatever the role allows."""
    name, method, *_ = row
    resource = next(route for route in ROUTES if route.name == name).callback.cls
    enough = {f"{resource.subject}:{WRITE}"}
    if resource.access(method) == READ:
        enough.add(f"{resource.subject}:{READ}")
    others = tuple(scope for scope in SCOPES if scope not in enough)

    assert _ask(Program(cast.administrator, others), addresses(name), name, method) == 403


@pytest.mark.parametrize("route", ROUTES, ids=[str(route.name) for route in ROUTES])
def test_a_session_is_no_token(cast: Cast, addresses: Callable[[str], str], route: object) -> None:
    """No page of another site can act for a person whose browser is logged in (CSRF)."""
    client = cast.client("administrator")
    address = addresses(route.name)  # type: ignore[attr-defined]

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = client.generic(method, address, "{}", content_type="application/json")
        assert answer.status_code == 401
        assert set(answer.json()) == {"error"}
