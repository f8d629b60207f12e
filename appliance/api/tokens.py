"""Make, find and revoke the tokens of a person.  One transaction each; recorded.

A token has 256 random bits, so that a plain hash is enough to store it by.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from appliance.accounts.models import User
from appliance.api.models import NAME_LIMIT, ApiToken
from appliance.api.scopes import parse_scopes
from appliance.errors import Refused
from appliance.policies.revisions import record

PREFIX = "postern_"  # by which a token that leaked into a file is found
USUAL_DAYS, MOST_DAYS = 90, 366
MOST_TOKENS = 50  # of one person

_SEEN_AGAIN = timedelta(minutes=1)  # how often the last use is written down


@transaction.atomic
def add_token(
    *, user: User, name: str, scopes: Iterable[str], actor: str, days: int = USUAL_DAYS
) -> tuple[ApiToken, str]:
    """Return a new token of `user`, and its secret, which is shown once.  Raises Refused."""
    name = name.strip()
    if not name.isprintable() or not 0 < len(name) <= NAME_LIMIT:
        raise Refused(f"a token has a name of 1 to {NAME_LIMIT} characters")
    if not 1 <= days <= MOST_DAYS:
        raise Refused(f"a token is good for 1 to {MOST_DAYS} days")
    User.objects.select_for_update().get(pk=user.pk)
    if user.api_tokens.filter(name=name).exists():
        raise Refused(f"there is a token {name!r} of {user.email} already")
    if user.api_tokens.count() >= MOST_TOKENS:
        raise Refused(f"{user.email} has {MOST_TOKENS} tokens: revoke one first")
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        digest=_digest(secret),
        scopes=parse_scopes(scopes),
        expires_at=datetime.now(UTC) + timedelta(days=days),
    )
    record(who=actor, verb="tokens add", key=str(token), before=None, after=_recorded(token))
    return token, secret


@transaction.atomic
def revoke_token(*, user: User, name: str, actor: str) -> None:
    """Make the token good for nothing, from the next request on.  Raises Refused."""
    token = user.api_tokens.select_for_update().filter(name=name).first()
    if token is None:
        raise Refused(f"{user.email} has no token {name!r}")
    record(who=actor, verb="tokens revoke", key=str(token), before=_recorded(token), after=None)
    token.delete()


def find_token(secret: str) -> ApiToken | None:
    """Return the token that is good now, None for one that is unknown, over, or of a closed
    account; and note that it was used.
    """
    now = datetime.now(UTC)
    tokens = ApiToken.objects.select_related("user")
    token = tokens.filter(digest=_digest(secret), expires_at__gt=now, user__is_active=True).first()
    if token is not None:
        long_ago = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - _SEEN_AGAIN)
        ApiToken.objects.filter(long_ago, pk=token.pk).update(last_used_at=now)
    return token


def as_json(token: ApiToken) -> dict[str, Any]:
    """Return the token as `tokens list` prints it."""
    return {
        "user": token.user.email,
        "name": token.name,
        "scopes": token.scopes,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


def _recorded(token: ApiToken) -> dict[str, Any]:
    return {"scopes": token.scopes, "expires_at": token.expires_at.isoformat()}


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
