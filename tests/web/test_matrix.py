"""Who gets what: every address x GET and POST x every role.  A new address without rows fails here.

All objects belong to example.com and to Olga, so that stranger and outsider, of another domain,
must not find them: 404, not 403.  302 is either the login page (for the anonymous) or the page
after a deed.
"""

from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from appliance.api.routes import ROUTES
from appliance.engines.learning_models import LearningJob
from appliance.policies.edit import set_fields
from appliance.policies.models import PolicyChange
from appliance.policies.profiles import change_profile
from appliance.policies.senders import add_sender
from quarantine.bin import delete_held
from quarantine.release import request_release
from quarantine.views import release as release_views
from smtpfilter.verdict.category import Category
from tests.evidence.builders import held
from tests.web.conftest import PASSWORD, Cast, ask_only, record

ROLES = (
    "administrator", "manager", "helpdesk", "auditor", "owner", "stranger", "outsider", "anonymous"
)  # fmt: skip

# Columns in the order of ROLES; the words behind name objects and what is posted, see below.
TABLE = """
overview                 GET   200 200 200 200 200 200 200 302
overview                 POST  405 405 405 405 405 405 405 302
quarantine               GET   200 200 200 200 200 200 200 302
quarantine               POST  405 405 405 405 405 405 405 302
mails                    GET   200 200 200 200 200 200 200 302
mails                    POST  405 405 405 405 405 405 405 302
mail                     GET   200 200 200 200 200 404 404 302
mail                     POST  405 405 405 405 405 405 405 302
raw                      GET   200 200 403 403 200 404 404 302
raw                      POST  405 405 405 405 405 405 405 302
release                  GET   405 405 405 405 405 405 405 302
release                  POST  302 302 302 403 302 404 404 302
decline                  GET   405 405 405 405 405 405 405 302
decline                  POST  302 302 403 403 403 403 404 302
delete                   GET   405 405 405 405 405 405 405 302
delete                   POST  302 302 403 403 302 404 404 302
restore                  GET   405 405 405 405 405 405 405 302
restore                  POST  302 302 403 403 302 404 404 302
policies                 GET   200 200 200 200 403 403 200 302
policies                 POST  405 405 405 405 405 405 405 302
policy                   GET   200 200 200 200 403 403 404 302
policy                   POST  302 302 403 403 403 403 404 302
overrides                GET   200 200 200 200 403 403 404 302
overrides                POST  405 405 405 405 405 405 405 302
explain                  GET   200 200 200 200 403 403 200 302
explain                  POST  200 200 200 200 403 403 422 302
whatif                   GET   405 405 405 405 405 405 405 302
whatif                   POST  200 200 403 403 403 403 404 302
ban_sets                 GET   200 200 200 200 403 403 200 302
ban_sets                 POST  405 405 405 405 405 405 405 302
ban_set                  GET   200 200 200 200 403 403 200 302
ban_set                  POST  302 403 403 403 403 403 403 302
ban_set_remove           GET   405 405 405 405 405 405 405 302
ban_set_remove           POST  302 403 403 403 403 403 403 302
networks                 GET   200 200 200 200 403 403 200 302
networks                 POST  302 403 403 403 403 403 403 302
network_remove           GET   405 405 405 405 405 405 405 302
network_remove           POST  302 403 403 403 403 403 403 302
profile                  GET   200 200 200 200 403 403 200 302
profile                  POST  302 403 403 403 403 403 403 302
profile_remove           GET   405 405 405 405 405 405 405 302
profile_remove           POST  302 403 403 403 403 403 403 302
revisions                GET   200 200 200 200 403 403 200 302
revisions                POST  405 405 405 405 405 405 405 302
revision                 GET   200 200 200 200 403 403 404 302
revision                 POST  405 405 405 405 405 405 405 302
revert                   GET   405 405 405 405 405 405 405 302
revert                   POST  302 302 403 403 403 403 404 302
senders                  GET   200 200 200 200 200 200 200 302
senders                  POST  405 405 405 405 405 405 405 302
sender_list              GET   200 200 200 200 200 404 404 302
sender_list              POST  302 302 302 403 302 404 404 302
sender_remove            GET   405 405 405 405 405 405 405 302
sender_remove            POST  302 302 302 403 302 404 404 302
domains                  GET   200 200 200 200 403 403 200 302
domains                  POST  302 403 403 403 403 403 403 302
domain                   GET   200 200 200 200 403 403 404 302
domain                   POST  302 302 403 403 403 403 404 302
domain_remove            GET   405 405 405 405 405 405 405 302
domain_remove            POST  302 403 403 403 403 403 403 302
mailbox_remove           GET   405 405 405 405 405 405 405 302
mailbox_remove           POST  302 302 403 403 403 403 404 302
notices                  GET   200 200 200 200 403 403 200 302
notices                  POST  405 405 405 405 405 405 405 302
notice                   GET   200 200 200 200 403 403 200 302
notice                   POST  302 403 403 403 403 403 403 302
notice_reset             GET   405 405 405 405 405 405 405 302
notice_reset             POST  302 403 403 403 403 403 403 302
engines                  GET   200 403 403 200 403 403 403 302
engines                  POST  302 403 403 403 403 403 403 302
scanner_role             GET   405 405 405 405 405 405 405 302
scanner_role             POST  302 403 403 403 403 403 403 302
virus_scanning           GET   405 405 405 405 405 405 405 302
virus_scanning           POST  302 403 403 403 403 403 403 302
node_forget              GET   405 405 405 405 405 405 405 302
node_forget              POST  302 403 403 403 403 403 403 302
engine_answer            GET   404 403 403 404 403 403 403 302
engine_answer            POST  405 405 405 405 405 405 405 302
virus_names              GET   200 403 403 200 403 403 403 302
virus_names              POST  302 403 403 403 403 403 403 302
virus_names_reset        GET   405 405 405 405 405 405 405 302
virus_names_reset        POST  302 403 403 403 403 403 403 302
preferences              GET   200 403 403 200 403 403 403 302
preferences              POST  405 405 405 405 405 405 405 302
preference_list          GET   200 403 403 200 403 403 403 302
preference_list          POST  302 403 403 403 403 403 403 302
preference_remove        GET   405 405 405 405 405 405 405 302
preference_remove        POST  302 403 403 403 403 403 403 302
learning                 GET   200 403 403 200 403 403 403 302
learning                 POST  422 403 403 403 403 403 403 302
learning_stop            GET   405 405 405 405 405 405 405 302
learning_stop            POST  302 403 403 403 403 403 403 302
accounts                 GET   200 403 403 403 403 403 403 302
accounts                 POST  302 403 403 403 403 403 403 302
account                  GET   200 403 403 403 403 403 403 302
account                  POST  302 403 403 403 403 403 403 302
account_scope            GET   405 405 405 405 405 405 405 302
account_scope            POST  302 403 403 403 403 403 403 302
account_link             GET   405 405 405 405 405 405 405 302
account_link             POST  200 403 403 403 403 403 403 302
account_help             GET   405 405 405 405 405 405 405 302
account_help             POST  302 403 403 403 403 403 403 302
account_reset_password_from_key      GET  200 200 200 200 200 200 200 200
account_reset_password_from_key      POST 200 200 200 200 200 200 200 200
account_reset_password_from_key_done GET  200 200 200 200 200 200 200 200
account_reset_password_from_key_done POST 405 405 405 405 405 405 405 405
account_active           GET   405 405 405 405 405 405 405 302
account_active           POST  302 403 403 403 403 403 403 302
account_remove           GET   405 405 405 405 405 405 405 302
account_remove           POST  302 403 403 403 403 403 403 302
tokens                   GET   200 200 200 200 200 200 200 302
tokens                   POST  302 302 302 302 302 302 302 302
token_revoke             GET   405 405 405 405 405 405 405 302
token_revoke             POST  302 302 302 302 302 302 302 302
api                      GET   200 200 200 200 200 200 200 302
api                      POST  405 405 405 405 405 405 405 302
api_schema               GET   200 200 200 200 200 200 200 200
api_schema               POST  405 405 405 405 405 405 405 405
status                   GET   200 403 403 200 403 403 403 302
status                   POST  405 405 405 405 405 405 405 302
alarm_dismiss            GET   405 405 405 405 405 405 405 302
alarm_dismiss            POST  302 403 403 403 403 403 403 302
queue                    GET   200 403 403 200 403 403 403 302
queue                    POST  405 405 405 405 405 405 405 302
queue_deed               GET   405 405 405 405 405 405 405 302
queue_deed               POST  302 403 403 403 403 403 403 302
site_settings            GET   200 403 403 200 403 403 403 302
site_settings            POST  302 403 403 403 403 403 403 302
trace_add                GET   405 405 405 405 405 405 405 302
trace_add                POST  302 403 403 403 403 403 403 302
trace_remove             GET   405 405 405 405 405 405 405 302
trace_remove             POST  302 403 403 403 403 403 403 302
going_live               GET   200 403 403 200 403 403 403 302
going_live               POST  405 405 405 405 405 405 405 302
golive_mark              GET   405 405 405 405 405 405 405 302
golive_mark              POST  302 403 403 403 403 403 403 302
golive_do                GET   405 405 405 405 405 405 405 302
golive_do                POST  302 403 403 403 403 403 403 302
healthz                  GET   200 200 200 200 200 200 200 200
healthz                  POST  405 405 405 405 405 405 405 405
readyz                   GET   200 200 200 200 200 200 200 200
readyz                   POST  405 405 405 405 405 405 405 405
metrics                  GET   200 200 200 200 200 200 200 200
metrics                  POST  405 405 405 405 405 405 405 405
theme                    GET   405 405 405 405 405 405 405 405
theme                    POST  302 302 302 302 302 302 302 302
account_login            GET   302 302 302 302 302 302 302 200
account_login            POST  302 302 302 302 302 302 302 200
account_logout           GET   200 200 200 200 200 200 200 302
account_logout           POST  302 302 302 302 302 302 302 302
account_change_password  GET   200 200 200 200 200 200 200 302
account_change_password  POST  302 302 302 302 302 302 302 302
mfa_authenticate            GET  302 302 302 302 302 302 302 302
mfa_authenticate            POST 302 302 302 302 302 302 302 302
mfa_login_webauthn          GET  302 302 302 302 302 302 302 302
mfa_login_webauthn          POST 302 302 302 302 302 302 302 302
mfa_index                   GET  200 200 200 200 200 200 200 302
mfa_index                   POST 405 405 405 405 405 405 405 302
mfa_activate_totp           GET  302 302 302 302 302 302 302 302
mfa_activate_totp           POST 302 302 302 302 302 302 302 302
mfa_deactivate_totp         GET  404 404 404 404 404 404 404 302
mfa_deactivate_totp         POST 404 404 404 404 404 404 404 302
mfa_view_recovery_codes     GET  404 404 404 404 404 404 404 302
mfa_view_recovery_codes     POST 405 405 405 405 405 405 405 302
mfa_generate_recovery_codes GET  302 302 302 302 302 302 302 302
mfa_generate_recovery_codes POST 302 302 302 302 302 302 302 302
mfa_download_recovery_codes GET  404 404 404 404 404 404 404 302
mfa_download_recovery_codes POST 404 404 404 404 404 404 404 302
mfa_list_webauthn           GET  302 302 302 302 302 302 302 302
mfa_list_webauthn           POST 302 302 302 302 302 302 302 302
mfa_add_webauthn            GET  302 302 302 302 302 302 302 302
mfa_add_webauthn            POST 302 302 302 302 302 302 302 302
mfa_edit_webauthn           GET  302 302 302 302 302 302 302 302
mfa_edit_webauthn           POST 302 302 302 302 302 302 302 302
mfa_remove_webauthn         GET  302 302 302 302 302 302 302 302
mfa_remove_webauthn         POST 302 302 302 302 302 302 302 302
account_reauthenticate      GET  200 200 200 200 200 200 200 302
account_reauthenticate      POST 200 200 200 200 200 200 200 302
mfa_reauthenticate          GET  302 302 302 302 302 302 302 302
mfa_reauthenticate          POST 302 302 302 302 302 302 302 302
mfa_reauthenticate_webauthn GET  302 302 302 302 302 302 302 302
mfa_reauthenticate_webauthn POST 302 302 302 302 302 302 302 302
sessions                    GET  200 200 200 200 200 200 200 302
sessions                    POST 405 405 405 405 405 405 405 302
sessions_end                GET  405 405 405 405 405 405 405 302
sessions_end                POST 302 302 302 302 302 302 302 302
session_end                 GET  405 405 405 405 405 405 405 302
session_end                 POST 302 302 302 302 302 302 302 302
account_inactive         GET   200 200 200 200 200 200 200 200
account_inactive         POST  405 405 405 405 405 405 405 405
"""

