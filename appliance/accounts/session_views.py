"""Screens: where one is logged in.  Everybody ends only own sessions."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from appliance.accounts.guard import oneself
from appliance.accounts.sessions import end_session, end_sessions, places


@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """List the own sessions."""
    found = places(oneself(request), request.session.session_key)
    return render(request, "accounts/sessions.html", {"places": found})


@require_POST
def end_one(request: HttpRequest, pk: int) -> HttpResponse:
    """End one own session; a foreign one is none."""
    person = oneself(request)
    if end_session(user=person, pk=pk, actor=person.email):
        messages.success(request, "This session is over.")
    else:
        messages.error(request, "There is no such session any more.")
    return redirect("sessions")


@require_POST
def end_all_others(request: HttpRequest) -> HttpResponse:
    """End all own sessions but the one that asks."""
    person = oneself(request)
    ended = end_sessions(user=person, actor=person.email, but=request.session.session_key)
    messages.success(request, f"{ended} other sessions are over." if ended else "There was none.")
    return redirect("sessions")
