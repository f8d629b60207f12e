"""Learning from much mail on screen: an upload becomes a job, whose progress the page shows."""

import io

import pytest
from django.urls import reverse

from appliance.engines import learning_forms
from appliance.engines.learning import learn_some, start_upload
from appliance.engines.learning_models import LearningJob
from tests.web.conftest import Cast

PAGE = "/engines/learning/"
MBOX = b"From x\nSubject: one\n\n1\n\nFrom y\nSubject: two\n\n2\n"


class Scanner:
    def learn(self, octets: bytes, kind: str) -> bool:
        return True

    def ping(self) -> None: ...


def file(octets: bytes = MBOX, name: str = "spam.mbox") -> io.BytesIO:
    given = io.BytesIO(octets)
    given.name = name
    return given


def test_an_upload_becomes_a_job_and_its_progress_is_asked_for_while_it_runs(cast: Cast) -> None:
    client = cast.client("administrator")
    response = client.post(PAGE, {"kind": "spam", "file": file()}, follow=True)
    page = response.content.decode()
    assert "spam.mbox" in page
    assert "0 of 2" in page
    assert 'hx-trigger="every 2s"' in page

    learn_some(scanner=Scanner(), seconds=60)

    part = client.get(PAGE, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "2 of 2" in part
    assert "2 learnt" in part
    assert "hx-trigger" not in part


@pytest.mark.parametrize(
    ("posted", "said"),
    [
        ({"kind": "spam", "file": file(b"", "empty")}, "empty"),
        ({"kind": "spam", "file": file(b"From x\n", "no mail")}, "There is no mail in no mail."),
        ({"kind": "eggs", "file": file()}, "not one of the available choices"),
        ({"kind": "spam"}, "required"),
    ],
)
def test_what_cannot_be_learnt_from_is_said(
    cast: Cast, posted: dict[str, object], said: str
) -> None:
    response = cast.client("administrator").post(PAGE, posted)

    assert response.status_code == 422
    assert said in response.content.decode()
    assert not LearningJob.objects.exists()


def test_a_file_that_is_too_large_is_refused(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning_forms, "UPLOAD_BYTES", 10)
    response = cast.client("administrator").post(PAGE, {"kind": "ham", "file": file()})

    assert response.status_code == 422
    assert "divide it" in response.content.decode()


def test_a_job_can_be_stopped_once(cast: Cast) -> None:
    job = start_upload(kind="ham", source="a<b>\u202e", file=file(), actor="ada@example.net")
    client = cast.client("administrator")
    page = client.get(PAGE).content.decode()
    assert "a&lt;b&gt;[U+202E]" in page

    stop = reverse("learning_stop", args=[job.pk])
    assert "Learning has stopped." in client.post(stop, follow=True).content.decode()
    again = client.post(stop, follow=True).content.decode()
    assert "is over" in again
    assert "Stopped, " in again


def test_the_page_says_what_bayes_knows(cast: Cast) -> None:
    """S-7: inactive until 200 of each."""
    assert "inactive until 200 of each" in cast.client("auditor").get(PAGE).content.decode()
