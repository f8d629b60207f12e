"""Screens: the accounts of the site, for administrators."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from appliance.accounts.access import Verb, visible_users
from appliance.accounts.forms import AccountForm, PasswordForm
from appliance.accounts.guard import allowed
from appliance.accounts.models import Role
from appliance.accounts.users import WORKS_FOR, create_user, remove_user, set_active, set_password
from appliance.ui.asking import UNPROCESSABLE, carried_out, posted, told


@require_http_methods(["GET", "HEAD", "POST"])
def accounts(request: HttpRequest) -> HttpResponse:
    """List the accounts; POST adds one."""
    person = allowed(request, Verb.MANAGE_USERS)
    form = AccountForm(posted(request))
    if form.is_valid() and carried_out(form, _create, form=form, actor=person.email):
        return redirect("accounts")
    found = visible_users(person).prefetch_related("domains", "mailboxes")
    shown = {"accounts": found, "form": form, "person": person}
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "accounts/list.html", shown, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one account; POST gives it a new password."""
    person = allowed(request, Verb.MANAGE_USERS)
    found = get_object_or_404(visible_users(person), pk=pk)
    form = PasswordForm(posted(request))
    password = form.cleaned_data["password"] if form.is_valid() else None
    if password and carried_out(
        form, set_password, email=found.email, password=password, actor=person.email
    ):
        return redirect("accounts")
    shown = {"account": found, "form": form, "oneself": found == person}
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "accounts/account.html", shown, status=status)


@require_POST
def switch_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Close the account, or open it again."""
    person = allowed(request, Verb.MANAGE_USERS)
    found = get_object_or_404(visible_users(person), pk=pk)
    active = request.POST.get("active") == "yes"
    done = (
        f"{found.email} may log in again." if active else f"{found.email} may not log in any more."
    )
    told(request, done, set_active, email=found.email, active=active, actor=person.email)
    return redirect("accounts")


@require_POST
def drop_account(request: HttpRequest, pk: int) -> HttpResponse:
    person = allowed(request, Verb.MANAGE_USERS)
    found = get_object_or_404(visible_users(person), pk=pk)
    told(request, f"{found.email} is gone.", remove_user, email=found.email, actor=person.email)
    return redirect("accounts")


def _create(form: AccountForm, actor: str) -> None:
    """Make the account; what it works for is read as its role needs it.  Raises Refused."""
    typed = form.cleaned_data
    owns = WORKS_FOR.get(Role(typed["role"])) == "mailbox"
    create_user(
        email=typed["email"],
        role=typed["role"],
        password=typed["password"],
        domains=[] if owns else form.names(),
        mailboxes=form.names() if owns else [],
        actor=actor,
    )
