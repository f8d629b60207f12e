"""The policy form: what is inherited and from where, and what saving does."""

import pytest

from appliance.policies.edit import find_layer, set_fields, stored_settings
from appliance.policies.inherit import inherited
from appliance.policies.layers import lock_fields, use_policy
from appliance.policies.models import PolicyChange, PolicyLayer, Profile
from appliance.policies.named import change_named
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

    assert '<strong><bdi>9</bdi></strong> <br>from <a href="/policies/example.com/">' in page


def test_a_manager_sees_the_sites_value_without_a_link_to_it(cast: Cast) -> None:
    page = cast.client("manager").get(URL).content.decode()

    assert "from <bdi>the site</bdi>" in page
    assert "/policies/@." not in page


def test_saving_sets_what_was_written_and_unsets_what_was_emptied(cast: Cast) -> None:
    _set("olga@example.com", virus_lover="yes", spam_kill_level="9")
    form = {
        "spam_kill_level": "",
        "treat_virus": "mark",
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

    response = cast.client("manager").post(URL, {"treat_virus": "mark"})

    assert response.status_code == 302
    assert find_layer("olga@example.com") is None
    assert "fixed by" in cast.client("manager").get(URL).content.decode()


def _lock(key: str, *fields: str) -> None:
    lock_fields(key=key, fields=fields, actor="tests")


def test_a_locked_field_is_refused_where_somebody_sends_it_all_the_same(cast: Cast) -> None:
    """The switch of a lock above is not on the page, and what is sent for it is not heard."""
    _lock("example.com", "virus_lover", "spam_lover")

    cast.client("manager").post(URL, {"lock_treat_virus": "on", "treat_spam": "mark"})

    assert find_layer("olga@example.com") is None


def test_a_manager_locks_a_field_at_the_own_domain(cast: Cast) -> None:
    mona = cast.client("manager")

    mona.post("/policies/example.com/", {"treat_spam": "act", "lock_treat_spam": "on"})

    layer = find_layer("example.com")
    assert layer is not None
    assert (layer.spam_lover, layer.locked) == (False, ["bypass_spam_checks", "spam_lover"])
    assert 'fixed by <a href="/policies/example.com/">' in mona.get(URL).content.decode()
    mona.post("/policies/example.com/", {"treat_spam": "act"})
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
    cast.client("manager").post("/policies/example.com/", {"treat_spam": "mark"})
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

    mona.post(URL, {"treat_spam": "mark"})
    assert find_layer("olga@example.com") is not None
    assert PolicyLayer.objects.get(source="ldap-main").spam_lover is None


def _layer(key: str = "olga@example.com") -> PolicyLayer:
    layer = find_layer(key)
    assert layer is not None
    return layer


LEARNING = dict.fromkeys(("spam_tag2_level", "spam_tag3_level", "spam_kill_level"), "999")


@pytest.mark.parametrize(
    ("line", "choice", "flags"),
    [
        ("treat_spam", "act", {"bypass_spam_checks": False, "spam_lover": False}),
        ("treat_spam", "mark", {"bypass_spam_checks": False, "spam_lover": True}),
        ("treat_spam", "skip", {"bypass_spam_checks": True, "spam_lover": False}),
        ("treat_banned", "mark", {"bypass_banned_checks": False, "banned_files_lover": True}),
        ("treat_header", "skip", {"bypass_header_checks": True, "bad_header_lover": False}),
        ("treat_virus", "mark", {"bypass_virus_checks": False, "virus_lover": True}),
        (
            "treat_spam",
            "learn",
            {"bypass_spam_checks": False, "spam_lover": False, "spam_kill_level": 999.0},
        ),
    ],
)
def test_one_choice_sets_both_flags_and_is_shown_again(
    cast: Cast, line: str, choice: str, flags: dict[str, object]
) -> None:
    mona = cast.client("manager")

    mona.post(URL, {line: choice})

    assert {name: getattr(_layer(), name) for name in flags} == flags
    shown = mona.get(URL).context["form"].stored
    assert shown[line] == choice
    mona.post(URL, shown | {line: ""})
    assert find_layer("olga@example.com") is None


def test_learning_is_not_offered_where_nothing_is_learned(cast: Cast) -> None:
    response = cast.client("manager").post(URL, {"treat_banned": "learn"})

    assert response.status_code == 422


def test_a_level_that_is_written_counts_when_learning_ends(cast: Cast) -> None:
    _set("olga@example.com", bypass_spam_checks="no", spam_lover="no", **LEARNING)
    mona = cast.client("manager")
    shown = mona.get(URL).context["form"].stored

    mona.post(URL, shown | {"treat_spam": "act", "spam_kill_level": "8"})

    layer = _layer()
    assert (layer.spam_kill_level, layer.spam_tag2_level, layer.spam_lover) == (8, None, False)


@pytest.mark.parametrize(
    ("flags", "above", "choice"),
    [
        ({"virus_lover": "yes"}, {}, "mark"),
        ({"virus_lover": "no"}, {}, "act"),
        ({"virus_lover": "yes"}, {"bypass_virus_checks": "yes"}, "skip"),
        ({}, {"bypass_virus_checks": "yes"}, ""),
    ],
)
def test_one_flag_alone_is_shown_as_what_it_amounts_to_and_stays(
    cast: Cast, flags: dict[str, str], above: dict[str, str], choice: str
) -> None:
    _set("example.com", **above)
    _set("olga@example.com", spam_kill_level="9", **flags)
    mona = cast.client("manager")
    shown = mona.get(URL).context["form"].stored

    mona.post(URL, shown)

    assert shown["treat_virus"] == choice
    layer = _layer()
    assert layer.bypass_virus_checks is None
    assert layer.virus_lover == {"yes": True, "no": False}.get(flags.get("virus_lover", ""))


def test_one_lock_of_two_stays_as_it_is(cast: Cast) -> None:
    _lock("example.com", "virus_lover")
    mona = cast.client("manager")

    mona.post("/policies/example.com/", {"lock_treat_virus": "on", "spam_kill_level": "9"})

    assert _layer("example.com").locked == ["virus_lover"]


SKIPS: tuple[dict[str, str], ...] = ({"treat_virus": "skip"}, {"policy": "not filtered"})


@pytest.mark.parametrize("typed", SKIPS)
def test_nobody_stops_the_search_for_viruses_in_passing(cast: Cast, typed: dict[str, str]) -> None:
    mona = cast.client("manager")

    for more in ({}, {"why": "spam trap"}, {"sure": "on"}, {"why": "  ", "sure": "on"}):
        asked = mona.post(URL, typed | more)
        assert asked.status_code == 422
        assert "No search for viruses?" in asked.content.decode()
        assert find_layer("olga@example.com") is None

    assert mona.post(URL, typed | {"why": "spam trap", "sure": "on"}).status_code == 302
    assert PolicyChange.objects.latest("number").why == "spam trap"
    kept = mona.get(URL).context["form"].initial
    again = {"policy": kept["policy"], "treat_virus": kept["treat_virus"]}
    assert mona.post(URL, again | {"spam_kill_level": "9"}).status_code == 302


def test_the_search_for_viruses_is_not_stopped_by_a_profile_in_passing(cast: Cast) -> None:
    ada = cast.client("administrator")

    asked = ada.post("/profiles/out/", {"treat_virus": "skip"})

    assert asked.status_code == 422
    assert not Profile.objects.exists()
    typed = {"treat_virus": "skip", "why": "a lab", "sure": "on"}
    assert ada.post("/profiles/out/", typed).status_code == 302


def test_a_reason_is_kept_with_the_change(cast: Cast) -> None:
    cast.client("manager").post(URL, {"spam_kill_level": "9", "why": "she asked"})

    assert PolicyChange.objects.latest("number").why == "she asked"


def test_a_named_policy_is_picked_in_the_same_change(cast: Cast) -> None:
    mona = cast.client("manager")
    number = PolicyChange.objects.count()

    mona.post(URL, {"spam_tag2_level": "5", "policy": "careful"})

    layer = _layer()
    assert layer.policy is not None
    assert (layer.policy.name, PolicyChange.objects.count()) == ("careful", number + 1)
    page = mona.get(URL).content.decode()
    assert "from <bdi>here (policy careful)</bdi>" in page
    mona.post(URL, {"spam_tag2_level": "5", "policy": ""})
    assert _layer().policy is None


def test_a_manager_is_not_offered_a_named_policy_that_reaches_beyond_the_own_mail(
    cast: Cast,
) -> None:
    change_named(name="far", values={"forward_method": "smtp:[192.0.2.1]:25"}, actor="tests")

    assert cast.client("manager").post(URL, {"policy": "far"}).status_code == 422
    assert cast.client("administrator").post(URL, {"policy": "far"}).status_code == 302
    assert cast.client("manager").get(URL).context["form"].initial["policy"] == "far"


def test_each_level_of_layers_has_a_column(cast: Cast) -> None:
    _set("@.", spam_kill_level="7")
    _set(".example.com", spam_kill_level="8")
    _set("example.com", spam_kill_level="9", spam_lover="yes")
    _lock("example.com", "spam_kill_level")

    groups = cast.client("administrator").get(URL).context["groups"]
    lines = {line.name: line for group in groups for line in group.lines}

    said = [
        [(one.value, one.origin, one.locks) for one in cell.said]
        for cell in lines["spam_kill_level"].cells
    ]
    assert said == [
        [("7", "the site", False)],
        [("9", "example.com", True), ("8", ".example.com", False)],
    ]
    assert [one.value for one in lines["treat_spam"].cells[1].said] == ["Check, mark, deliver"]
    assert (lines["treat_spam"].value, lines["treat_spam"].origin) == (
        "Check, mark, deliver",
        "example.com",
    )
    assert lines["treat_spam"].consequence == "Spam is marked and delivered."


@pytest.mark.parametrize(
    ("key", "columns"),
    [
        ("@.", []),
        ("example.com", ["Site"]),
        ("olga@example.com", ["Site", "Domain"]),
        ("olga@", ["Site"]),
    ],
)
def test_a_layer_has_columns_for_those_above(cast: Cast, key: str, columns: list[str]) -> None:
    response = cast.client("administrator").get(f"/policies/{key}/")

    assert response.context["columns"] == columns


@pytest.mark.parametrize(
    ("key", "below"),
    [
        ("@.", {"example.com", ".example.com", "olga@example.com", "olga@", "mail.example.com"}),
        (".example.com", {"example.com", "olga@example.com", "mail.example.com"}),
        ("example.com", {"olga@example.com"}),
        ("olga@", {"olga@example.com"}),
        ("olga@example.com", set()),
    ],
)
def test_an_upper_layer_says_who_overrides_it(cast: Cast, key: str, below: set[str]) -> None:
    for layer in ("@.", "example.com", ".example.com", "olga@example.com", "mail.example.com"):
        _set(layer, spam_kill_level="8")
    _set("olga@", spam_kill_level="8")
    _set("xexample.com", spam_lover="yes")
    ada = cast.client("administrator")

    rows = ada.get("/policies/overrides/", {"key": key, "of": "spam_kill_level"}).context["rows"]
    groups = ada.get(f"/policies/{key}/").context["groups"]

    assert {layer.key for layer, _, _ in rows} == below
    lines = {line.name: line for group in groups for line in group.lines}
    assert lines["spam_kill_level"].overrides == len(below)


def test_what_a_named_policy_says_overrides_too(cast: Cast) -> None:
    use_policy(key="olga@example.com", name="mark only", actor="tests")

    asked = {"key": "example.com", "of": "treat_spam"}
    page = cast.client("manager").get("/policies/overrides/", asked)

    assert [(row.key, says) for row, _, says in page.context["rows"]] == [
        ("olga@example.com", "Check, mark, deliver")
    ]
    unknown = cast.client("manager").get("/policies/overrides/", asked | {"of": "x"})
    assert unknown.status_code == 404


def test_only_groups_with_values_of_their_own_are_open(cast: Cast) -> None:
    _set("olga@example.com", spam_kill_level="9")
    _lock("olga@example.com", "banned_rulenames")
    mona = cast.client("manager")

    groups = mona.get(URL).context["groups"]
    assert [group.name for group in groups if group.open] == ["levels", "files"]
    odd = mona.post(URL, {"spam_kill_level": "9", "virus_destiny": "odd"}).context["groups"]
    assert [group.name for group in odd if group.open] == ["levels", "destinies", "files"]
