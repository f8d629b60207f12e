"""explain(): the daemon's own decision on stored policy, with the origin of each value."""

from datetime import UTC, datetime
from typing import Any

import pytest

from appliance.engines.virus_names import set_rules
from appliance.errors import Refused
from appliance.policies.edit import set_fields
from appliance.policies.explain import explain, supposed
from appliance.policies.models import NamedPolicy, PolicyLayer
from appliance.policies.senders import add_sender
from smtpfilter.policy.settings import FIELDS
from smtpfilter.policy.site import NamePoints

pytestmark = pytest.mark.django_db


def told(recipient: str = "ann@example.com", **more: Any) -> dict[str, Any]:
    return explain(recipient=recipient, **more).to_json()


def test_a_clean_message_passes_and_every_setting_has_its_origin() -> None:
    answer = told()

    assert (answer["destiny"], answer["category"]) == ("pass", "clean")
    assert list(answer["settings"]) == list(FIELDS)
    assert answer["settings"]["spam_kill_level"] == {"value": 6.3, "origin": "@."}
    assert answer["settings"]["spam_tag3_level"] == {"value": "never", "origin": "@."}
    assert answer["settings"]["unchecked_limits_destiny"] == {"value": "discard", "origin": "@."}


@pytest.mark.parametrize(
    ("findings", "destiny", "category"),
    [
        ({"score": 6.299}, "pass", "clean"),
        ({"score": 6.3}, "discard", "spam"),
        ({"viruses": ["Eicar-Test-Signature"]}, "discard", "virus"),
        ({"banned": ["invoice.pdf.exe"]}, "discard", "banned"),
        ({"banned": ["invoice.pdf"]}, "pass", "clean"),
    ],
)
def test_what_a_person_supposes_is_decided_as_the_daemon_would(
    findings: dict[str, Any], destiny: str, category: str
) -> None:
    answer = told(findings=supposed(**findings))

    assert (answer["destiny"], answer["category"]) == (destiny, category)
    assert answer["reasons"]


def test_a_change_is_obeyed_and_its_key_is_the_origin() -> None:
    set_fields(key="example.com", values={"spam_kill_level": "8"}, actor="test")
    named = NamedPolicy.objects.create(name="soft", spam_destiny="pass")
    PolicyLayer.objects.create(key="ann@example.com", policy=named)

    answer = told("Ann+news@Example.com", findings=supposed(score=9))

    assert answer["settings"]["spam_kill_level"] == {"value": 8.0, "origin": "example.com"}
    assert answer["settings"]["spam_destiny"]["origin"] == "ann@example.com (policy soft)"
    assert answer["destiny"] == "pass"


def test_the_sender_list_counts_until_it_expires() -> None:
    add_sender(
        key="@.",
        sender="bad.example",
        action="block",
        expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        actor="test",
    )

    def on(day: datetime) -> str:
        return str(told(sender="bob@bad.example", now=day)["category"])

    assert on(datetime(2029, 12, 31, tzinfo=UTC)) == "spam"
    assert on(datetime(2030, 1, 2, tzinfo=UTC)) == "clean"


def test_what_would_have_let_it_through_is_told() -> None:
    answer = told(findings=supposed(score=7))

    assert answer["let_through"]
    assert "spam_kill_level" in " ".join(answer["let_through"])
    assert told()["let_through"] == []


@pytest.mark.parametrize("recipient", ["a\nb@example.com", "@", "\udcff@example.com"])
def test_what_is_no_address_is_refused(recipient: str) -> None:
    with pytest.raises(Refused):
        told(recipient)


def test_names_that_a_site_gives_points_are_no_viruses() -> None:
    """V-4, BB-47: as the daemon would, by the site's own list where it has one."""
    phish = {"viruses": ["Heuristics.Phishing.Email"]}
    assert told(findings=supposed(**phish))["category"] == "clean"
    both = {"viruses": [*phish["viruses"], "Win.Worm.Klez"]}
    assert told(findings=supposed(**both))["category"] == "virus"
    set_rules(rules=[NamePoints("Klez", 7.0)], actor="test")
    assert told(findings=supposed(**phish))["category"] == "virus"
    assert told(findings=supposed(viruses=["Win.Worm.Klez"]))["category"] == "spam"


def test_a_supposed_score_is_one_by_the_recipients_own_preferences() -> None:
    """S-1."""
    values = {"sa_userconf": "sql:", "sa_username": "ann"}
    set_fields(key="ann@example.com", values=values, actor="test")

    assert told(findings=supposed(score=6.3))["category"] == "spam"
