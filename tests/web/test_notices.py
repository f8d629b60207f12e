"""The words of notices on the screens: tried out before they are saved (N-7)."""

import pytest

from appliance.notices.models import NoticeTemplate
from tests.web.conftest import Cast

PAGE = "/notices/virus_admin/de/"


def test_words_are_tried_out_without_being_saved(cast: Cast) -> None:
    client = cast.client("administrator")
    page = client.post(
        PAGE, {"subject": "Neu: {{ sender }}", "body": "{{ subject }}", "try": "yes"}
    ).content.decode()
    assert "Subject: Neu: ann@example.org" in page
    assert "The figures for March" in page
    assert not NoticeTemplate.objects.exists()


def test_words_are_saved_shown_and_reset(cast: Cast) -> None:
    client = cast.client("administrator")
    assert client.post(PAGE, {"subject": "Neu", "body": "x\r\ny", "save": "yes"}).status_code == 302
    assert NoticeTemplate.objects.get().body == "x\ny\n"
    page = client.get(PAGE).content.decode()
    assert 'class="form-control mono"' in page
    assert "These are the site's own words." in page.replace("&#x27;", "'")
    assert '<span class="chip">own</span>' in client.get("/notices/").content.decode()
    client.post(f"{PAGE}reset/")
    assert not NoticeTemplate.objects.exists()


@pytest.mark.parametrize("button", ["save", "try"])
def test_bad_words_are_refused_with_a_sentence_and_stay_in_the_form(
    cast: Cast, button: str
) -> None:
    client = cast.client("administrator")
    response = client.post(PAGE, {"subject": "s", "body": "{{ nmae }}", button: "yes"})
    page = response.content.decode().replace("&#x27;", "'")
    assert response.status_code == 422
    assert page.count("there is no 'nmae'") == 1
    assert "{{ nmae }}</textarea>" in page


@pytest.mark.parametrize(
    "path", ["/notices/nothing/en/", "/notices/virus/fr/", "/notices/virus/X_/"]
)
def test_what_there_is_not_is_not_found(cast: Cast, path: str) -> None:
    assert cast.client("administrator").get(path).status_code == 404


def test_who_may_not_change_words_sees_what_they_say(cast: Cast) -> None:
    page = cast.client("auditor").get(PAGE).content.decode()
    assert "What it says about a made-up mail" in page
    assert "<textarea" not in page
