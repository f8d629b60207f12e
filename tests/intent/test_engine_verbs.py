"""What an administrator may say about the engines: roles, preferences, settings that belong
together.
"""

from typing import Any

import pytest

from appliance.engines import edit, preferences
from appliance.engines.models import Preference, ScannerRole
from appliance.engines.preference_keys import KEYS
from appliance.errors import Already, Refused, Unknown
from appliance.policies.models import PolicyChange
from appliance.policies.source import DatabasePolicySource
from appliance.policies.transfer import export_rows, import_rows
from appliance.status.edit import set_settings
from appliance.status.models import SiteSettings
from smtpfilter.policy.site import Role

pytestmark = pytest.mark.django_db

ENTRIES: dict[str, Role] = {"clamd": "primary", "clamscan": "backup"}
WHO = {"actor": "test"}


@pytest.fixture(autouse=True)
def inside_a_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail path must not take the test's connection for a broken one."""
    monkeypatch.setattr("appliance.policies.source.close_old_connections", lambda: None)


def _newest() -> PolicyChange:
    newest = PolicyChange.objects.first()
    assert newest is not None
    return newest


# Roles of virus scanners


def test_a_role_counts_for_the_next_message_and_is_recorded() -> None:
    """V-2: primaries and backups are chosen, P5: without a restart."""
    edit.set_role(name="clamd", role="Backup", entries=ENTRIES, **WHO)

    assert DatabasePolicySource().load([], []).site.roles == {"clamd": "backup"}
    newest = _newest()
    assert (newest.verb, newest.key, newest.before) == ("scanners role", "clamd", None)
    assert newest.after == {"name": "clamd", "role": "backup"}


@pytest.mark.parametrize(
    ("name", "role", "error"),
    [
        ("sophie", "off", Unknown),
        ("clamd", "sometimes", Refused),
        ("clamd", "primary", Already),
        ("clamd\n", "off", Unknown),
    ],
)
def test_a_role_that_cannot_be_is_refused(name: str, role: str, error: type[Refused]) -> None:
    with pytest.raises(error):
        edit.set_role(name=name, role=role, entries=ENTRIES, **WHO)
    assert not ScannerRole.objects.exists()


def test_the_last_scanner_is_not_switched_off_by_its_role() -> None:
    """Running without any virus scanner is a choice of its own (V-5)."""
    edit.set_role(name="clamscan", role="off", entries=ENTRIES, **WHO)
    before = PolicyChange.objects.count()

    with pytest.raises(Refused, match="virus_scanning"):
        edit.set_role(name="clamd", role="off", entries=ENTRIES, **WHO)
    assert edit.roles() == {"clamscan": "off"}
    assert PolicyChange.objects.count() == before


# Preferences


@pytest.mark.parametrize(
    ("key", "typed", "stored"),
    [
        ("use_bayes", "no", "0"),
        ("USE_RAZOR2", " yes ", "1"),
        ("score", "HTML_MESSAGE  0.5", "HTML_MESSAGE 0.5"),
        ("score", "BAYES_99 0 0 -4.3 3.5", "BAYES_99 0 0 -4.3 3.5"),
        ("welcomelist_from", "*@example.com ann@example.org", "*@example.com ann@example.org"),
        ("blacklist_from", "evil-?@example.com", "evil-?@example.com"),
        ("ok_languages", "EN de", "en de"),
        ("ok_locales", "all", "all"),
    ],
)
def test_preferences_have_typed_values(key: str, typed: str, stored: str) -> None:
    """S-1, Q4."""
    row = preferences.set_preference(username="ann", preference=key, value=typed, **WHO)

    assert (row.preference, row.value) == (key.lower(), stored)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("use_bayes", "maybe"),
        ("use_bayes", "1\nloadplugin Evil /tmp/evil.pm"),
        ("use_bayes", "yes # no"),
        ("score", "HTML_MESSAGE"),
        ("score", "HTML_MESSAGE 1 2"),
        ("score", "HTML_MESSAGE 1 # 2"),
        ("score", "A B"),
        ("score", "HTML_MESSAGE nan"),
        ("score", "HTML_MESSAGE 1e9"),
        ("score", "ÄRGER 1"),
        ("welcomelist_from", ""),
        ("welcomelist_from", "ann@example.com # all"),
        ("welcomelist_from", "a" * 255),
        ("welcomelist_from", " ".join(["ann@example.com"] * 40)),
        ("welcomelist_from", "ann@example.com\x00"),
        ("welcomelist_from", "*a*a*a*a@example.com"),
        ("ok_languages", "../../etc"),
    ],
)
def test_a_value_that_is_none_is_refused(key: str, value: str) -> None:
    """Q4: no line break and no comment ever gets into SpamAssassin's configuration."""
    with pytest.raises(Refused):
        preferences.set_preference(username="ann", preference=key, value=value, **WHO)
    assert not Preference.objects.exists()


@pytest.mark.parametrize(
    "key",
    [
        "required_score", "loadplugin", "include", "header", "body", "rawbody", "uri", "full",
        "meta", "rewrite_header", "report", "razor_config", "pyzor_options", "dcc_path",
        "bayes_path", "bayes_sql_dsn", "user_scores_dsn", "allow_user_rules", "redirector_pattern",
        "ifplugin", "trusted_networks", "lock_method", "score\nloadplugin", "",
    ],
)  # fmt: skip
def test_what_runs_reads_or_includes_is_no_preference(key: str) -> None:
    """Q4."""
    with pytest.raises(Unknown):
        preferences.set_preference(username="ann", preference=key, value="1", **WHO)
    assert key not in KEYS