ROWS = [line.split() for line in TABLE.strip().splitlines()]
KEY = "olga@example.com"
HELP = ("account_scope", "account_link", "account_help")

POSTED: dict[str, dict[str, str]] = {
    "policy": {"spam_kill_level": "9"},
    "explain": {"recipient": KEY},
    "networks": {"cidr": "192.0.2.0/24"},
    "network_remove": {"cidr": "198.51.100.0/24"},
    "profile": {"treat_spam": "mark"},
    "ban_set": {"do": "save", "rule-TOTAL_FORMS": "0", "rule-INITIAL_FORMS": "0"},
    "sender_list": {"sender": "friend@example.org", "action": "allow"},
    "sender_remove": {"sender": "foe@example.org"},
    "domains": {"name": "new.example"},
    "domain": {"address": "new@example.com"},
    "notice": {"subject": "Hello", "body": "{{ hostname }}", "save": "yes"},
    "engines": {"card": "scanning", "remember_seconds": "60"},
    "site_settings": {
        "card": "retention",
        "retention_days": "30",
        "bin_hours": "72",
        "journal_days": "90",
    },
    "trace_add": {"sender": "friend@example.org"},
    "golive_mark": {"step": "name", "done": "yes"},
    "golive_do": {"step": "careful", "level": "8"},
    "scanner_role": {"name": "clamd", "role": "backup"},
    "virus_scanning": {"scan": "no"},
    "virus_names": {"do": "save", "rule-TOTAL_FORMS": "0", "rule-INITIAL_FORMS": "0"},
    "preference_list": {"preference": "use_bayes", "value": "no"},
    "accounts": {"email": "new@example.net", "role": "auditor", "password": PASSWORD},
    "account": {"password": "another gate, another wall"},
    "account_scope": {"role": "auditor"},
    "account_help": {"do": "unlock"},
    "account_active": {"active": "no"},
    "tokens": {"name": "script", "days": "30", "quarantine": "read"},
    "theme": {"theme": "dark"},
    "account_change_password": {
        "oldpassword": PASSWORD,
        "password1": "another gate, another wall",
        "password2": "another gate, another wall",
    },
}


