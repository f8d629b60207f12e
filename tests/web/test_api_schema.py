"""The OpenAPI document is valid, and the API keeps to it whatever it is asked.

Schemathesis asks with good and bad data, and checks every answer: status, form, no server error.
"""

import re
from collections.abc import Iterator

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from appliance.api.resource import TokenThrottle
from appliance.api.routes import ROUTES
from appliance.domains.edit import add_network
from appliance.policies.edit import change_fields
from appliance.policies.named import change_named
from appliance.policies.senders import add_sender
from tests.evidence.builders import held
from tests.web.api import Program
from tests.web.conftest import Cast, record

KEY = "olga@example.com"

CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"with-security-parameters": False},  # the test brings a good token
        "checks": {
            # No document can say which text is an address, a network or a good pattern (422).
            "positive_data_acceptance": {"enabled": False},
            # A list beyond all bounds makes the whole body too large (413).
            "negative_data_rejection": {"expected-statuses": ["4xx"]},
        },
    }
)
ASKED = settings(
    max_examples=3,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

DOCUMENT = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]

schema = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)
schema.app = get_wsgi_application()


@pytest.fixture
def program(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """A program that may ask anything, as often as it likes, in the test's own transaction."""
    monkeypatch.setattr(TokenThrottle, "rate", "1000000/min", raising=False)
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield Program(cast.administrator)
    for signal in signals:
        signal.connect(close_old_connections)


@schema.parametrize()
@ASKED
def test_every_answer_is_as_the_document_says(case: schemathesis.Case, program: Program) -> None:
    with transaction.atomic():
        answer = case.call(headers=program.headers)
        transaction.set_rollback(True)
    case.validate_response(answer, headers=program.headers)


SHOWN = [
    ("mails/", {}, {}),
    ("mails/{mail_id}/", {"mail_id": ""}, {}),
    ("quarantine/", {}, {}),
    ("quarantine/{mail_id}/", {"mail_id": ""}, {"recipient": KEY}),
    ("policies/", {}, {}),
    ("policies/{key}/", {"key": "example.com"}, {}),
    ("named-policies/", {}, {}),
    ("named-policies/{name}/", {"name": "strict"}, {}),
    ("senders/", {}, {}),
    ("banrules/{name}/", {"name": "debian"}, {}),
    ("domains/", {}, {}),
    ("mailboxes/{address}/", {"address": KEY}, {}),
    ("networks/", {}, {}),
    ("users/{email}/", {"email": "olga@example.net"}, {}),
]


@pytest.mark.parametrize(("path", "named", "query"), SHOWN, ids=[row[0] for row in SHOWN])
def test_what_there_is_looks_as_the_document_says(
    program: Program, path: str, named: dict[str, str], query: dict[str, str]
) -> None:
    """By chance nobody asks for a message that there is."""
    mail_id = record(held(KEY)).mail.mail_id
    change_fields(key="example.com", values={"spam_kill_level": "never"}, actor="tests")
    change_named(name="strict", values={"spam_lover": "no"}, actor="tests")
    add_sender(key=KEY, sender="foe@example.org", action="-2.5", actor="tests")
    add_network(cidr="192.0.2.0/24", actor="tests")
    named = {name: value or mail_id for name, value in named.items()}
    case = schema[f"/api/v1/{path}"]["GET"].Case(path_parameters=named, query=query)

    answer = case.call(headers=program.headers)

    assert answer.status_code == 200
    assert answer.json()
    case.validate_response(answer, headers=program.headers)


def test_the_document_is_valid_and_whole() -> None:
    """Every route stands in it, with its methods, and needs the token."""
    validate_schema(DOCUMENT)  # type: ignore[no-untyped-call]
    told = {
        (path, method.upper()): operation
        for path, operations in DOCUMENT["paths"].items()
        for method, operation in operations.items()
    }
    routed = {
        ("/api/v1/" + re.sub("<(?:str|path):([a-z_]+)>", r"{\1}", str(route.pattern)), method)
        for route in ROUTES
        for method in route.callback.cls.verbs
    }

    assert told.keys() == routed
    assert all(operation["security"] == [{"token": []}] for operation in told.values())
    assert all(operation["description"] for operation in told.values())


def test_the_document_is_there_without_a_login(client: Client, db: None) -> None:
    answer = client.get("/api/schema/", headers={"accept": "application/json"})

    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.")
