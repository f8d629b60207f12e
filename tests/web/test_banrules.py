"""The editor of ban rules: what is typed counts when it is saved, and is tried before that."""

from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from appliance.policies import trying
from appliance.policies.banrules import find_set, set_rules
from tests.web.conftest import Cast

URL = "/policies/banrules/ours/"
EXE = {"pattern": r"\.exe$", "banned": True, "comment": "program"}
INVOICE = {"pattern": r"^invoice\.exe$", "banned": False, "comment": ""}


def _typed(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return what the browser sends for `rules`."""
    posted = {"rule-TOTAL_FORMS": len(rules), "rule-INITIAL_FORMS": len(rules)}
    for number, rule in enumerate(rules):
        words = {
            "pattern": rule["pattern"],
            "action": "ban" if rule["banned"] else "except",
            "comment": rule["comment"],
        }
        posted |= {f"rule-{number}-{name}": word for name, word in words.items()}
        posted |= {f"rule-{number}-{name}": "on" for name in ("path", "silent") if rule.get(name)}
    return posted | more


@pytest.fixture
def ada(cast: Cast) -> Client:
    return cast.client("administrator")


def test_what_is_typed_is_saved_in_its_order(ada: Client) -> None:
    assert ada.post(URL, _typed(INVOICE, EXE | {"path": True}, do="save")).status_code == 302

    found = find_set("ours")
    assert found is not None
    assert found.rules == [INVOICE, EXE | {"path": True}]
    assert "Of the site" in ada.get("/policies/banrules/").content.decode()


@pytest.mark.parametrize(
    ("deed", "comments"),
    [
        ("up:1", ["b", "a", "c"]),
        ("down:0", ["b", "a", "c"]),
        ("down:1", ["a", "c", "b"]),
        ("up:0", ["a", "b", "c"]),
        ("down:2", ["a", "b", "c"]),
        ("delete:1", ["a", "c"]),
        ("add", ["a", "b", "c", ""]),
        ("delete:7", ["a", "b", "c"]),
        ("up:x", ["a", "b", "c"]),
    ],
)
def test_rules_are_moved_on_the_page_and_nothing_is_stored(
    ada: Client, deed: str, comments: list[str]
) -> None:
    rules = [{"pattern": "x", "banned": True, "comment": comment} for comment in "abc"]

    response = ada.post(URL, _typed(*rules, do=deed))

    assert [form["comment"].value() for form in response.context["forms"]] == comments
    assert "not saved yet" in response.content.decode()
    assert find_set("ours") is None


@pytest.mark.parametrize("deed", ["save", "try"])
def test_a_pattern_that_is_none_is_refused_with_its_number_and_stays_on_the_page(
    ada: Client, deed: str
) -> None:
    broken = EXE | {"pattern": "(broken"}

    response = ada.post(URL, _typed(INVOICE, broken, do=deed, names="a.exe"))

    assert response.status_code == 422
    page = response.content.decode()
    assert "Rule 2: This is no regular expression" in page
    assert "(broken" in page
    assert find_set("ours") is None


def test_names_are_tried_on_what_is_typed(ada: Client) -> None:
    response = ada.post(URL, _typed(INVOICE, EXE, do="try", names="invoice.exe, x.exe, letter.txt"))

    assert [(t.path, t.banned, t.number) for t in response.context["tried"]] == [
        ("invoice.exe", False, 1),
        ("x.exe", True, 2),
        ("letter.txt", False, 0),
    ]
    assert "rule 2 of ours: <bdi>program</bdi>" in response.content.decode()
    assert find_set("ours") is None


def test_an_uploaded_file_is_tried_with_what_is_inside(ada: Client) -> None:
    """BB-12: a program in an archive, before the rule is saved."""
    octets = BytesIO()
    with ZipFile(octets, "w") as archive:
        archive.writestr("<b>.exe", "MZ")
    upload = SimpleUploadedFile("a.zip", octets.getvalue())

    response = ada.post(URL, _typed(EXE, do="try", file=upload))

    assert [t.banned for t in response.context["tried"] if ".exe" in t.path] == [True]
    assert "<b>.exe" not in response.content.decode()


def test_a_file_that_is_too_large_is_refused(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "MOST_BYTES", 1 << 20)
    upload = SimpleUploadedFile("a.zip", b"x" * ((1 << 20) + 1))

    response = ada.post(URL, _typed(EXE, do="try", file=upload))

    assert response.status_code == 422
    assert "The file has more than 1 MiB." in response.content.decode()


def test_an_edited_shipped_set_goes_back_to_what_was_shipped(ada: Client) -> None:
    """B-8: after a question, and with what comes back said."""
    shipped = find_set("current")
    ada.post("/policies/banrules/current/", _typed(EXE, do="save"))
    assert "Back to the shipped set" in ada.get("/policies/banrules/current/").content.decode()

    response = ada.post("/policies/banrules/current/remove/", follow=True)

    assert "current is as it was shipped." in response.content.decode()
    assert find_set("current") == shipped


def test_who_may_not_edit_reads_the_rules(cast: Cast) -> None:
    set_rules(name="ours", rules=[EXE], actor="tests")

    page = cast.client("manager").get(URL).content.decode()

    assert r"\.exe$" in page
    assert "<textarea" not in page
    assert cast.client("manager").get("/policies/banrules/none/").status_code == 404


@pytest.mark.parametrize("name", ["a,b", "+a"])
def test_a_name_that_no_policy_could_name_opens_no_editor(ada: Client, name: str) -> None:
    page = ada.get("/policies/banrules/", {"name": name})

    assert "no comma or slash" in page.content.decode()
    assert ada.get(f"/policies/banrules/{name}/").status_code == 404
