"""The site's list of names of viruses that are worth points (V-4), by verb, command and import."""

from typing import Any

import pytest

from appliance.engines import virus_names
from appliance.engines.models import VirusNameRule
from appliance.errors import Already, Refused
from appliance.policies.models import PolicyChange
from appliance.policies.source import DatabasePolicySource
from appliance.policies.transfer import export_rows, import_rows
from smtpfilter.policy.site import NamePoints
from smtpfilter.policy.virus_names import BUILT_IN

pytestmark = pytest.mark.django_db

PHISHING = NamePoints("Phishing", 3.5, "fraud")
STAYS = NamePoints(r"^Phishing\.Bank", None, "stays a virus")


@pytest.fixture(autouse=True)
def inside_a_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail path must not take the test's connection for a broken one."""
    monkeypatch.setattr("appliance.policies.source.close_old_connections", lambda: None)


def test_the_sites_list_counts_in_its_order_and_an_empty_one_brings_the_shipped_one_back() -> None:
    """V-4."""
    virus_names.set_rules(rules=[STAYS, PHISHING], actor="test")

    assert virus_names.rules_in_force() == (STAYS, PHISHING)
    assert DatabasePolicySource().load([], []).site.name_points == (STAYS, PHISHING)
    virus_names.reset_rules(actor="test")
    assert virus_names.rules_in_force() == BUILT_IN
    assert [change.verb for change in PolicyChange.objects.all()[:2]] == ["virusnames set"] * 2
    with pytest.raises(Refused, match="as it was shipped"):
        virus_names.reset_rules(actor="test")


def test_the_first_change_of_the_list_begins_with_the_shipped_one() -> None:
    rules = virus_names.add_rule(rule=PHISHING, place=1, actor="test")

    assert rules == (PHISHING, *BUILT_IN)
    assert virus_names.move_rule(place=1, target=3, actor="test")[2] == PHISHING
    assert virus_names.remove_rule(place=3, actor="test") == BUILT_IN
    assert VirusNameRule.objects.count() == len(BUILT_IN)


def test_a_move_to_the_same_place_changes_nothing() -> None:
    with pytest.raises(Already):
        virus_names.move_rule(place=2, target=2, actor="test")
    assert not VirusNameRule.objects.exists()


@pytest.mark.parametrize("place", [0, -1, 10_000])
def test_a_place_that_is_none_is_refused(place: int) -> None:
    with pytest.raises(Refused, match="there is no place"):
        virus_names.remove_rule(place=place, actor="test")
    assert not VirusNameRule.objects.exists()


@pytest.mark.parametrize(
    "rule",
    [
        NamePoints("(broken", 1.0),
        NamePoints("", 1.0),
        NamePoints("x" * 501, 1.0),
        NamePoints("a\x00b", 1.0),
        NamePoints("x", 1.0, "c" * 201),
        NamePoints("x", 1.0, "\x1b"),
        NamePoints("(a+)+$", 1.0),
    ],
)
def test_a_rule_that_is_none_is_refused_with_its_number(rule: NamePoints) -> None:
    """Q4: expressions of administrators have limits."""
    with pytest.raises(Refused, match="rule 2: "):
        virus_names.set_rules(rules=[PHISHING, rule], actor="test")
    assert not VirusNameRule.objects.exists()


def test_a_list_has_an_end() -> None:
    with pytest.raises(Refused, match="at most 500 rules"):
        virus_names.set_rules(rules=[PHISHING] * 501, actor="test")


@pytest.mark.parametrize(
    ("text", "points"), [("0", 0.0), ("2.5", 2.5), ("-1", -1.0), (" Virus ", None)]
)
def test_points_are_a_number_or_the_word_virus(text: str, points: float | None) -> None:
    assert virus_names.parse_points(text) == points


@pytest.mark.parametrize("text", ["", "many", "nan", "inf", "1e9", "-1001"])
def test_other_words_are_no_points(text: str) -> None:
    with pytest.raises(Refused, match="neither a number"):
        virus_names.parse_points(text)


def test_the_command_keeps_the_list_and_tries_names(run: Any) -> None:
    """V-4: which rule decides, and what the name is worth."""
    run("virusnames", "add", "Phishing", "3.5", "--comment", "fraud", "--place", "1")
    run("virusnames", "add", r"^Phishing\.Bank", "virus", "--place", "1", "--json")

    def tried(name: str) -> Any:
        return run("virusnames", "try", name, "--json").document

    assert tried("Phishing.Bank.7") == {"rule": 1, "points": None, "virus": True}
    assert tried("Email.Phishing.7") == {"rule": 2, "points": 3.5, "virus": False}
    assert tried("Win.Trojan.7") == {"rule": None, "points": None, "virus": True}
    assert run("virusnames", "try", "Win.Trojan.7").out == "stays a virus: no rule matches\n"
    assert "3.5 points, by rule 2 (fraud)" in run("virusnames", "try", "X.Phishing").out
    listed = run("virusnames", "move", "1", "2", "--json").document
    assert listed[0] == {"pattern": "Phishing", "points": 3.5, "comment": "fraud"}
    assert len(run("virusnames", "remove", "1", "--json").document) == len(BUILT_IN) + 1
    assert run("virusnames", "add", "(broken", "1").code == 1
    assert run("virusnames", "reset", "--json").document[0] == virus_names.as_json(BUILT_IN[0])


def test_an_export_holds_the_list() -> None:
    virus_names.set_rules(rules=[STAYS, PHISHING], actor="test")
    document = export_rows()
    VirusNameRule.objects.all().delete()

    assert len(import_rows(document=document, actor="test")) == 2
    assert export_rows() == document
    import_rows(document={"version": 1, "virusnames": []}, actor="test")
    assert virus_names.rules_in_force() == BUILT_IN


@pytest.mark.parametrize(
    "row",
    [
        {"position": 1, "pattern": "(", "points": 1, "comment": ""},
        {"position": 1, "pattern": "x", "points": "lots", "comment": ""},
        {"position": -1, "pattern": "x", "points": 1, "comment": ""},
        {"position": "one", "pattern": "x", "points": 1, "comment": ""},
        {"position": 1, "pattern": 7, "points": 1, "comment": ""},
    ],
)
def test_an_import_is_checked_as_people_are(row: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        import_rows(document={"version": 1, "virusnames": [row]}, actor="test")
    assert not VirusNameRule.objects.exists()
