"""The command `revisions`: who changed what, and taking it back."""

from typing import Any

import pytest

from appliance.policies.edit import find_layer
from appliance.policies.models import PolicyChange

pytestmark = pytest.mark.django_db


def test_changes_are_listed_shown_and_taken_back(run: Any) -> None:
    run("policy", "set", "example.com", "spam_kill_level=8")
    run("domains", "add", "other.example")
    number = PolicyChange.objects.get(key="example.com").number

    listed = run("revisions", "list", "--key", "example.com", "--json").document
    shown = run("revisions", "show", str(number))
    taken = run("revisions", "revert", str(number), "--why", "a mistake")

    assert [row["number"] for row in listed] == [number]
    assert shown.out.splitlines()[1] == "  Stop as spam from (kill): as inherited -> 8"
    assert (taken.code, find_layer("example.com")) == (0, None)
    assert PolicyChange.objects.latest("number").why == f"takes back revision {number}: a mistake"
    assert len(run("revisions", "list", "--limit", "2", "--json").document) == 2


def test_a_change_that_cannot_be_taken_back_is_an_error_of_one_line(run: Any) -> None:
    run("policy", "set", "example.com", "spam_kill_level=8")
    run("policy", "set", "example.com", "spam_kill_level=9")
    later, first = PolicyChange.objects.filter(key="example.com")

    refused = run("revisions", "revert", str(first.number))

    assert refused.code == 1
    assert f"revision {later.number} has changed this again" in refused.err
    assert run("revisions", "show", "999999").code == 2
