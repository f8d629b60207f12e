"""Screen: the accounts of the site, for administrators."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from appliance.accounts.access import Verb, visible_users
from appliance.accounts.forms import AccountForm
from appliance.accounts.guard import allowed
from appliance.accounts.models import Role
from appliance.accounts.users import WORKS_FOR, create_user
from appliance.ui.asking import UNPROCESSABLE, carried_out, posted


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
