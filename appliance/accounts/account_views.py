"""Screens: one account, and all that an administrator does with it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from appliance.accounts.access import Verb, visible_users
from appliance.accounts.factors import has_factor
from appliance.accounts.forms import PasswordForm, ScopeForm
from appliance.accounts.guard import allowed
from appliance.accounts.models import User
from appliance.accounts.recovery import (
    LINK_LASTS,
    drop_factors,
    locked_addresses,
    make_link,
    unlock,
)
from appliance.accounts.sessions import end_sessions, places
from appliance.accounts.users import change_user, find_user, remove_user, set_active, set_password
from appliance.errors import Refused
from appliance.ui.asking import UNPROCESSABLE, carried_out, posted, sentence, told


def _end_all(*, email: str, actor: str) -> None:
    end_sessions(user=find_user(email), actor=actor)


# What a button of the page does, and what is told afterwards.
DEEDS: dict[str, tuple[Callable[..., object], str]] = {
    "unlock": (unlock, "{} may try to log in again."),
    "factors": (drop_factors, "{} sets up a new second factor."),
    "sessions": (_end_all, "{} is signed out everywhere."),
}


@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one account; POST gives it a new password."""
    person, found = _asked(request, pk)
    form = PasswordForm(posted(request))
    password = form.cleaned_data["password"] if form.is_valid() else None
    if password and carried_out(
        form, set_password, email=found.email, password=password, actor=person.email
    ):
        return redirect("accounts")
    return _page(request, person, found, form=form)


@require_POST
def change_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the account another role or scope."""
    person, found = _asked(request, pk)
    form = ScopeForm(request.POST)
    if form.is_valid() and carried_out(form, _change, form=form, user=found, actor=person.email):
        messages.success(request, f"{found.email} is changed. It counts from now on.")
        return redirect("account", found.pk)
    return _page(request, person, found, scope=form)


@require_POST
def link_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a link by which the person chooses a password, and show it this once."""
    person, found = _asked(request, pk)
    try:
        link = make_link(email=found.email, actor=person.email)
    except Refused as error:
        messages.error(request, sentence(error))
        return redirect("account", found.pk)
    return _page(request, person, found, link=link, minutes=LINK_LASTS.seconds // 60)


@require_POST
def help_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what the button says: one of DEEDS."""
    person, found = _asked(request, pk)
    if request.POST.get("do") not in DEEDS:
        raise Http404
    verb, done = DEEDS[request.POST["do"]]
    told(request, done.format(found.email), verb, email=found.email, actor=person.email)
    return redirect("account", found.pk)


@require_POST
def switch_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Close the account, or open it again."""
    person, found = _asked(request, pk)
    active = request.POST.get("active") == "yes"
    done = (
        f"{found.email} may log in again." if active else f"{found.email} may not log in any more."
    )
    told(request, done, set_active, email=found.email, active=active, actor=person.email)
    return redirect("accounts")


@require_POST
def drop_account(request: HttpRequest, pk: int) -> HttpResponse:
    person, found = _asked(request, pk)
    told(request, f"{found.email} is gone.", remove_user, email=found.email, actor=person.email)
    return redirect("accounts")


def _asked(request: HttpRequest, pk: int) -> tuple[User, User]:
    """Return who asks, and the account that is asked for."""
    person = allowed(request, Verb.MANAGE_USERS)
    return person, get_object_or_404(visible_users(person), pk=pk)


def _page(request: HttpRequest, person: User, found: User, **forms: Any) -> HttpResponse:
    """Draw the page; a form that is not among `forms` shows what is stored."""
    stored = {
        "role": found.role,
        "domains": ", ".join(found.domains.values_list("name", flat=True)),
        "mailboxes": ", ".join(found.mailboxes.values_list("address", flat=True)),
    }
    shown = {"form": PasswordForm(), "scope": ScopeForm(initial=stored), **forms}
    facts = {
        "account": found,
        "oneself": found == person,
        "factor": has_factor(found),
        "locked": locked_addresses(found),
        "places": places(found),
    }
    wrong = any(shown[name].errors for name in ("form", "scope"))
    status = UNPROCESSABLE if wrong else 200
    return render(request, "accounts/account.html", shown | facts, status=status)


def _change(form: ScopeForm, user: User, actor: str) -> None:
    change_user(
        email=user.email,
        role=form.cleaned_data["role"],
        domains=form.names("domains"),
        mailboxes=form.names("mailboxes"),
        actor=actor,
    )
