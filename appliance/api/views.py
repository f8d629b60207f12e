"""Screens: what the API offers, and the person's own tokens."""

from datetime import UTC, datetime

from allauth.account.decorators import reauthentication_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.guard import oneself
from appliance.accounts.models import User
from appliance.api.forms import TokenForm
from appliance.api.offers import offered, operations
from appliance.api.scopes import SUBJECTS
from appliance.api.tokens import add_token, revoke_token
from appliance.errors import Refused
from appliance.ui.asking import UNPROCESSABLE, posted, sentence, told


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Tell what a program can do with a token of the person, subject by subject."""
    person = oneself(request)
    groups: dict[str, list[object]] = {}
    for operation in operations(person):
        groups.setdefault(SUBJECTS[operation.subject], []).append(operation)
    return render(request, "api/overview.html", {"groups": groups})


@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """List the person's tokens; POST makes one, and shows it this once.

    Who makes one shows first that it is still himself, since it outlives the session.
    """
    person = oneself(request)
    form = TokenForm(offered(person), posted(request))
    secret = _made(request, form, person) if form.is_valid() else ""
    shown = {
        "tokens": person.api_tokens.all(),
        "now": datetime.now(UTC),
        "secret": secret,
        "form": TokenForm(offered(person)) if secret else form,
    }
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "api/tokens.html", shown, status=status)


@require_POST
def drop_token(request: HttpRequest) -> HttpResponse:
    person = oneself(request)
    name = request.POST.get("name", "")
    told(
        request,
        f"The token {name} is good for nothing any more.",
        revoke_token,
        user=person,
        name=name,
        actor=person.email,
    )
    return redirect("tokens")


@reauthentication_required  # type: ignore[untyped-decorator]
def _made(request: HttpRequest, form: TokenForm, person: User) -> str:
    """Return the new token, "" where it is refused, which stands on the form then."""
    typed = form.cleaned_data
    try:
        _, secret = add_token(
            user=person,
            name=typed["name"],
            scopes=form.scopes(),
            days=typed["days"],
            actor=person.email,
        )
    except Refused as error:
        form.add_error(None, sentence(error))
        return ""
    return secret