@pytest.mark.parametrize("name", ["", " ", "a b", "@GLOBAL", "ann\nx", "../ann", "ä", "x" * 101])
def test_a_name_for_preferences_is_checked_as_in_a_policy(name: str) -> None:
    with pytest.raises(Refused):
        preferences.set_preference(username=name, preference="use_bayes", value="1", **WHO)


def test_a_key_stands_once_lists_and_rules_as_often_as_they_differ() -> None:
    said = [
        ("use_bayes", "yes"), ("use_bayes", "no"),
        ("score", "HTML_MESSAGE 1"), ("score", "HTML_MESSAGE 2"), ("score", "BAYES_99 3"),
        ("welcomelist_from", "a@example.com"), ("welcomelist_from", "b@example.com"),
    ]  # fmt: skip
    for key, value in said:
        preferences.set_preference(username="ann", preference=key, value=value, **WHO)

    assert [(row.preference, row.value) for row in preferences.of_name("ann")] == [
        ("score", "BAYES_99 3"),
        ("score", "HTML_MESSAGE 2"),
        ("use_bayes", "0"),
        ("welcomelist_from", "a@example.com"),
        ("welcomelist_from", "b@example.com"),
    ]
    with pytest.raises(Already):
        preferences.set_preference(username="ann", preference="use_bayes", value="0", **WHO)


def test_the_command_sets_lists_and_unsets_preferences(run: Any) -> None:
    run("preferences", "set", "ann", "score", "HTML_MESSAGE 1")
    run("preferences", "set", "ann", "score", "BAYES_99 3")

    listed = run("preferences", "list", "ann", "--json").document

    assert listed[0] == {"username": "ann", "preference": "score", "value": "BAYES_99 3"}
    assert len(run("preferences", "unset", "ann", "score", "BAYES_99 3", "--json").document) == 1
    assert run("preferences", "unset", "ann", "score", "--json").document == []
    assert run("preferences", "unset", "ann", "score").code == 1
    assert run("preferences", "set", "ann", "loadplugin", "x").code == 2
    assert run("preferences", "keys", "--json").document[0]["key"] == "welcomelist_from"


# Settings


def test_settings_that_belong_together_are_set_together_or_not_at_all() -> None:
    with pytest.raises(Refused, match="retention_days"):
        set_settings(values={"bin_hours": 5, "retention_days": "none"}, **WHO)
    assert not PolicyChange.objects.filter(verb="settings set").exists()

    set_settings(values={"bin_hours": 5, "retention_days": 6}, **WHO)

    newest = _newest()
    assert newest.key == "retention_days bin_hours"
    assert newest.after == {"retention_days": 6, "bin_hours": 5}


@pytest.mark.parametrize(
    "values",
    [
        {"bayes_auto_learn_threshold_nonspam": 12},
        {"bayes_auto_learn_threshold_spam": 5, "bayes_auto_learn_threshold_nonspam": 6},
        {"penpals_threshold_high": 0.5},
    ],
)
def test_thresholds_stand_in_order(values: dict[str, object]) -> None:
    with pytest.raises(Refused, match="has to be lower"):
        set_settings(values=values, **WHO)
    assert SiteSettings.load().bayes_auto_learn_threshold_spam == 12


def test_the_command_reads_what_people_write(run: Any) -> None:
    assert run("settings", "set", "network_tests", "yes", "--json").document["network_tests"]
    assert not run("settings", "set", "network_tests", "Off", "--json").document["network_tests"]
    run("settings", "set", "penpals_threshold_high", "9")
    document = run("settings", "set", "penpals_threshold_high", "", "--json").document
    assert document["penpals_threshold_high"] is None
    refused = run("settings", "set", "network_tests", "perhaps")
    assert (refused.code, refused.err) == (1, "network_tests: 'perhaps' is not yes or no\n")
    assert run("settings", "set", "retention_days", "").code == 1


# Export and import


def test_an_export_holds_what_is_said_about_the_engines() -> None:
    edit.set_role(name="clamd", role="backup", entries=ENTRIES, **WHO)
    preferences.set_preference(username="ann", preference="use_bayes", value="no", **WHO)
    set_settings(values={"network_tests": True, "penpals_threshold_high": None}, **WHO)
    document = export_rows()
    for model in (ScannerRole, Preference, SiteSettings):
        model.objects.all().delete()

    import_rows(document=document, actor="test")

    assert export_rows() == document
    assert import_rows(document=document, actor="test") == []
    assert edit.roles() == {"clamd": "backup"}
    assert import_rows(document={"version": 1, "scanners": [], "preferences": []}, actor="test")
    assert not ScannerRole.objects.exists() and not Preference.objects.exists()


@pytest.mark.parametrize(
    ("section", "row"),
    [
        ("scanners", {"name": "clamd", "role": "often"}),
        ("scanners", {"name": "a\nb", "role": "off"}),
        ("scanners", {"name": "", "role": "off"}),
        ("preferences", {"username": "ann", "preference": "include", "value": "/etc/passwd"}),
        ("preferences", {"username": "ann", "preference": "use_bayes", "value": "1\nx"}),
        ("preferences", {"username": "ann", "preference": "use_bayes", "value": 1}),
        ("preferences", {"username": "a b", "preference": "use_bayes", "value": "1"}),
    ],
)
def test_an_import_is_checked_as_people_are(section: str, row: dict[str, Any]) -> None:
    before = export_rows()

    with pytest.raises(Refused):
        import_rows(document={"version": 1, section: [row]}, actor="test")
    assert export_rows() == before
