"""Sends people to what they owe before anything else, and nowhere else until it is done: a password
of their own in place of one that somebody else chose, and a second factor where the site asks for
it.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import resolve, reverse

from appliance.accounts.factors import owes_factor
from appliance.accounts.models import User

CHANGE = "account_change_password"
FACTORS = "mfa_index"
ALWAYS = {CHANGE, "account_logout", "theme"}
FOR_FACTORS = {
    FACTORS, "mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate",
    "mfa_reauthenticate", "mfa_reauthenticate_webauthn",
}  # fmt: skip


class FirstLoginMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        """Redirect to what is owed; htmx is told to load the whole page."""
        if not isinstance(request.user, User) or request.path.startswith(settings.STATIC_URL):
            return None
        page = _owed(request.user, resolve(request.path).url_name)
        if page is None:
            return None
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": reverse(page)})
        return HttpResponseRedirect(reverse(page))


def _owed(user: User, asked: str | None) -> str | None:
    """Return the name of the page that has to come before `asked`, or None."""
    if asked in ALWAYS:
        return None
    if user.must_change_password:
        return CHANGE
    return FACTORS if asked not in FOR_FACTORS and owes_factor(user) else None
