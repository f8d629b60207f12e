"""Light or dark: what the browser prefers, or what a person chose, remembered in a cookie."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

COOKIE = "theme"
CHOICES = {"auto": "As the system", "light": "Light", "dark": "Dark"}
YEAR_SECONDS = 365 * 86400


def chosen(request: HttpRequest) -> str:
    """Return the theme that the visitor chose, "auto" without a choice."""
    choice = request.COOKIES.get(COOKIE, "")
    return choice if choice in CHOICES else "auto"


@login_not_required
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember the choice and go back to the page it was made on."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = "/"
    response = HttpResponseRedirect(target)
    choice = request.POST.get("theme", "")
    if choice in CHOICES:
        response.set_cookie(
            COOKIE,
            choice,
            YEAR_SECONDS,
            samesite="Lax",
            httponly=True,
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response
