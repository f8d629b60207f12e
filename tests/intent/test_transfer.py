"""Export and import: a round trip changes nothing, a plan tells what an import would do."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from appliance.accounts.models import User
from appliance.accounts.users import create_user
from appliance.domains.edit import add_domain, add_network
from appliance.domains.models import Domain, Network
from appliance.errors import Refused
from appliance.policies.banrules import set_rules
from appliance.policies.edit import set_fields
from appliance.policies.models import NamedPolicy, PolicyLayer, Profile, SenderRule
from appliance.policies.profiles import change_profile
from appliance.policies.senders import add_sender
from appliance.policies.transfer import export_rows, import_rows
from appliance.status.edit import add_trace, set_setting

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> dict[str, Any]:
    """One row of every kind; return their export."""
    who = {"actor": "test"}
    add_domain(name="example.com", **who)
    change_profile(name="out", values={"spam_lover": "yes"}, ports=[10587], **who)
    add_network(cidr="192.0.2.0/24", profile="out", **who)
    set_fields(key="ann@example.com", values={"spam_kill_level": "never"}, **who)
    named = NamedPolicy.objects.create(name="rejecting", spam_destiny="reject")
    PolicyLayer.objects.create(key=".org", policy=named, priority=3, locked=["spam_lover"])
    expires_at = datetime(2031, 1, 1, tzinfo=UTC)
    add_sender(key="@.", sender="bad.example", action="2.5", expires_at=expires_at, **who)
    add_sender(key="@.", sender="<>", action="allow", **who)
    add_sender(key="@.", sender="b.example", action="allow", authenticated=True, **who)
    set_rules(name="ours", rules=[{"pattern": "x", "path": True, "silent": True}], **who)
    set_setting(name="retention_days", value="7", **who)
    add_trace(sender="<>", **who)
    create_user(
        email="Ann@example.com",
        role="owner",
        mailboxes=["ann@example.com"],
        password="correct horse battery",
        **who,
    )
    return export_rows()


def test_an_import_of_an_export_changes_nothing(site: dict[str, Any]) -> None:
    document = json.loads(json.dumps(site))

    assert import_rows(document=document, actor="test") == []
    assert export_rows() == site


def test_an_export_holds_no_password(site: dict[str, Any]) -> None:
    assert "password" not in json.dumps(site)


def test_an_export_fills_an_empty_site(site: dict[str, Any]) -> None:
    for model in (PolicyLayer, NamedPolicy, SenderRule, Domain, User, Network, Profile):
        model.objects.all().delete()

    lines = import_rows(document=site, actor="test")

    assert export_rows() == site
    assert lines[0] == '+ domains example.com {"name": "example.com"}'
    assert not User.objects.get(email="ann@example.com").has_usable_password()


def test_a_plan_is_what_the_import_then_does(site: dict[str, Any]) -> None:
    document = deepcopy(site)
    layer = next(row for row in document["layers"] if row["key"] == "ann@example.com")
    layer["settings"] = {"spam_kill_level": 8, "spam_lover": True}
    document["layers"] = [row for row in document["layers"] if row["key"] != ".org"]
    document["policies"] = []
    document["domains"].append({"name": "Bücher.de"})

    plan = import_rows(document=document, actor="test", plan_only=True)

    assert export_rows() == site
    assert plan == import_rows(document=document, actor="test")
    assert '+ domains xn--bcher-kva.de {"name": "xn--bcher-kva.de"}' in plan
    assert '~ layers ann@example.com spam_kill_level: "never" -> 8.0' in plan
    assert "~ layers ann@example.com spam_lover: null -> true" in plan
    assert any(line.startswith("- layers .org ") for line in plan)
    assert any(line.startswith("- policies rejecting ") for line in plan)
    assert import_rows(document=document, actor="test", plan_only=True) == []


def test_a_section_that_is_left_out_stays_as_it_is(site: dict[str, Any]) -> None:
    assert import_rows(document={"version": 1, "domains": []}, actor="test") == [
        '- domains example.com {"name": "example.com"}'
    ]
    assert export_rows() == site | {"domains": []}


def test_no_import_removes_an_account(site: dict[str, Any]) -> None:
    assert import_rows(document={"version": 1, "users": []}, actor="test") == []
    assert User.objects.exists()


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([], "no export"),
        ({"version": 2}, "no export"),
        ({"version": 1, "colours": []}, "unknown section"),
        ({"version": 1, "domains": {}}, "a list is expected"),
        ({"version": 1, "domains": [{"nom": "x"}]}, "an object of name is expected"),
        ({"version": 1, "domains": [{}]}, "has no name"),
        ({"version": 1, "domains": [{"name": 5}]}, "has no name"),
        ({"version": 1, "domains": [{"name": "a.de"}, {"name": "A.de"}]}, "stands there twice"),
        ({"version": 1, "layers": [{"key": "@.", "settings": {"x": 1}}]}, "unknown field"),
        ({"version": 1, "layers": [{"key": "@.", "settings": []}]}, "of a wrong type"),
        ({"version": 1, "layers": [{"key": "@.", "settings": {"virus_lover": 7}}]}, "yes or no"),
        ({"version": 1, "layers": [{"key": "@.", "policy": "none"}]}, "no named policy"),
        ({"version": 1, "layers": [{"key": "@.", "priority": "x"}]}, "of a wrong type"),
        ({"version": 1, "layers": [{"key": "@.", "priority": 1 << 70}]}, "out of range"),
        ({"version": 1, "senders": [{"key": "@.", "sender": "x"}]}, "not complete"),
        ({"version": 1, "networks": [{"cidr": "::1", "profile": "none"}]}, "no profile 'none'"),
        ({"version": 1, "profiles": [{"name": "x", "ports": [0]}]}, "is no port"),
        ({"version": 1, "profiles": [{"name": "x", "ports": ["y"]}]}, "of a wrong type"),
        ({"version": 1, "settings": [{"name": "bin_hours", "value": "x"}]}, "must be an integer"),
        ({"version": 1, "users": [{"email": "a@b.de", "role": "king"}]}, "no role"),
    ],
)
def test_a_document_that_is_wrong_is_refused_as_a_whole(document: Any, why: str) -> None:
    before = export_rows()

    with pytest.raises(Refused, match=why):
        import_rows(document=document, actor="test")
    assert export_rows() == before


def test_the_command_says_no_change(run: Any, tmp_path: Any) -> None:
    file = tmp_path / "export.json"
    file.write_text(run("policy", "export").out, encoding="utf-8")

    assert run("policy", "import", str(file), "--plan").out == "no change\n"
    file.write_text("{", encoding="utf-8")
    assert run("policy", "import", str(file)).code == 1
    assert run("policy", "import", str(tmp_path / "missing")).code == 1
