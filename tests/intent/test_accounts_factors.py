"""Second factors: the code at login, what it costs to guess, who has to have one, and sessions
(W2, W4).
"""

import base64
import hashlib
import hmac
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from axes.models import AccessAttempt
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from appliance.accounts.models import User
from appliance.accounts.sessions import device, end_sessions, places
from appliance.accounts.users import create_user
from appliance.policies.models import PolicyChange
from appliance.status.edit import set_setting
from tests.intent.conftest import PASSWORD

KEY = base64.b32encode(b"a key of 20 octets !").decode()
CODE, LOGIN = "mfa_authenticate", "account_login"

pytestmark = pytest.mark.django_db


def code_of(step: int, key: str = KEY) -> str:
    """Return the code of RFC 6238 for a step of 30 seconds, by our own computation."""
    digest = hmac.new(base64.b32decode(key), step.to_bytes(8, "big"), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> int:
    """The step at which the clock of the codes stands still."""
    monkeypatch.setattr(
        "allauth.mfa.totp.internal.auth.time", SimpleNamespace(time=lambda: 1_800_000_000.0)
    )
    return 60_000_000


@pytest.fixture
def ann() -> User:
    return make("ann@example.com")


@pytest.fixture
def app(ann: User) -> Authenticator:
    """Ann's authenticator app."""
    return TOTP.activate(ann, KEY).instance


def make(email: str, role: str = "administrator", **more: Any) -> User:
    return create_user(
        email=email, role=role, password=PASSWORD, actor="t", must_change_password=False, **more
    )


def sign_in(client: Client, person: User, code: str | None = None) -> HttpResponse:
    response = client.post(reverse(LOGIN), {"login": person.email, "password": PASSWORD})
    return response if code is None else client.post(reverse(CODE), {"code": code})


def confirm(client: Client) -> None:
    """Show that it is still oneself, as every change of factors asks."""
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_the_password_alone_logs_in_where_no_factor_is_set_up(client: Client, ann: User) -> None:
    assert sign_in(client, ann).headers["Location"] == "/"
    assert is_in(client)


def test_the_app_is_asked_after_the_password(client: Client, app: Authenticator, now: int) -> None:
    assert sign_in(client, app.user).headers["Location"] == reverse(CODE)
    assert not is_in(client)

    client.post(reverse(CODE), {"code": code_of(now)})

    assert is_in(client)


@pytest.mark.parametrize(
    ("away", "enters"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_code_may_be_one_step_off(
    client: Client, app: Authenticator, now: int, away: int, enters: bool
) -> None:
    """W2: within one step of the clock."""
    sign_in(client, app.user, code_of(now + away))

    assert is_in(client) is enters


@pytest.mark.parametrize("again", [0, -1])
def test_a_code_is_good_once_and_none_before_it(app: Authenticator, now: int, again: int) -> None:
    """W2, RFC 6238 section 5.2: a code that was seen on its way lets nobody else in."""
    first, second = Client(), Client()
    sign_in(first, app.user, code_of(now))

    sign_in(second, app.user, code_of(now + again))

    assert is_in(first)
    assert not is_in(second)


def test_five_wrong_codes_lock_like_five_wrong_passwords(
    client: Client, app: Authenticator, now: int
) -> None:
    """W4: counted in Postgres, for this account from this address."""
    sign_in(client, app.user)
    for _ in range(5):
        client.post(reverse(CODE), {"code": "000000"})

    answer = client.post(reverse(CODE), {"code": code_of(now)})

    assert answer.status_code in (200, 429)
    assert not is_in(client)


def test_a_recovery_code_lets_in_once(client: Client, ann: User, app: Authenticator) -> None:
    code = RecoveryCodes.activate(ann).get_unused_codes()[0]
    sign_in(client, ann, code)
    other = Client()
    sign_in(other, ann, code)

    assert is_in(client)
    assert not is_in(other)


def test_what_codes_are_made_from_is_not_stored_in_clear(app: Authenticator) -> None:
    assert KEY not in str(Authenticator.objects.get().data)


def test_an_earlier_secret_key_still_reads_the_app(
    client: Client, app: Authenticator, now: int, settings: Any
) -> None:
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n" * 50

    sign_in(client, app.user, code_of(now))

    assert is_in(client)


def test_the_person_sets_up_the_app_and_that_is_recorded(
    client: Client, ann: User, now: int, django_capture_on_commit_callbacks: Any
) -> None:
    sign_in(client, ann)
    confirm(client)
    page = client.get(reverse("mfa_activate_totp"))
    key = page.context["form"].secret

    with django_capture_on_commit_callbacks(execute=True):
        done = client.post(reverse("mfa_activate_totp"), {"code": code_of(now, key)})

    assert b"data:image/svg+xml;base64," in page.content
    assert done.headers["Location"] == reverse("mfa_view_recovery_codes")
    assert set(Authenticator.objects.values_list("type", flat=True)) == {"totp", "recovery_codes"}
    assert PolicyChange.objects.filter(verb="users authenticator app added", who=ann.email).exists()


@pytest.mark.parametrize(
    ("role", "more", "owed"),
    [
        ("administrator", {}, True),
        ("auditor", {}, True),
        ("owner", {"mailboxes": ["olga@example.com"]}, False),
    ],
)
def test_staff_sets_up_a_factor_before_anything_else_where_the_site_says_so(
    client: Client, role: str, more: dict[str, Any], owed: bool
) -> None:
    """W2: required for staff, optional for owners; off at the start."""
    sign_in(client, make("bob@example.com", role, **more))
    assert client.get("/").status_code == 200

    set_setting(name="staff_needs_second_factor", value="yes", actor="t")

    assert client.get("/").status_code == (302 if owed else 200)
    if owed:
        assert client.get("/").headers["Location"] == reverse("mfa_index")
        assert client.get("/", headers={"HX-Request": "true"}).headers["HX-Redirect"]
        assert b"needs a second factor" in client.get(reverse("mfa_index")).content
        confirm(client)
        assert client.get(reverse("mfa_activate_totp")).status_code == 200


def test_with_a_factor_nothing_is_owed(client: Client, app: Authenticator, now: int) -> None:
    set_setting(name="staff_needs_second_factor", value="yes", actor="t")

    sign_in(client, app.user, code_of(now))

    assert client.get("/").status_code == 200


def test_a_foreign_passkey_is_not_there(client: Client, ann: User) -> None:
    bob = make("bob@example.com")
    key = Authenticator.objects.create(user=bob, type="webauthn", data={"name": "x"})
    sign_in(client, ann)
    confirm(client)

    assert client.post(reverse("mfa_remove_webauthn", args=[key.pk])).status_code == 404
    assert Authenticator.objects.filter(pk=key.pk).exists()


def test_a_change_of_factors_asks_for_the_password_again(
    client: Client, ann: User, settings: Any
) -> None:
    """W2, step-up, for ten minutes; a wrong password there counts as a failed login."""
    sign_in(client, ann)
    wanted = reverse("mfa_activate_totp")
    again = client.get(wanted).headers["Location"]
    assert again.startswith(reverse("account_reauthenticate"))

    assert client.post(again, {"password": "wrong wrong wrong"}).status_code == 200
    assert AccessAttempt.objects.get().username == ann.email
    assert client.post(again, {"password": PASSWORD}).headers["Location"] == wanted

    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    assert client.get(wanted).headers["Location"] == again


def test_sessions_are_listed_and_ended(ann: User) -> None:
    here, there = Client(), Client(HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux) Firefox/140.0")
    sign_in(here, ann)
    sign_in(there, ann)
    page = here.get(reverse("sessions")).content.decode()
    assert "Firefox on Linux" in page
    assert page.count("This one") == 1

    here.post(reverse("sessions_end"))

    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 302
    assert [place.current for place in places(ann, here.session.session_key)] == [True]


def test_nobody_ends_a_foreign_session(client: Client, ann: User) -> None:
    bob, theirs = make("bob@example.com"), Client()
    sign_in(theirs, bob)
    sign_in(client, ann)

    client.post(reverse("session_end", args=[places(bob)[0].pk]))
    assert theirs.get("/").status_code == 200

    assert end_sessions(user=bob, actor="t") == 1
    assert theirs.get("/").status_code == 302


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit Chrome/139 Safari/537 Edg/139",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; like Mac OS X) AppleWebKit Version/18 Safari/604",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (X11; CrOS x86_64) AppleWebKit Chrome/139 Safari/537", "Chrome on ChromeOS"),
        ("curl/8\x1b[2J", "curl/8\ufffd[2J"),
        ("", "Unknown"),
    ],
)
def test_a_browser_is_told_in_words(says: str, told: str) -> None:
    assert device(says) == told
