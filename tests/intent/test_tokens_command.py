"""The command `tokens`."""

from appliance.accounts.models import User
from appliance.api.models import ApiToken
from appliance.api.tokens import MOST_TOKENS, find_token
from tests.intent.conftest import PASSWORD, Run

EMAIL = "root@example.net"


def _person(run: Run) -> None:
    run("users", "add", EMAIL, "--role", "administrator", "--password-stdin", stdin=PASSWORD)


def test_a_token_is_made_listed_and_revoked(run: Run) -> None:
    _person(run)
    made = run("tokens", "add", EMAIL, "backup", "--scope", "mails:read", "--json").document
    listed = run("tokens", "list", EMAIL, "--json").document

    assert find_token(made["token"]) is not None
    assert [token["name"] for token in listed] == ["backup"]
    assert listed[0]["scopes"] == ["mails:read"]
    assert made["token"] not in str(listed)
    assert run("tokens", "revoke", EMAIL, "backup").code == 0
    assert find_token(made["token"]) is None
    assert run("tokens", "revoke", EMAIL, "backup").code == 1


def test_the_token_alone_is_printed(run: Run) -> None:
    _person(run)

    printed = run("tokens", "add", EMAIL, "backup", "--scope", "mails:read").out.strip()

    assert find_token(printed) is not None


def test_bad_tokens_are_refused(run: Run) -> None:
    _person(run)

    def add(name: str, *more: str) -> int:
        return run("tokens", "add", EMAIL, name, *(more or ("--scope", "mails:read"))).code

    assert add("twice") == 0
    assert add("twice") == 1
    assert add(" ") == 1
    assert add("line\nbreak") == 1
    assert add("x", "--scope", "mails:write") == 1
    assert add("x", "--scope", "everything") == 1
    assert add("x", "--scope", "mails:read", "--days", "0") == 1
    assert add("x", "--scope", "mails:read", "--days", "1000") == 1
    assert run("tokens", "add", "nobody@example.net", "x", "--scope", "mails:read").code == 1


def test_nobody_has_endless_tokens(run: Run) -> None:
    _person(run)
    user = User.objects.get()
    for number in range(MOST_TOKENS):
        ApiToken.objects.create(
            user=user, name=str(number), digest=str(number), scopes=[], expires_at=user.created_at
        )

    assert run("tokens", "add", EMAIL, "x", "--scope", "mails:read").code == 1
