"""The first line of every view: who asks, and may this role do it at all."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from appliance.accounts.access import Verb, may, scope_of
from appliance.accounts.models import User


def allowed(request: HttpRequest, *verbs: Verb) -> User:
    """Return the person who asks.  Raises PermissionDenied (403) where the role allows none of
    `verbs`.

    Where it holds is the query's matter: what lies outside the person's scope is a 404.
    """
    person = request.user
    if not isinstance(person, User) or not any(may(person, verb) for verb in verbs):
        raise PermissionDenied
    return person


def oneself(request: HttpRequest) -> User:
    """Return the person who asks, for what concerns nobody else.  Raises PermissionDenied."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def within(person: User, key: str) -> str:
    """Return the lookup key `key` if it speaks only for recipients in the person's scope.  Raises
    Http404.
    """
    if not scope_of(person).covers_key(key):
        raise Http404
    return key
