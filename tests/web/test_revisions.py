"""Recorded changes on the screen: who sees which, what they say, taking them back, collisions."""

import re

import pytest

from appliance.accounts.users import create_user
from appliance.policies.banrules import set_rules
from appliance.policies.edit import find_layer, set_fields
from appliance.policies.models import PolicyChange
from appliance.policies.named import change_named
from appliance.policies.revisions import because
from appliance.policies.senders import add_sender
from tests.web.conftest import Cast, record

URL = "/policies/olga@example.com/"
KEY = "olga@example.com"


def _newest() -> int:
    return PolicyChange.objects.latest("number").number


def _set(key: str, **values: str) -> int:
    set_fields(key=key, values=values, actor="tests")
    return _newest()


def test_a_change_is_told_in_words_with_who_and_why(cast: Cast) -> None:
    with because("they complained"):
        number = _set("example.com", spam_kill_level="8", spam_lover="yes")
    ada = cast.client("administrator")

    for address in ("/revisions/", f"/revisions/{number}/"):
        page = ada.get(address).content.decode()
        words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
        assert "Policy of example.com" in words
        assert "Stop as spam from (kill)" in words
        assert re.search(r"\(kill\)( spam_kill_level as inherited|:) 8", words)
        assert "they complained" in words


def test_a_manager_sees_changes_in_the_own_domain_and_no_other(cast: Cast) -> None:
    """R-17: what lies outside the scope is not there."""
    mine = [_set("example.com", spam_lover="yes"), _set(KEY, spam_lover="yes")]
    add_sender(key=KEY, sender="foe@example.org", action="block", actor="tests")
    mine.append(_newest())
    set_rules(name="current", rules=[], actor="tests")
    mine.append(_newest())
    foreign = [
        _set("@.", spam_kill_level="7"),
        _set("other.example", spam_lover="yes"),
        _set('"x@example.com y"@other.example', spam_lover="yes"),
        _set("olga@", spam_lover="yes"),
    ]
    change_named(name="mild", values={}, actor="tests")
    foreign.append(_newest())
    create_user(email="new@example.com", role="auditor", password="a gate, a wall", actor="tests")
    foreign.append(_newest())
    mona = cast.client("manager")

    listed = set(re.findall(r'/revisions/(\d+)/"', mona.get("/revisions/").content.decode()))

    assert {str(number) for number in mine} <= listed
    assert not {str(number) for number in foreign} & listed
    assert {mona.get(f"/revisions/{number}/").status_code for number in foreign} == {404}
    assert {mona.post(f"/revisions/{number}/revert/").status_code for number in foreign} == {404}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("kind=senders", {"senders"}),
        ("kind=layers", {"layer", "site"}),
        ("who=ADA@example.net", {"site"}),
        ("key=example.com", {"layer", "senders"}),
        ("kind=nonsense", {"layer", "senders", "site"}),
        ("key=nowhere.example", set()),
    ],
)
def test_changes_are_found_by_kind_person_and_key(cast: Cast, asked: str, found: set[str]) -> None:
    numbers = {"layer": _set("example.com", spam_lover="yes")}
    add_sender(key="example.com", sender="foe@example.org", action="block", actor="tests")
    numbers["senders"] = _newest()
    set_fields(key="@.", values={"spam_kill_level": "7"}, actor="ada@example.net")
    numbers["site"] = _newest()

    page = cast.client("administrator").get(f"/revisions/?{asked}").content.decode()

    assert {name for name, number in numbers.items() if f"/revisions/{number}/" in page} == found


def test_pages_are_cut_by_number(cast: Cast) -> None:
    numbers = [_set("example.com", spam_kill_level=str(10 + count)) for count in range(60)]
    ada = cast.client("administrator")

    first = ada.get("/revisions/?kind=layers").content.decode()
    older = re.search(r'href="([^"]*until=\d+)"', first)
    assert older is not None
    second = ada.get(older[1].replace("&amp;", "&")).content.decode()

    def on(page: str) -> list[int]:
        return [number for number in numbers if f'"/revisions/{number}/"' in page]

    assert sorted(on(first) + on(second)) == numbers
    assert len(on(first)) == 50