@pytest.fixture
def addresses(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Return the address of an object of the kind that the URL name asks for."""
    monkeypatch.setattr(release_views, "release_now", ask_only)
    add_sender(key=KEY, sender="foe@example.org", action="block", actor="tests")
    change_profile(name="outbound", values={}, actor="tests")
    set_fields(key=KEY, values={"spam_kill_level": "8"}, actor="tests")
    change = PolicyChange.objects.latest("number")
    spam = record(held(KEY))
    wanted = record(held(KEY, blocked_by=Category.VIRUS))
    request_release(recipient_id=wanted.pk, actor=cast.owner)
    binned = record(held(KEY))
    delete_held(recipient_id=binned.pk, actor=cast.owner)
    rows = {"decline": wanted, "restore": binned}

    def address(name: str) -> str:
        row = rows.get(name, spam)
        mail, recipient = {"mail_id": row.mail.mail_id}, {"pk": row.pk}
        arguments: dict[str, dict[str, object]] = {
            "mail": mail,
            "raw": mail,
            **dict.fromkeys(("release", "decline", "delete", "restore"), mail | recipient),
            **{page: {"name": "current"} for page in ("ban_set", "ban_set_remove")},
            **{page: {"name": "outbound"} for page in ("profile", "profile_remove")},
            **{page: {"name": "ann"} for page in ("preference_list", "preference_remove")},
            **{page: {"number": change.number} for page in ("revision", "revert")},
            "account_reset_password_from_key": {"uidb36": "1", "key": "no-key"},
            "learning_stop": {"pk": _learning().pk},
            "domain": {"name": "example.com"},
            "domain_remove": {"name": "example.com"},
            "mailbox_remove": {"address": KEY},
            **{page: {"kind": "virus", "language": "de"} for page in ("notice", "notice_reset")},
            **{page: {"key": KEY} for page in ("policy", "whatif", "sender_list", "sender_remove")},
            **{
                page: {"pk": cast.auditor.pk}
                for page in ("account", "account_active", "account_remove", *HELP)
            },
            **{
                page: {"pk": 1}
                for page in ("mfa_edit_webauthn", "mfa_remove_webauthn", "session_end")
            },
        }
        asked = f"?key={KEY}&of=spam_kill_level" if name == "overrides" else ""
        return reverse(name, kwargs=arguments.get(name)) + asked

    return address


def _learning() -> LearningJob:
    now = timezone.now()
    return LearningJob.objects.create(
        kind="spam", source="mbox", actor="tests", started_at=now, touched_at=now
    )


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[1]}-{row[0]}" for row in ROWS])
def test_everybody_gets_what_the_table_says(
    cast: Cast, addresses: Callable[[str], str], row: list[str]
) -> None:
    name, method, *expected = row

    got = [_ask(cast, addresses(name), name, method, role) for role in ROLES]

    assert dict(zip(ROLES, got, strict=True)) == dict(zip(ROLES, map(int, expected), strict=True))


def _ask(cast: Cast, address: str, name: str, method: str, role: str) -> int:
    """Return the status; what the request changed is rolled back for the next role."""
    client = cast.client(role)
    with transaction.atomic():
        if method == "GET":
            response = client.get(address)
        else:
            response = client.post(address, POSTED.get(name, {}))
        transaction.set_rollback(True)
    return response.status_code


def test_every_address_has_its_rows() -> None:
    named = {(pattern.name, method) for pattern in _patterns() for method in ("GET", "POST")}

    assert named == {(row[0], row[1]) for row in ROWS}


def _patterns() -> Iterator[URLPattern]:
    pending = list(get_resolver().url_patterns)
    while pending:
        pattern = pending.pop()
        if pattern in ROUTES:
            continue  # test_api_access.py has a table of its own
        if isinstance(pattern, URLPattern):
            yield pattern
        else:
            pending.extend(pattern.url_patterns)


@pytest.mark.parametrize("name", ["decline", "delete", "release", "restore"])
def test_a_recipient_of_another_message_is_not_reached_through_mine(cast: Cast, name: str) -> None:
    """R-17: rights are checked on the recipient's row, whatever message the address names."""
    mine, foreign = record(held(KEY)), record(held("otto@other.example"))
    address = reverse(name, kwargs={"mail_id": mine.mail.mail_id, "pk": foreign.pk})

    assert cast.client("manager").post(address).status_code == 404


def test_of_a_shared_message_each_owner_sees_the_own_recipient_only(cast: Cast) -> None:
    """R-21: the other recipient appears nowhere on the page."""
    row = record(held(KEY), held("otto@other.example"))
    page = cast.client("owner").get(reverse("mail", args=[row.mail.mail_id])).content.decode()

    assert KEY in page
    assert "otto@other.example" not in page


@pytest.mark.parametrize(
    "lookalike", ["xolga@example.com", "olga@example.com.evil.example", "olga@xexample.com"]
)
def test_an_owner_does_not_see_mail_of_a_lookalike(cast: Cast, lookalike: str) -> None:
    """R-23: ownership is by exact canonical address."""
    row = record(held(lookalike))

    assert cast.client("owner").get(reverse("mail", args=[row.mail.mail_id])).status_code == 404
    assert row.mail.mail_id not in cast.client("owner").get(reverse("mails")).content.decode()


def test_an_owner_sees_mail_with_an_extension_and_in_any_case(cast: Cast) -> None:
    row = record(held("Olga+lists@EXAMPLE.com"))

    assert cast.client("owner").get(reverse("mail", args=[row.mail.mail_id])).status_code == 200
