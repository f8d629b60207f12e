"""Who asks: the person of the token in `Authorization: Bearer TOKEN`, and nobody by a cookie.

Since no browser sends this header by itself, no other site's page can act for a person (CSRF).
"""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from appliance.accounts.factors import owes_factor
from appliance.accounts.models import User
from appliance.api.models import ApiToken
from appliance.api.tokens import find_token


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, ApiToken]:
        """Return the person and the token.  Raises AuthenticationFailed (401)."""
        word, _, secret = request.headers.get("Authorization", "").partition(" ")
        token = find_token(secret.strip()) if word.lower() == "bearer" else None
        if token is None:
            raise AuthenticationFailed("send a token that is good: Authorization: Bearer TOKEN")
        if token.user.must_change_password:
            raise PermissionDenied("log in and change your password first")
        if owes_factor(token.user):
            raise PermissionDenied("log in and set up a second factor first")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Postern"'


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes it."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
