"""The first line of every resource: the token's scope, the person's role, and not too often.

Where the role's verbs hold is the query's matter, as on the screens: what lies outside the person's
scope is a 404.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.exceptions import MethodNotAllowed, NotFound, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from appliance.accounts.access import Verb, may
from appliance.accounts.models import User
from appliance.api.authentication import TokenAuthentication
from appliance.api.models import ApiToken
from appliance.api.parsing import BoundedJSON
from appliance.api.scopes import READ, WRITE, allows


class MayUse(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        """Raises MethodNotAllowed (405), PermissionDenied (403)."""
        method = "GET" if request.method == "HEAD" else str(request.method)
        if not isinstance(view, Resource) or method not in view.verbs:
            raise MethodNotAllowed(method)
        access = view.access(method)
        if not isinstance(request.auth, ApiToken) or not allows(
            request.auth.scopes, view.subject, access
        ):
            raise PermissionDenied(f"this token has no scope {view.subject}:{access}")
        if not any(may(request.user, verb) for verb in view.verbs[method]):
            raise PermissionDenied("your role does not allow this")
        return True


class TokenThrottle(SimpleRateThrottle):
    """So many requests for each token; the web side's processes count apart."""

    scope = "token"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        if not isinstance(request.auth, ApiToken):
            return None
        return self.cache_format % {"scope": self.scope, "ident": request.auth.pk}


class Resource(APIView):
    """`subject`: see scopes.py.  `verbs`: for each method the verbs of which the person's role must
    allow one; a method without is refused.  `asks`: POST only asks, and needs the scope to read.
    """

    authentication_classes = (TokenAuthentication,)
    permission_classes = (MayUse,)
    throttle_classes = (TokenThrottle,)
    parser_classes = (BoundedJSON,)

    subject: ClassVar[str]
    verbs: ClassVar[Mapping[str, tuple[Verb, ...]]]
    asks: ClassVar[bool] = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the question before its method runs.  Raises APIException."""
        super().initial(request, *args, **kwargs)
        if any("\x00" in str(value) for value in kwargs.values()):
            raise NotFound  # Postgres has no text with NUL

    @classmethod
    def access(cls, method: str) -> str:
        """Return which scope the method needs."""
        return READ if method == "GET" or cls.asks else WRITE


def person(request: Request) -> User:
    """Return who asks; a resource is reached by nobody else."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def actor(request: Request) -> str:
    """Return who made a change, for the record: the person, and by which token."""
    name = request.auth.name if isinstance(request.auth, ApiToken) else ""
    return f"{person(request).email} by token {name}"
