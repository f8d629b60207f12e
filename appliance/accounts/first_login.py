"""Sends people whose password somebody else chose to the page that changes it, and nowhere else."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import resolve, reverse

CHANGE = "account_change_password"
ALLOWED = {CHANGE, "account_logout"}


class FirstLoginMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        """Redirect to the change of password; htmx is told to load the whole page."""
        user = request.user
        if not user.is_authenticated or not user.must_change_password:
            return None
        if (
            request.path.startswith(settings.STATIC_URL)
            or resolve(request.path).url_name in ALLOWED
        ):
            return None
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": reverse(CHANGE)})
        return HttpResponseRedirect(reverse(CHANGE))