def test_a_message_leads_to_the_revision_that_judged_it(cast: Cast) -> None:
    row = record()
    row.mail.revision = _set("example.com", spam_lover="yes")
    row.mail.save()
    until = f"/revisions/?until={row.mail.revision}"
    _set("example.com", spam_lover="no")
    address = f"/mails/{row.mail.mail_id}/"

    assert until in cast.client("administrator").get(address).content.decode()
    assert until not in cast.client("owner").get(address).content.decode()
    judged = cast.client("administrator").get(until).content.decode()
    assert f'"/revisions/{row.mail.revision}/"' in judged
    assert f'"/revisions/{row.mail.revision + 1}/"' not in judged


def test_a_change_is_taken_back_with_a_button(cast: Cast) -> None:
    _set(KEY, spam_kill_level="8")
    number = _set(KEY, spam_kill_level="9")
    mona = cast.client("manager")

    page = mona.post(f"/revisions/{number}/revert/", {"why": "too much"}, follow=True)

    layer = find_layer(KEY)
    assert layer is not None
    assert layer.spam_kill_level == 8
    assert f"Revision {number} is taken back" in page.content.decode()
    assert PolicyChange.objects.latest("number").who == "mona@example.net"
    refused = mona.post(f"/revisions/{number}/revert/", follow=True).content.decode()
    assert f"Revision {number + 1} has changed this again" in refused


def test_a_manager_takes_nothing_back_that_reaches_beyond_the_own_mail(cast: Cast) -> None:
    number = _set("example.com", forward_method="smtp:[192.0.2.1]:25")

    assert cast.client("manager").post(f"/revisions/{number}/revert/").status_code == 403
    assert cast.client("administrator").post(f"/revisions/{number}/revert/").status_code == 302


@pytest.mark.parametrize(
    ("address", "change"),
    [
        (URL, lambda: _set(KEY, spam_lover="yes")),
        (
            "/senders/example.com/",
            lambda: add_sender(key="example.com", sender="x.example", action="allow", actor="t"),
        ),
        (
            "/policies/banrules/current/",
            lambda: set_rules(name="current", rules=[], actor="tests"),
        ),
    ],
)
def test_history_stands_on_the_page_of_what_was_changed(
    cast: Cast, address: str, change: object
) -> None:
    change()  # type: ignore[operator]

    page = cast.client("manager").get(address).content.decode()

    assert f'"/revisions/{_newest()}/"' in page


def test_an_owner_sees_no_history_of_the_own_list(cast: Cast) -> None:
    add_sender(key=KEY, sender="x.example", action="allow", actor="tests")

    page = cast.client("owner").get(f"/senders/{KEY}/").content.decode()

    assert "/revisions/" not in page


def test_two_people_at_one_form_lose_nothing(cast: Cast) -> None:
    """The later one sees both changes, and saves them on purpose."""
    first = _set(KEY, spam_kill_level="8", spam_tag2_level="6")
    mona = cast.client("manager")
    opened = mona.get(URL)
    form = opened.context["form"]
    typed = {**form.stored, "revision": str(form["revision"].value()), "treat_spam": "mark"}
    assert typed["revision"] == str(first)
    second = _set(KEY, spam_kill_level="7")

    answer = mona.post(URL, typed)

    layer = find_layer(KEY)
    assert layer is not None
    assert (answer.status_code, layer.spam_lover, layer.spam_kill_level) == (409, None, 7)
    assert "Changed while you were editing" in answer.content.decode()
    assert f'"/revisions/{second}/"' in answer.content.decode()
    kept = answer.context["form"].data
    assert (kept["spam_kill_level"], kept["treat_spam"], kept["revision"]) == (
        "7",
        "mark",
        str(second),
    )
    assert mona.post(URL, kept).status_code == 302
    layer = find_layer(KEY)
    assert layer is not None
    assert (layer.spam_lover, layer.spam_kill_level, layer.spam_tag2_level) == (True, 7, 6)


EVIL = "<script>alert(1)</script>"


def test_what_people_wrote_is_shown_as_text(cast: Cast) -> None:
    """R-01: names, comments and reasons are hostile."""
    with because(f"{EVIL}\u202e"):
        change_named(name=EVIL, values={"spam_subject_tag2": "<b>x"}, actor=EVIL)
    set_rules(name="mine", rules=[{"pattern": "x", "comment": "<b>y"}], actor="tests")
    ada = cast.client("administrator")

    for address in ("/revisions/", *(f"/revisions/{_newest() - back}/" for back in (0, 1))):
        page = ada.get(address).content.decode()
        assert "<script>alert" not in page
        assert "<b>" not in page
        assert "\u202e" not in page
