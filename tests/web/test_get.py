"""No address changes anything when it is only looked at (design 4.11): all tables before = all
tables after.
"""

import pytest
from django.db import connection

from appliance.policies.senders import add_sender
from quarantine.views.mails import TABS
from tests.web.conftest import Cast, record
from tests.web.test_matrix import ROWS

# Written by looking, on purpose: who read what, and the visitor's own session.
RECORDS = {"quarantine_event", "django_session", "accounts_user"}


def _fingerprints() -> dict[str, str]:
    """Return a digest of each table's rows."""
    with connection.cursor() as cursor:
        tables = [
            name for name in connection.introspection.table_names(cursor) if name not in RECORDS
        ]
        digests = {}
        for table in tables:
            cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")
            digests[table] = cursor.fetchone()[0]
    return digests


@pytest.mark.parametrize("method", ["get", "head", "options"])
@pytest.mark.parametrize("role", ["administrator", "owner"])
def test_looking_changes_nothing(cast: Cast, role: str, method: str) -> None:
    row = record()
    add_sender(key="olga@example.com", sender="foe@example.org", action="block", actor="tests")
    mail = f"/mails/{row.mail.mail_id}/"
    deeds = [f"{mail}{row.pk}/{deed}/" for deed in ("release", "decline", "delete", "restore")]
    paths = [
        "/", "/quarantine/", "/quarantine/?state=held&text=hello&period=day", "/mails/", mail,
        *(f"{mail}?view={view}" for view in TABS),
        f"{mail}raw/", *deeds, "/policies/", "/policies/?key=example.com",
        "/policies/olga@example.com/", "/policies/banrules/", "/policies/banrules/current/",
        "/policies/banrules/current/remove/", "/policies/banrules/new/",
        "/networks/", "/networks/remove/", "/profiles/new/", "/profiles/new/remove/",
        "/policies/new.example/", "/senders/", "/senders/olga@example.com/",
        "/senders/olga@example.com/remove/", "/domains/", "/domains/example.com/",
        "/domains/example.com/remove/", "/accounts/", f"/accounts/{cast.auditor.pk}/",
        f"/accounts/{cast.auditor.pk}/remove/", "/notices/", "/notices/virus/de/",
        "/notices/virus/de/reset/", "/engines/", "/engines/role/", "/engines/scanning/",
        "/engines/answer/?name=clamd", "/engines/virusnames/", "/engines/virusnames/?name=x",
        "/engines/virusnames/reset/", "/engines/preferences/", "/engines/preferences/?name=ann",
        "/engines/preferences/ann/", "/engines/preferences/ann/remove/", "/engines/learning/",
        "/security/", "/security/app/", "/security/codes/", "/security/codes/new/",
        "/security/passkeys/add/", "/security/confirm/", "/security/sessions/",
        "/security/sessions/end/", "/status/", "/status/alarms/dismiss/", "/healthz", "/readyz",
        "/metrics",
    ]  # fmt: skip
    client = cast.client(role)
    before = _fingerprints()

    statuses = [getattr(client, method)(path).status_code for path in paths]

    assert _fingerprints() == before
    assert max(statuses) < 500


def test_every_deed_is_among_those_that_only_answer_to_post() -> None:
    """Addresses that act refuse GET for everybody who is logged in."""
    acting = {name for name, method, *got in ROWS if method == "POST" and "302" in got[:7]}
    forms = {"policy", "ban_set", "profile", "networks", "sender_list", "domains", "domain"}
    forms |= {"notice", "accounts", "account"}
    forms |= {"engines", "virus_names", "preference_list", "site_settings", "tokens"}
    allauth = {name for name in acting if name.startswith(("account_", "mfa_"))} - {
        "account_active",
        "account_help",
        "account_remove",
        "account_scope",
    }

    refusing = {name for name, method, *got in ROWS if method == "GET" and set(got[:7]) == {"405"}}

    assert acting - forms - allauth <= refusing
