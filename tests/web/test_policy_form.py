"""The policy form: what is inherited and from where, and what saving does."""

import pytest

from appliance.policies.edit import find_layer, set_fields, stored_settings
from appliance.policies.inherit import inherited
from appliance.policies.layers import lock_fields
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


def _lock(key: str, *fields: str) -> None:
    lock_fields(key=key, fields=fields, actor="tests")


def test_a_locked_field_is_refused_where_somebody_sends_it_all_the_same(cast: Cast) -> None:
    """The switch of a lock above is not on the page, and what is sent for it is not heard."""
    _lock("example.com", "virus_lover", "spam_lover")

    cast.client("manager").post(URL, {"lock_virus_lover": "on", "spam_lover": "yes"})

    assert find_layer("olga@example.com") is None


def test_a_manager_locks_a_field_at_the_own_domain(cast: Cast) -> None:
    mona = cast.client("manager")

    mona.post("/policies/example.com/", {"spam_lover": "no", "lock_spam_lover": "on"})

    layer = find_layer("example.com")
    assert layer is not None
    assert (layer.spam_lover, layer.locked) == (False, ["spam_lover"])
    assert "fixed by <bdi>example.com</bdi>" in mona.get(URL).content.decode()
    mona.post("/policies/example.com/", {"spam_lover": "no"})
    layer = find_layer("example.com")
    assert layer is not None
    assert layer.locked == []


@pytest.mark.parametrize(
    "name", ["forward_method", "virus_admin", "archive_quarantine_to", "clean_quarantine_to"]
)
def test_what_reaches_beyond_the_own_mail_is_for_administrators(cast: Cast, name: str) -> None:
    value = {"forward_method": "smtp:[192.0.2.1]:25", "virus_admin": "a@example.com"}
    form = {name: value.get(name, "quarantine"), f"lock_{name}": "on"}

    cast.client("manager").post("/policies/example.com/", form)
    assert find_layer("example.com") is None

    cast.client("administrator").post("/policies/example.com/", form)
    layer = find_layer("example.com")
    assert layer is not None
    assert (getattr(layer, name), layer.locked) == (form[name], [name])
    cast.client("manager").post("/policies/example.com/", {"spam_lover": "yes"})
    layer = find_layer("example.com")
    assert layer is not None
    assert (getattr(layer, name), layer.locked) == (form[name], [name])


def test_what_a_source_says_is_shown_and_stays(cast: Cast) -> None:
    """K-8: read-only, and inherited by the layer made by hand."""
    PolicyLayer.objects.create(key="olga@example.com", source="ldap-main", spam_kill_level=9)
    mona = cast.client("manager")

    page = mona.get(URL).content.decode()
    assert "Read from <bdi>ldap-main</bdi>" in page
    assert "<strong><bdi>9</bdi></strong>" in page
    assert "ldap-main" in mona.get("/policies/").content.decode()

    mona.post(URL, {"spam_lover": "yes"})
    assert find_layer("olga@example.com") is not None
    assert PolicyLayer.objects.get(source="ldap-main").spam_lover is None
