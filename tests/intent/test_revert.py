"""Taking a recorded change back: the old state as a new revision, or a sentence why not."""

from collections.abc import Callable
from typing import Any

import pytest

from appliance.domains.edit import (
    add_domain,
    add_mailbox,
    add_network,
    remove_domain,
    remove_network,
)
from appliance.engines.preferences import set_preference, unset_preference
from appliance.engines.virus_names import set_rules as set_virus_names
from appliance.errors import Overtaken, Refused, Unknown
from appliance.notices.edit import set_words
from appliance.policies.banrules import remove_rules, set_rules
from appliance.policies.edit import as_json, change_fields, find_layer, set_fields
from appliance.policies.layers import lock_fields, set_priority, use_policy
from appliance.policies.models import PolicyChange
from appliance.policies.named import change_named, remove_named
from appliance.policies.profiles import change_profile, remove_profile
from appliance.policies.revert import take_back
from appliance.policies.revisions import because
from appliance.policies.senders import add_sender, remove_sender
from appliance.policies.transfer import export_rows, import_rows
from appliance.status.edit import add_trace, set_settings
from smtpfilter.policy.site import NamePoints
from smtpfilter.verdict.texts import Template

pytestmark = pytest.mark.django_db
KEY, ME = "example.com", "tests"
RULES = [{"pattern": r"\.exe$", "banned": True, "comment": "programs"}]


def _newest() -> PolicyChange:
    return PolicyChange.objects.latest("number")


def _prepare() -> None:
    """Rows of every kind, so that each verb has something to change."""
    set_fields(key=KEY, values={"spam_kill_level": "8"}, actor=ME)
    change_named(name="mild", values={"spam_lover": "yes"}, actor=ME)
    change_profile(name="out", values={"spam_lover": "yes"}, ports=[10027], actor=ME)
    add_sender(key=KEY, sender="friend@example.org", action="-3.5", actor=ME)
    add_sender(key=KEY, sender="<>", action="block", actor=ME)
    set_rules(name="mine", rules=RULES, actor=ME)
    add_network(cidr="192.0.2.0/24", profile="out", actor=ME)
    add_domain(name=KEY, actor=ME)
    set_preference(username="ann", preference="use_bayes", value="0", actor=ME)


