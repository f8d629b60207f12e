"""The page that explains a hypothetical message: the filter's own answer, nothing stored."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from appliance.policies.edit import set_fields
from appliance.stack.demo_mail import EICAR
from quarantine.models import MailRecord
from tests.web.conftest import Cast

URL = "/explain/"
OLGA = "olga@example.com"


def _page(cast: Cast, role: str = "administrator", **typed: object) -> str:
    response = cast.client(role).post(URL, {"recipient": OLGA, **typed})
    assert response.status_code == 200
    return str(response.content.decode())


def test_a_score_is_explained_with_the_rule_and_where_it_comes_from(cast: Cast) -> None:
    set_fields(key="example.com", values={"spam_kill_level": "7"}, actor="tests", in_order=False)

    page = _page(cast, score="7.5")

    assert "kill level 7" in page
    assert "example.com" in page
    assert "What would have let it through" in page
    assert '<a href="/policies/example.com/">' in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Clean"),
        ({"virus": "Eicar-Signature"}, "Eicar-Signature"),
        ({"banned": "invoice.pdf.exe"}, "double extension"),
    ],
)
def test_what_is_supposed_is_what_is_judged(cast: Cast, typed: dict[str, str], said: str) -> None:
    assert said in _page(cast, **typed)


def test_a_message_is_looked_into_by_the_engines_and_not_kept(cast: Cast) -> None:
    octets = f"From: bob@example.org\r\nSubject: test\r\n\r\n{EICAR}\r\n".encode()

    page = _page(cast, file=SimpleUploadedFile("mail.eml", octets), sender="bob@example.org")

    assert "Virus" in page
    assert not MailRecord.objects.exists()


def test_a_manager_explains_for_the_own_domain_only(cast: Cast) -> None:
    assert "Clean" in _page(cast, "manager")

    response = cast.client("manager").post(URL, {"recipient": "eve@other.example"})

    assert response.status_code == 422
    assert "lies outside what you look after" in response.content.decode()


def test_a_manager_gets_no_link_to_a_layer_outside(cast: Cast) -> None:
    assert "/policies/@./" not in _page(cast, "manager", score="3")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"recipient": "<>"}, "is no recipient"),
        ({"recipient": OLGA, "score": "nan"}, "number"),
        ({"recipient": OLGA, "client": "here"}, "valid IPv4 or IPv6 address"),
    ],
)
def test_what_is_no_message_is_said_in_a_sentence(
    cast: Cast, typed: dict[str, str], said: str
) -> None:
    response = cast.client("administrator").post(URL, typed)

    assert response.status_code == 422
    assert said in response.content.decode()


def test_a_message_and_a_score_are_one_too_many(cast: Cast) -> None:
    upload = SimpleUploadedFile("mail.eml", b"Subject: x\r\n\r\n")

    response = cast.client("administrator").post(
        URL, {"recipient": OLGA, "score": "3", "file": upload}
    )

    assert response.status_code == 422
    assert "leave out score, virus and file" in response.content.decode()


def test_the_form_can_be_filled_by_its_address(cast: Cast) -> None:
    page = cast.client("administrator").get(URL, {"recipient": OLGA}).content.decode()

    assert f'value="{OLGA}"' in page
