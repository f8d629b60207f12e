"""Tokens, and what the API makes of questions, good and bad."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from appliance.accounts.users import set_active, set_password
from appliance.api import resource
from appliance.api.models import ApiToken
from appliance.api.parsing import MOST_BYTES
from appliance.api.resources import mails
from appliance.engines.learning_models import LearningJob
from appliance.policies.models import PolicyChange
from appliance.status.edit import set_setting
from quarantine.models import RecipientRecord
from smtpfilter.policy.lookup import SITE
from tests.evidence.builders import held
from tests.web.api import API, Program
from tests.web.conftest import PASSWORD, Cast, record

KEY = "olga@example.com"


@pytest.fixture
def program(cast: Cast) -> Program:
    return Program(cast.administrator)


def _asked(client: Client, **typed: str) -> Any:
    """Ask for a token and type the password again, as who makes one has to."""
    answer = client.post(reverse("tokens"), {"name": "script", "days": "30", **typed})
    assert not ApiToken.objects.filter(name="script").exists()
    return client.post(answer["Location"], {"password": PASSWORD})


def _made(client: Client, **typed: str) -> str:
    """Make a token on the screen and return what the page shows of it."""
    answer = _asked(client, **typed)
    assert answer.status_code == 200, answer.content
    secret: str = answer.context["secret"]
    assert secret in answer.content.decode()
    return secret


def test_a_token_made_on_the_screen_works_and_is_shown_once(cast: Cast) -> None:
    browser = cast.client("manager")
    secret = _made(browser, quarantine="read")
    script = Client(headers={"authorization": f"Bearer {secret}"})

    assert script.get(f"{API}quarantine/").status_code == 200
    assert script.get(f"{API}mails/").status_code == 403
    assert secret not in browser.get(reverse("tokens")).content.decode()
    stored = ApiToken.objects.values().get()
    assert secret not in str(stored)
    assert stored["last_used_at"] is not None


def test_the_screen_offers_only_what_is_of_use(cast: Cast) -> None:
    """An owner's token cannot be good for accounts, and nobody's changes what only is read."""
    form = cast.client("owner").get(reverse("tokens")).context["form"]
    assert form.subjects == ["senders", "mails", "quarantine"]

    form = cast.client("auditor").get(reverse("tokens")).context["form"]
    assert [value for value, _ in form.fields["policies"].choices] == ["", "read"]

    assert _asked(cast.client("owner"), users="write").status_code == 422


def test_a_revoked_token_is_good_for_nothing(cast: Cast) -> None:
    browser = cast.client("manager")
    script = Client(headers={"authorization": f"Bearer {_made(browser, mails='read')}"})

    browser.post(reverse("token_revoke"), {"name": "script"})

    answer = script.get(f"{API}mails/")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    changes = PolicyChange.objects.filter(verb__startswith="tokens")
    assert sorted(changes.values_list("verb", "who")) == [
        ("tokens add", "mona@example.net"),
        ("tokens revoke", "mona@example.net"),
    ]


def test_nobody_revokes_a_token_of_somebody_else(cast: Cast) -> None:
    program = Program(cast.administrator)

    cast.client("manager").post(reverse("token_revoke"), {"name": "t0"})

    assert program.get("mails/") == []


@pytest.mark.parametrize("change", ["expired", "closed", "demoted", "given a password", "removed"])
def test_what_becomes_of_a_person_counts_at_once(cast: Cast, change: str) -> None:
    program = Program(cast.manager)
    assert program.ask("GET", "policies/").status_code == 200
    if change == "expired":
        ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif change == "closed":
        set_active(email=cast.manager.email, active=False, actor="tests")
    elif change == "demoted":
        type(cast.manager).objects.filter(pk=cast.manager.pk).update(role="owner")
    elif change == "given a password":
        set_password(email=cast.manager.email, password="another gate, a wall", actor="tests")
    else:
        cast.manager.delete()

    expected = 403 if change in ("demoted", "given a password") else 401
    assert program.ask("GET", "policies/").status_code == expected


def test_a_second_factor_that_is_owed_comes_first(cast: Cast) -> None:
    """A token is no way around what the site asks of its staff."""
    staff, owner = Program(cast.manager), Program(cast.owner)

    set_setting(name="staff_needs_second_factor", value=True, actor="tests")

    assert staff.ask("GET", "mails/").status_code == 403
    assert owner.ask("GET", "mails/").status_code == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer postern_wrong", "Basic YTpi", "Bearer a b", "Bearer \xff"]
)
def test_no_good_token_is_401(db: None, header: str) -> None:
    answer = Client(headers={"authorization": header}).get(f"{API}mails/")

    assert answer.status_code == 401
    assert set(answer.json()) == {"error"}


def test_who_changed_it_is_on_record_with_the_token(program: Program) -> None:
    program.ask("PATCH", "policies/example.com/", {"settings": {"spam_kill_level": 7}})

    assert PolicyChange.objects.order_by("number").last().who == "ada@example.net by token t0"


def test_a_manager_never_sees_mail_or_policy_of_others(cast: Cast) -> None:
    """The clause of the person's scope is in every list, and in every id."""
    mine, foreign = record(held(KEY)), record(held("otto@other.example"))
    shared = record(held(KEY), held("otto@other.example"))
    admin, manager = Program(cast.administrator), Program(cast.manager)
    for key in ("example.com", "other.example", SITE):
        admin.ask("PATCH", f"policies/{key}/", {"settings": {"spam_kill_level": 9}})

    seen = manager.get("mails/")
    assert {mail["mail_id"] for mail in seen} == {mine.mail.mail_id, shared.mail.mail_id}
    assert "otto" not in str(seen)
    assert "otto" not in str(manager.get(f"mails/{shared.mail.mail_id}/")["recipients"])
    assert "otto" not in str(manager.get("quarantine/"))
    assert manager.ask("GET", f"mails/{foreign.mail.mail_id}/").status_code == 404
    assert [layer["key"] for layer in manager.get("policies/")] == ["example.com"]
    assert manager.ask("GET", f"policies/{SITE}/").status_code == 404
    otto = {"recipient": "otto@other.example"}
    for deed in ("release", "delete"):
        answer = manager.ask("POST", f"quarantine/{shared.mail.mail_id}/{deed}/", otto)
        assert answer.status_code == 404


