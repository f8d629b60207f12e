"""Letting people in again who are locked out, forgot a password or lost a telephone.  One
transaction each; recorded.
"""

from datetime import timedelta

from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from appliance.accounts.models import User
from appliance.accounts.sessions import end_sessions
from appliance.accounts.users import find_user
from appliance.errors import Refused
from appliance.policies.revisions import record

LINK_LASTS = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)


@transaction.atomic
def make_link(*, email: str, actor: str) -> str:
    """Return a link by which the person chooses a new password: good once, for LINK_LASTS, and void
    after a login (W5).  A second factor is asked for all the same.  Raises Refused.
    """
    user = find_user(email)
    if not user.is_active:
        raise Refused(f"{user.email} is closed: open the account first")
    words = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    record(who=actor, verb="users link", key=user.email, before={}, after={})
    path = reverse("account_reset_password_from_key", kwargs=words)
    return f"{settings.WEB_PUBLIC_URL}{path}"


@transaction.atomic
def unlock(*, email: str, actor: str) -> User:
    """Forget the failed logins of the account, from all addresses.  Raises Refused."""
    user = find_user(email)
    forgotten, _ = AccessAttempt.objects.filter(username=user.email).delete()
    if forgotten:
        change = ({"failures from": forgotten}, {"failures from": 0})
        record(who=actor, verb="users unlock", key=user.email, before=change[0], after=change[1])
    return user


@transaction.atomic
def drop_factors(*, email: str, actor: str) -> User:
    """Forget the app, the passkeys and the recovery codes of the account, and end its sessions.
    Raises Refused.
    """
    user = find_user(email)
    mine = Authenticator.objects.filter(user=user)
    before = sorted(mine.values_list("type", flat=True))
    if before:
        mine.delete()
        record(
            who=actor,
            verb="users factors drop",
            key=user.email,
            before={"factors": before},
            after={"factors": []},
        )
        end_sessions(user=user, actor=actor)
    return user


def locked_addresses(user: User) -> list[str]:
    """Return the addresses from which this person may not log in for now."""
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    tried = AccessAttempt.objects.filter(
        username=user.email,
        attempt_time__gt=since,
        failures_since_start__gte=settings.AXES_FAILURE_LIMIT,
    )
    return sorted({str(attempt.ip_address) for attempt in tried})
