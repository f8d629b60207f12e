"""The fixed cast of the web tests, and mail for them, written by the filter's own journal.

Ada      administrator            Mona     manager of example.com
Hal      helpdesk of example.com  Audrey   auditor
Olga     owns olga@example.com    Otto     owns otto@other.example
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from appliance.accounts.models import User
from appliance.accounts.users import create_user
from appliance.domains.edit import add_domain
from appliance.domains.models import Domain
from appliance.engines.models import Preference, Rendering, ScannerRole, VirusNameRule
from appliance.policies.models import PolicyLayer, SenderRule
from appliance.status import views as status_views
from appliance.status.models import Alarm, GoingLiveStep, SiteSettings
from appliance.status.probe import Probe
from quarantine.models import RecipientRecord
from quarantine.release import request_release
from quarantine.store import DatabaseJournal
from smtpfilter.policy.lookup import SITE
from tests.evidence.builders import OCTETS, entry, held
from tests.tables import JOURNAL
from tests.web.browser import PASSWORD, chromium

__all__ = ["PASSWORD", "chromium"]


@dataclass(frozen=True)
class Cast:
    """Everybody by role; stranger and outsider belong to another domain."""

    administrator: User
    manager: User
    helpdesk: User
    auditor: User
    owner: User
    stranger: User
    outsider: User

    def client(self, role: str) -> Client:
        """Return a browser in which this person is logged in; nobody for "anonymous"."""
        client = Client()
        if role != "anonymous":
            client.force_login(
                getattr(self, role), "allauth.account.auth_backends.AuthenticationBackend"
            )
        return client


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Replace pytest-django's: what a browser test stored goes afterwards, what migrations stored
    stays.
    """
    with django_db_blocker.unblock():
        yield
        with connection.cursor() as cursor:
            cursor.execute(
                f"TRUNCATE {JOURNAL}, django_session, accounts_user, domains_mailbox CASCADE"
            )
        Domain.objects.filter(name="other.example").delete()
        PolicyLayer.objects.exclude(key=SITE).delete()
        for model in (SenderRule, Rendering, Alarm, Preference, ScannerRole, VirusNameRule):
            model.objects.all().delete()
        GoingLiveStep.objects.all().delete()
        SiteSettings.objects.all().delete()
        connection.close()


@pytest.fixture(autouse=True)
def inside_a_transaction(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a test is rolled back, the mail path must not take the test's connection for a broken
    one.
    """
    if not {"transactional_db", "live_server"} & set(request.fixturenames):
        for module in ("quarantine.store", "appliance.policies.source"):
            monkeypatch.setattr(f"{module}.close_old_connections", lambda: None)


@pytest.fixture
def cast(db: None) -> Cast:
    """Everybody, for a test that is rolled back."""
    return _everybody()


@pytest.fixture
def live_cast(live_server: LiveServer) -> Cast:
    """Everybody, for a browser and a server that really runs."""
    return _everybody()


def _everybody() -> Cast:
    for name in ("example.com", "other.example"):
        if not Domain.objects.filter(name=name).exists():
            add_domain(name=name, actor="tests")
    return Cast(
        administrator=_person("ada@example.net", "administrator"),
        manager=_person("mona@example.net", "manager", domains=["example.com"]),
        helpdesk=_person("hal@example.net", "helpdesk", domains=["example.com"]),
        auditor=_person("audrey@example.net", "auditor"),
        owner=_person("olga@example.net", "owner", mailboxes=["olga@example.com"]),
        outsider=_person("oda@example.net", "manager", domains=["other.example"]),
        stranger=_person("otto@example.net", "owner", mailboxes=["otto@other.example"]),
    )


def _person(email: str, role: str, **scope: list[str]) -> User:
    return create_user(
        email=email,
        role=role,
        password=PASSWORD,
        actor="tests",
        must_change_password=False,
        **scope,
    )


def record(*recipients: Any, octets: bytes = OCTETS, **fields: Any) -> RecipientRecord:
    """Record a message in the journal; return its first recipient's row."""
    made = entry(*(recipients or (held("olga@example.com"),)), octets=octets, **fields)
    DatabaseJournal().open(made, octets)
    return RecipientRecord.objects.select_related("mail").get(
        mail_id=made.envelope.mail_id.number, position=0
    )


def ask_only(*, recipient_id: int, actor: object, **_: object) -> RecipientRecord:
    """Stand in for release_now(), whose second connection cannot see what a test rolls back."""
    request_release(recipient_id=recipient_id, actor=actor)  # type: ignore[arg-type]
    return RecipientRecord.objects.get(pk=recipient_id)


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Seven people for every test: the real hash is slow on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Probe]]:
    """What the probes say, without asking the engines: their own tests do that."""
    names = ("database", "filter", "virus scanner", "spam scanner", "next hop", "queue")
    answers = {name: Probe(True, f"{name} answers") for name in names}
    monkeypatch.setattr(status_views, "probe_all", lambda: dict(answers))
    cache.clear()
    yield answers
    cache.clear()