def test_where_mail_goes_is_not_a_managers_to_say(cast: Cast) -> None:
    """As on the screen: a manager changes levels, but neither next hops nor who is told."""
    manager = Program(cast.manager)
    path = "policies/example.com/"

    for body in (
        {"settings": {"forward_method": "smtp:[192.0.2.1]:25"}},
        {"settings": {"virus_admin": "mona@example.net"}},
        {"locked": ["forward_method"]},
    ):
        answer = manager.ask("PATCH", path, body)
        assert answer.status_code == 403, body
    assert manager.ask("PATCH", path, {"settings": {"spam_lover": True}}).status_code == 200


def test_a_layer_is_changed_field_by_field(program: Program) -> None:
    path = "policies/example.com/"

    program.ask("PATCH", path, {"settings": {"spam_kill_level": 7, "spam_lover": True}})
    program.ask("PATCH", path, {"settings": {"spam_kill_level": "never", "spam_lover": None}})
    program.ask("PATCH", path, {"locked": ["spam_kill_level"]})

    assert program.get(path) == {
        "key": "example.com",
        "settings": {"spam_kill_level": "never"},
        "locked": ["spam_kill_level"],
    }


@pytest.mark.parametrize(
    ("path", "body", "code", "word"),
    [
        ("policies/example.com/", {"settings": {"spam_kill_lvl": 1}}, 400, "unknown field"),
        ("policies/example.com/", {"locked": ["spam_kill_lvl"]}, 400, "unknown field"),
        ("policies/example.com/", {"policy": "nothing"}, 422, "no named policy"),
        ("policies/example.com/", {"setting": {}}, 400, "unknown field 'setting'"),
        ("policies/example.com/", {"settings": {"spam_lover": "perhaps"}}, 422, "spam_lover"),
        ("policies/example.com/", {"settings": {"spam_lover": [True]}}, 400, "spam_lover"),
        ("policies/example.com/", {"settings": "x"}, 400, "settings"),
        ("policies/example.com/", [], 400, ""),
        ("settings/", {"no_such": 1}, 400, "unknown setting"),
        ("settings/", {"remember_seconds": -5}, 422, "remember_seconds"),
        ("settings/", {"rspamd_factor": "nan"}, 422, "is not a number"),
        ("users/audrey@example.net/", {"active": "no"}, 400, "active"),
        ("users/ada@example.net/", {"active": False}, 422, "last administrator"),
        ("users/nobody@example.net/", {"active": False}, 404, "no such thing"),
    ],
)
def test_a_bad_question_is_told_what_is_wrong(
    program: Program, path: str, body: Any, code: int, word: str
) -> None:
    answer = program.ask("PATCH", path, body)

    assert answer.status_code == code
    assert set(answer.json()) == {"error"}
    assert word in answer.json()["error"]


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"name": "a.example", "name": "b.example"}', 400),
        (b'{"name": NaN}', 400),
        (b'{"name": 1e999}', 400),
        (b'{"name": "\\ud800"}', 400),
        (b'{"name": "a\\u0000b"}', 400),
        (b'{"name": "\xff"}', 400),
        (b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
        (b'{"name": ' + b"[" * 9 + b"]" * 9 + b"}", 400),
        (b'{"name": "' + b"x" * MOST_BYTES + b'"}', 413),
        (b'{"name": "' + b"x" * 5000 + b'"}', 400),
    ],
)
def test_a_body_that_is_no_good_json_is_refused(program: Program, octets: bytes, code: int) -> None:
    """Size and depth are bounded, and nothing is read twice or guessed."""
    answer = program.client.post(f"{API}domains/", octets, content_type="application/json")

    assert (answer.status_code, set(answer.json())) == (code, {"error"})


