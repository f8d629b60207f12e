"""The site's settings in the browser: what is saved counts, is recorded, and others stay."""

import pytest
from django.test import Client

from appliance.policies.models import PolicyChange
from appliance.status.edit import FIELDS
from appliance.status.models import SiteSettings, TracedSender
from tests.web.conftest import Cast
from tests.web.test_hostile import XSS

RETENTION = {"card": "retention", "retention_days": "14", "bin_hours": "48", "journal_days": "60"}


@pytest.fixture
def ada(cast: Cast) -> Client:
    return cast.client("administrator")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (RETENTION, {"retention_days": 14, "bin_hours": 48, "journal_days": 60}),
        (
            {"card": "notices", "notice_from": "post@example.com", "notices_per_hour": "5"},
            {"notice_from": "post@example.com", "notices_per_hour": 5},
        ),
        ({"card": "senders", "sender_authentication": "on"}, {"sender_authentication": True}),
        ({"card": "addresses", "recipient_delimiter": ""}, {"recipient_delimiter": ""}),
    ],
)
def test_a_card_is_saved_and_recorded_and_no_other_is_touched(
    ada: Client, typed: dict[str, str], stored: dict[str, object]
) -> None:
    done = ada.post("/settings/", typed | {"unpack_levels": "1"})

    assert done["Location"] == f"/settings/#{typed['card']}"
    row = SiteSettings.load()
    assert {name: getattr(row, name) for name in FIELDS} == {
        name: stored.get(name, field.default) for name, field in FIELDS.items()
    }
    change = PolicyChange.objects.get(verb="settings set")
    assert (change.who, change.after) == ("ada@example.net", stored)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (RETENTION | {"retention_days": "0"}, "greater than or equal to 1"),
        (RETENTION | {"bin_hours": "soon"}, "Enter a whole number."),
        ({"card": "addresses", "recipient_delimiter": "x"}, "Write +, -, = or several of them"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    ada: Client, typed: dict[str, str], sentence: str
) -> None:
    response = ada.post("/settings/", typed)

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not PolicyChange.objects.filter(verb="settings set").exists()


def test_a_card_that_is_none_is_not_found(ada: Client) -> None:
    assert ada.post("/settings/", {"card": "unpacking"}).status_code == 404


def test_a_sender_is_traced_until_it_is_stopped(ada: Client) -> None:
    page = ada.post("/settings/trace/", {"sender": "Friend@Example.org"}, follow=True)
    ada.post("/settings/trace/", {"sender": "<>"})

    assert "is traced." in page.content.decode()
    assert set(map(str, TracedSender.objects.all())) == {"friend@example.org", "<>"}
    refused = ada.post("/settings/trace/", {"sender": f"{XSS}@@"}, follow=True).content.decode()
    assert "<script>alert" not in refused
    assert 'class="notice notice-error"' in refused

    ada.post("/settings/trace/remove/", {"sender": ""})
    ada.post("/settings/trace/remove/", {"sender": "friend@example.org"})
    assert not TracedSender.objects.exists()


def test_an_auditor_reads_and_has_no_button(cast: Cast) -> None:
    page = cast.client("auditor").get("/settings/").content.decode().split("<main")[1]

    assert "APPLIANCE_HOSTNAME" in page
    assert "btn-primary" not in page
    assert "Trace</button>" not in page


def test_a_machine_that_is_set_up_wrongly_is_told(
    ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILTER_RELAY", "nowhere")

    page = ada.get("/settings/").content.decode()

    assert "is no address" in page
    assert "Held mail" in page