CHANGES: dict[str, Callable[[], Any]] = {
    "layer": lambda: change_fields(
        key=KEY,
        values={"spam_kill_level": None, "virus_lover": "no", "spam_subject_tag2": ""},
        locked=["virus_lover"],
        actor=ME,
    ),
    "new layer": lambda: set_fields(key="a@example.com", values={"spam_lover": "yes"}, actor=ME),
    "lock": lambda: lock_fields(key=KEY, fields=["spam_lover"], actor=ME),
    "named policy of a layer": lambda: use_policy(key=KEY, name="mild", actor=ME),
    "priority": lambda: set_priority(key=KEY, priority=7, actor=ME),
    "named": lambda: change_named(name="mild", values={"spam_kill_level": "9"}, actor=ME),
    "named removed": lambda: remove_named(name="mild", actor=ME),
    "profile": lambda: change_profile(
        name="out", values={"spam_lover": "no"}, ports=[], originating=True, actor=ME
    ),
    "profile made": lambda: change_profile(name="in", values={}, actor=ME),
    "profile removed": lambda: (
        remove_network(cidr="192.0.2.0/24", actor=ME),
        remove_profile(name="out", actor=ME),
    ),
    "sender": lambda: add_sender(key=KEY, sender="friend@example.org", action="allow", actor=ME),
    "sender added": lambda: add_sender(key=KEY, sender="foe@example.org", action="block", actor=ME),
    "sender removed": lambda: remove_sender(key=KEY, sender="friend@example.org", actor=ME),
    "null sender removed": lambda: remove_sender(key=KEY, sender="<>", actor=ME),
    "ban rules": lambda: set_rules(name="mine", rules=[], actor=ME),
    "ban rules made": lambda: set_rules(name="theirs", rules=RULES, actor=ME),
    "ban rules removed": lambda: remove_rules(name="mine", actor=ME),
    "network": lambda: add_network(cidr="192.0.2.0/24", actor=ME),
    "network removed": lambda: remove_network(cidr="192.0.2.0/24", actor=ME),
    "domain": lambda: add_domain(name="new.example", actor=ME),
    "domain removed": lambda: remove_domain(name=KEY, actor=ME),
    "mailbox": lambda: add_mailbox(address="a@example.com", actor=ME),
    "settings": lambda: set_settings(
        values={"retention_days": 7, "recipient_delimiter": "-"}, actor=ME
    ),
    "virus names": lambda: set_virus_names(rules=[NamePoints("^Sane", 2.5)], actor=ME),
    "preference": lambda: set_preference(
        username="ann", preference="use_bayes", value="1", actor=ME
    ),
    "preference removed": lambda: unset_preference(
        username="ann", preference="use_bayes", value="0", actor=ME
    ),
    "notice": lambda: set_words(
        kind="virus", language="de", template=Template("Hallo", "{{ hostname }}"), actor=ME
    ),
    "traced": lambda: add_trace(sender="friend@example.org", actor=ME),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_is_taken_back_leaves_all_as_it_was(name: str) -> None:
    _prepare()
    before = export_rows()
    number = _newest().number
    CHANGES[name]()
    made = list(PolicyChange.objects.filter(number__gt=number))
    assert export_rows() != before

    for change in made:
        take_back(number=change.number, actor="ada", why="a mistake")

    assert export_rows() == before
    assert (_newest().who, _newest().why) == (
        "ada",
        f"takes back revision {made[-1].number}: a mistake",
    )


def test_a_change_made_by_an_import_is_taken_back() -> None:
    set_fields(key=KEY, values={"spam_kill_level": "8"}, actor=ME)
    document = export_rows()
    wanted = {
        "version": 1,
        "layers": [
            *(row for row in document["layers"] if row["key"] != KEY),
            {"key": KEY, "settings": {"spam_kill_level": 4}, "locked": []},
        ],
        "settings": [{"name": "retention_days", "value": 3}],
        "banrules": [{"name": "mine", "rules": RULES}],
        "networks": [{"cidr": "192.0.2.0/24", "profile": ""}],
        "senders": [{"key": KEY, "sender": "a@example.org", "action": "allow", "points": 0}],
    }
    number = _newest().number
    import_rows(document=wanted, actor=ME)

    for change in PolicyChange.objects.filter(number__gt=number):
        take_back(number=change.number, actor="ada")

    assert export_rows() == document


def test_what_was_changed_beside_it_stays() -> None:
    set_fields(key=KEY, values={"spam_kill_level": "8"}, actor=ME)
    number = _newest().number
    set_fields(key=KEY, values={"virus_lover": "no"}, actor=ME)

    take_back(number=number, actor="ada")

    layer = as_json(find_layer(KEY))
    assert layer is not None
    assert layer["settings"] == {"virus_lover": False}


def test_what_was_changed_again_is_refused_with_the_revision_that_did_it() -> None:
    set_fields(key=KEY, values={"spam_kill_level": "8"}, actor=ME)
    number = _newest().number
    set_fields(key=KEY, values={"spam_kill_level": "9"}, actor=ME)
    blocking = _newest().number
    set_fields(key=KEY, values={"virus_lover": "no"}, actor=ME)

    with pytest.raises(Refused, match=f"revision {blocking} has changed this again"):
        take_back(number=number, actor="ada")

    layer = find_layer(KEY)
    assert layer is not None
    assert layer.spam_kill_level == 9


def test_what_a_layer_above_has_locked_since_is_refused() -> None:
    set_fields(key="a@example.com", values={"spam_kill_level": "8"}, actor=ME)
    set_fields(key="a@example.com", values={"spam_kill_level": "9"}, actor=ME)
    number = _newest().number
    lock_fields(key=KEY, fields=["spam_kill_level"], actor=ME)

    with pytest.raises(Refused, match=r"locked by example\.com"):
        take_back(number=number, actor="ada")


def test_a_rule_set_that_is_in_use_since_does_not_go() -> None:
    set_rules(name="mine", rules=RULES, actor=ME)
    number = _newest().number
    set_fields(key=KEY, values={"banned_rulenames": "mine"}, actor=ME)

    with pytest.raises(Refused, match=r"used by example\.com"):
        take_back(number=number, actor="ada")


def test_what_was_taken_back_once_is_not_taken_back_again() -> None:
    add_domain(name=KEY, actor=ME)
    number = _newest().number
    take_back(number=number, actor="ada")

    with pytest.raises(Refused, match=f"revision {number + 1} has changed this again"):
        take_back(number=number, actor="ada")
    take_back(number=number + 1, actor="ada")


def test_what_is_no_change_of_a_row_is_refused() -> None:
    with pytest.raises(Unknown):
        take_back(number=2**62, actor="ada")


def test_a_reason_is_noted_with_the_changes_made_for_it_and_with_no_other() -> None:
    with because("  ticket\x00 4711 "):
        set_fields(key=KEY, values={"spam_kill_level": "8"}, actor=ME)
    assert _newest().why == "ticket\ufffd 4711"

    set_fields(key=KEY, values={"spam_kill_level": "9"}, actor=ME)
    assert _newest().why == ""


def test_a_change_of_what_was_changed_meanwhile_is_refused() -> None:
    """The verb itself looks, under the lock of the row: two requests cannot slip past the form."""
    set_fields(key=KEY, values={"spam_kill_level": "8"}, actor="mona")
    seen = _newest().number
    set_fields(key=KEY, values={"spam_kill_level": "9"}, actor="ada")

    with pytest.raises(Overtaken, match="ada changed"):
        change_fields(key=KEY, values={"spam_lover": "yes"}, seen=seen, actor="mona")
    change_fields(key=KEY, values={"spam_lover": "yes"}, seen=_newest().number, actor="mona")