def test_a_form_is_no_json(program: Program) -> None:
    """A page of another site can send forms, and nothing comes of them even with the token."""
    answer = program.client.post(f"{API}domains/", {"name": "new.example"})

    assert answer.status_code == 415


def test_unknown_parameters_and_methods_are_refused(program: Program) -> None:
    assert program.ask("GET", "mails/", recpient=KEY).status_code == 400
    assert program.ask("GET", "mails/", limit="0").status_code == 400
    assert program.ask("GET", "mails/", since="yesterday").status_code == 400
    assert program.ask("GET", "mails/a\x00b/").status_code == 404
    answer = program.ask("PUT", "mails/")
    assert answer.status_code == 405
    assert "GET" in answer["Allow"]


def test_lists_come_in_pieces(program: Program) -> None:
    """The header Link leads through all of them, none twice."""
    wanted = [record(held(KEY)).mail.mail_id for _ in range(5)][::-1]
    names = [f"{letter}.example" for letter in "abcde"]
    for name in names:
        program.ask("POST", "domains/", {"name": name})

    assert [mail["mail_id"] for mail in _all(program, "mails/")] == wanted
    assert [copy["mail_id"] for copy in _all(program, "quarantine/")] == wanted
    found = [domain["name"] for domain in _all(program, "domains/")]
    assert found == sorted([*names, "example.com", "other.example"])


def _all(program: Program, path: str) -> list[dict[str, Any]]:
    answer = program.ask("GET", path, limit="2")
    found = answer.json()
    while "Link" in answer:
        address = answer["Link"].removeprefix("<http://testserver").partition(">")[0]
        answer = program.client.get(address)
        found += answer.json()
    return found


def test_mails_are_narrowed_as_by_the_command(program: Program) -> None:
    row = record(held(KEY))
    record(held("otto@other.example"))

    assert len(program.get("mails/")) == 2
    found = program.get("mails/", recipient=KEY.upper(), since="1h", outcome="held")
    assert [mail["mail_id"] for mail in found] == [row.mail.mail_id]
    assert program.get("mails/", since="2999-01-01T00:00:00Z") == []
    assert len(program.get("mails/", since="0001-01-01T00:00:00Z")) == 2
    assert program.get("quarantine/", state="deleted") == []


