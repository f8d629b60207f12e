"""Networks, direction profiles, and domains of a source, on the screen (E-5, K-10)."""

import pytest
from django.test import Client

from appliance.domains.models import Domain, Network
from appliance.policies.models import Profile
from tests.web.conftest import Cast

URL = "/profiles/outbound/"


@pytest.fixture
def ada(cast: Cast) -> Client:
    return cast.client("administrator")


def test_a_profile_is_made_given_to_a_network_and_removed(ada: Client) -> None:
    opened = ada.get("/networks/", {"name": " outbound "})
    assert opened["Location"] == URL
    form = {"spam_kill_level": "20", "ports": "10587, 10465", "originating": "on"}
    assert ada.post(URL, form).status_code == 302

    profile = Profile.objects.get()
    assert (profile.spam_kill_level, profile.ports) == (20, [10465, 10587])
    assert (profile.originating, profile.authenticated) == (True, False)
    page = ada.get(URL).content.decode()
    assert 'value="10465, 10587"' in page
    assert "from <bdi>the layers</bdi>" in page

    ada.post("/networks/", {"cidr": "192.0.2.0/24", "profile": "outbound"})
    ada.post("/networks/", {"cidr": "!192.0.2.7"})
    assert dict(Network.objects.values_list("cidr", "profile")) == {
        "192.0.2.0/24": "outbound",
        "!192.0.2.7/32": "",
    }
    page = ada.get("/networks/").content.decode()
    assert "excepted from a wider one" in page
    assert "by port 10465" in page

    refused = ada.post(f"{URL}remove/", follow=True).content.decode()
    assert "The profile &#x27;outbound&#x27; is used by 192.0.2.0/24." in refused
    ada.post("/networks/remove/", {"cidr": "192.0.2.0/24"})
    ada.post(f"{URL}remove/")
    assert not Profile.objects.exists()


@pytest.mark.parametrize(
    ("url", "form", "sentence"),
    [
        (URL, {"ports": "smtp"}, "Listening ports are numbers by comma."),
        (URL, {"ports": "65536"}, "65536 is no port"),
        (URL, {"spam_kill_level": "high"}, "is not a number"),
        ("/networks/", {"cidr": "example.com"}, "write a network such as"),
        ("/networks/", {"cidr": "192.0.2.0/24", "profile": "none"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    ada: Client, url: str, form: dict[str, str], sentence: str
) -> None:
    response = ada.post(url, form)

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not Profile.objects.exists()
    assert not Network.objects.exists()


def test_a_name_that_is_none_opens_nothing(ada: Client) -> None:
    assert "no slash" in ada.get("/networks/", {"name": "a/b"}).content.decode()


def test_who_may_not_edit_sees_no_profile_that_is_not_there(cast: Cast) -> None:
    assert cast.client("manager").get(URL).status_code == 404
    assert (
        "<button" not in cast.client("auditor").get("/networks/").content.decode().split("<main")[1]
    )


def test_a_domain_of_a_source_is_shown_with_it_and_not_removed_here(ada: Client) -> None:
    Domain.objects.create(name="read.example", source="postfix-domains")

    assert "postfix-domains" in ada.get("/domains/").content.decode()
    page = ada.get("/domains/read.example/").content.decode()
    assert "read from <bdi>postfix-domains</bdi>" in page
    assert "Remove this domain" not in page
    assert "Remove this domain" in ada.get("/domains/example.com/").content.decode()
