"""The policy form: what is inherited and from where, and what saving does."""

import pytest

from appliance.policies.edit import find_layer, set_fields, stored_settings
from appliance.policies.inherit import inherited
from appliance.policies.models import PolicyLayer
from tests.web.conftest import Cast

URL = "/policies/olga@example.com/"


def _set(key: str, **values: str) -> None:
    set_fields(key=key, values=values, actor="tests")


@pytest.mark.parametrize(
    ("key", "origin", "value"),
    [
        ("@.", "default", 6.3),
        (".example.com", "@.", 7.0),
        ("example.com", ".example.com", 8.0),
        ("olga@example.com", "example.com", 9.0),
        ("olga@", "@.", 7.0),
        ("olga@other.example", "@.", 7.0),
    ],
)
def test_a_layer_inherits_from_the_next_one(
    cast: Cast, key: str, origin: str, value: float
) -> None:
    _set("@.", spam_kill_level="7")
    _set(".example.com", spam_kill_level="8")
    _set("example.com", spam_kill_level="9")
    _set("olga@example.com", spam_kill_level="10")

    found = inherited(key)["spam_kill_level"]

    assert (found.origin, found.value) == (origin, value)


def test_the_form_links_to_where_a_value_comes_from(cast: Cast) -> None:
    _set("example.com", spam_kill_level="9")

    page = cast.client("administrator").get(URL).content.decode()

    assert '<strong><bdi>9</bdi></strong><br>from <a href="/policies/example.com/">' in page


def test_a_manager_sees_the_sites_value_without_a_link_to_it(cast: Cast) -> None:
    page = cast.client("manager").get(URL).content.decode()

    assert "from <bdi>the site</bdi>" in page
    assert "/policies/@." not in page


def test_saving_sets_what_was_written_and_unsets_what_was_emptied(cast: Cast) -> None:
    _set("olga@example.com", virus_lover="yes", spam_kill_level="9")
    form = {
        "spam_kill_level": "",
        "virus_lover": "yes",
        "spam_subject_tag2": "[spam]",
        "spam_quarantine_to": "(nothing)",
    }

    response = cast.client("manager").post(URL, form)

    layer = find_layer("olga@example.com")
    assert response.status_code == 302
    assert layer is not None
    assert (layer.spam_kill_level, layer.virus_lover) == (None, True)
    assert (layer.spam_subject_tag2, layer.spam_quarantine_to) == ("[spam]", "")


def test_emptying_all_removes_the_layer(cast: Cast) -> None:
    _set("olga@example.com", virus_lover="yes")

    cast.client("manager").post(URL, {})

    assert not PolicyLayer.objects.filter(key="olga@example.com").exists()


def test_saving_a_form_as_it_was_shown_changes_nothing(cast: Cast) -> None:
    _set("olga@example.com", spam_kill_level="never", virus_destiny="discard", spam_subject_tag="")
    response = cast.client("manager").get(URL)
    before = find_layer("olga@example.com")

    cast.client("manager").post(URL, response.context["form"].stored)

    after = find_layer("olga@example.com")
    assert before is not None
    assert after is not None
    assert stored_settings(after) == stored_settings(before)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"spam_kill_level": "high"}, "is not a number, or never"),
        ({"spam_tag2_level": "9"}, "is above"),
        ({"message_size_limit": "-1"}, "whole number of octets"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence_and_nothing_is_stored(
    cast: Cast, form: dict[str, str], sentence: str
) -> None:
    response = cast.client("manager").post(URL, form)

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert find_layer("olga@example.com") is None


def test_a_locked_field_is_shown_and_cannot_be_changed(cast: Cast) -> None:
    PolicyLayer.objects.update_or_create(
        key="@.", defaults={"locked": ["virus_lover"], "virus_lover": False}
    )

    response = cast.client("manager").post(URL, {"virus_lover": "yes"})

    assert response.status_code == 302
    assert find_layer("olga@example.com") is None
    assert "fixed by" in cast.client("manager").get(URL).content.decode()