def test_a_copy_is_shown_deleted_and_learnt(program: Program) -> None:
    row = record(held(KEY))
    path = f"quarantine/{row.mail.mail_id}/"

    assert program.get(path, recipient=KEY)["state"] == "held"
    learnt = program.ask("POST", f"{path}learn/", {"recipient": KEY, "kind": "spam"})
    assert learnt.status_code == 202
    job = LearningJob.objects.get(pk=learnt.json()["job"])
    assert (job.kind, job.total, job.actor) == ("spam", 1, "ada@example.net")
    gone = program.ask("POST", f"{path}delete/", {"recipient": KEY})
    assert gone.json()["state"] == "deleted"
    again = program.ask("POST", f"{path}delete/", {"recipient": KEY})
    assert again.status_code == 409
    assert "bin" in again.json()["error"]


def test_a_release_answers_what_the_next_hop_said(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = record(held(KEY))

    def released(*, recipient_id: int, **_: object) -> RecipientRecord:
        RecipientRecord.objects.filter(pk=recipient_id).update(state="released", reply="250 ok")
        return RecipientRecord.objects.get(pk=recipient_id)

    monkeypatch.setattr(mails, "release_now", released)
    answer = program.ask("POST", f"quarantine/{row.mail.mail_id}/release/", {"recipient": KEY})

    assert answer.json() == {
        "mail_id": row.mail.mail_id,
        "recipient": KEY,
        "state": "released",
        "reply": "250 ok",
    }


def test_lists_sets_and_accounts_are_changed(program: Program) -> None:
    entry = {"key": "example.com", "sender": "news@example.org", "action": "-3.5"}
    made = program.ask("POST", "senders/", entry | {"expires_at": "2999-01-01T00:00:00Z"})
    assert made.json()["points"] == -3.5
    assert made.json()["expires_at"] == "2999-01-01T00:00:00Z"
    assert program.get("senders/", key="example.com") == [made.json()]

    rules = [{"pattern": r"\.exe$", "banned": True, "comment": "programs"}]
    assert program.ask("PUT", "banrules/own/", {"rules": rules}).json()["rules"] == rules
    assert program.ask("PUT", "banrules/own/", {"rules": [{"pattern": "("}]}).status_code == 422

    assert program.ask("POST", "networks/", {"cidr": "192.0.2.7"}).json()["cidr"] == "192.0.2.7/32"
    assert program.ask("POST", "networks/", {"cidr": "192.0.2.7"}).status_code == 422

    assert program.ask("PATCH", "settings/", {"network_tests": True}).status_code == 200
    assert program.get("settings/")["network_tests"] is True


def test_explain_says_what_the_daemon_would_do(program: Program) -> None:
    document = program.ask("POST", "explain/", {"recipient": KEY, "score": 20}).json()

    assert (document["category"], document["destiny"]) == ("spam", "discard")
    assert document["reasons"]
    assert document["settings"]["spam_kill_level"] == {"value": 6.3, "origin": SITE}


def test_health_says_of_every_part_whether_it_works(program: Program) -> None:
    document = program.get("health/")

    assert document["ok"] is True
    assert document["parts"]["filter"] == {"ok": True, "detail": "filter answers"}


def test_too_many_questions_are_429(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each token has its own count."""
    monkeypatch.setattr(resource.TokenThrottle, "rate", "3/min", raising=False)
    cache.clear()
    program, other = Program(cast.manager), Program(cast.manager)

    codes = [program.ask("GET", "mails/").status_code for _ in range(5)]

    assert codes == [200, 200, 200, 429, 429]
    assert int(program.ask("GET", "mails/")["Retry-After"]) > 0
    assert other.ask("GET", "mails/").status_code == 200


def test_without_postgres_it_is_503_and_without_a_secret(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OperationalError("connection to /run/secret failed")

    monkeypatch.setattr(mails, "find_mails", gone)
    answer = program.ask("GET", "mails/")

    assert answer.status_code == 503
    assert "secret" not in answer.content.decode()


def test_the_page_tells_everybody_what_he_may_do(cast: Cast) -> None:
    owner = cast.client("owner").get(reverse("api")).content.decode()
    administrator = cast.client("administrator").get(reverse("api")).content.decode()

    assert "/api/v1/quarantine/{mail_id}/release/" in owner
    assert "/api/v1/users/" not in owner
    assert "/api/v1/users/{email}/" in administrator
