"""What the database itself guarantees: a column per setting, the starting policy, the record."""

import math

import pytest
from django.db import Error, connection, models, transaction

from appliance.accounts.models import User
from appliance.policies.columns import SettingColumns
from appliance.policies.models import NamedPolicy, PolicyChange, PolicyLayer, Profile, SenderRule
from appliance.policies.revisions import record, revision
from appliance.status.models import SiteSettings
from smtpfilter.policy.defaults import DEFAULTS
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.settings import (
    FIELDS,
    FOLLOWS_UNCHECKED,
)

CHANGES = "policies_policychange"
COLUMN_TYPES = {
    "flag": models.BooleanField,
    "level": models.FloatField,
    "points": models.FloatField,
    "destiny": models.CharField,
    "text": models.CharField,
    "bytes": models.BigIntegerField,
}


def test_there_is_one_nullable_column_per_setting_and_no_other() -> None:
    columns = {field.name: field for field in SettingColumns._meta.fields}

    assert list(columns) == list(FIELDS)
    for name, kind in FIELDS.items():
        assert type(columns[name]) is COLUMN_TYPES[kind], name
        assert columns[name].null, name
        assert not columns[name].has_default(), name


@pytest.mark.django_db
@pytest.mark.parametrize("name", FIELDS)
def test_the_site_layer_of_a_fresh_installation_holds_the_starting_policy(name: str) -> None:
    """Design 4.13, value by value, in the row that a person sees as the origin "@."."""
    site = PolicyLayer.objects.get(key="@.")

    assert getattr(site.to_settings(), name) == getattr(DEFAULTS, name)
    assert (getattr(site, name) is None) == (name in FOLLOWS_UNCHECKED)


@pytest.mark.django_db
def test_a_fresh_installation_has_no_other_layer() -> None:
    assert [layer.key for layer in PolicyLayer.objects.all()] == ["@."]


@pytest.mark.django_db
def test_a_level_can_be_never() -> None:
    PolicyLayer.objects.create(key="example.com", spam_kill_level=math.inf)

    assert PolicyLayer.objects.get(key="example.com").spam_kill_level == math.inf


@pytest.mark.django_db
@pytest.mark.parametrize("model", [PolicyLayer, NamedPolicy, Profile])
def test_a_destiny_that_is_none_is_refused_by_the_database(model: type[models.Model]) -> None:
    with pytest.raises(Error, match="known_destinies"), transaction.atomic():
        model.objects.create(virus_destiny="drop")
    model.objects.create(**dict.fromkeys((n for n in FIELDS if "_destiny" in n), Destiny.PASS))


@pytest.mark.django_db
def test_each_source_has_a_row_of_its_own_beside_the_one_made_by_hand() -> None:
    """K-8, P-10."""
    for source in ("", "ldap", "staff"):
        PolicyLayer.objects.create(key="example.com", source=source)
        SenderRule.objects.create(
            key="example.com", sender="x.example", source=source, action="allow"
        )

    with pytest.raises(Error, match="one_layer_per_key"), transaction.atomic():
        PolicyLayer.objects.create(key="example.com", source="ldap")
    with pytest.raises(Error, match="one_rule_per_sender"), transaction.atomic():
        SenderRule.objects.create(
            key="example.com", sender="x.example", source="ldap", action="block"
        )


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["update", "delete"])
def test_the_record_of_changes_cannot_be_rewritten(statement: str) -> None:
    record(who="me", verb="policy change", key="@.", before=None, after={})
    rows = PolicyChange.objects.all()

    with pytest.raises(Error, match="append-only"), transaction.atomic():
        rows.update(who="nobody") if statement == "update" else rows.delete()
    assert rows.get().who == "me"


@pytest.mark.django_db
def test_the_record_of_changes_cannot_be_emptied() -> None:
    record(who="me", verb="policy change", key="@.", before=None, after={})

    with pytest.raises(Error, match="append-only"), transaction.atomic():
        cursor = connection.cursor()
        cursor.execute(f"ALTER TABLE {CHANGES} ENABLE TRIGGER {CHANGES}_never_emptied")
        cursor.execute(f"TRUNCATE {CHANGES}")
    assert PolicyChange.objects.count() == 1


@pytest.mark.django_db
def test_each_change_raises_the_revision() -> None:
    before = revision()
    change = record(who="a\0b", verb="policy change", key="@.", before=None, after={})

    assert revision() == change.number > before
    assert change.who == "a\ufffdb"


@pytest.mark.django_db
def test_there_is_one_row_of_site_settings() -> None:
    SiteSettings.load().save()

    with pytest.raises(Error, match="one_row_of_settings"), transaction.atomic():
        SiteSettings.objects.create(id=2)


@pytest.mark.django_db
def test_an_email_address_names_one_account_whatever_its_case() -> None:
    with pytest.raises(Error, match="email_in_lower_case"), transaction.atomic():
        User.objects.create(email="Anna@example.com", role="auditor")
    User.objects.create(email="anna@example.com", role="auditor")

    assert User.objects.get_by_natural_key("Anna@Example.com").email == "anna@example.com"
