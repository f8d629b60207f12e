"""Screens: the local domains, and one domain with its mailboxes."""

from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from appliance.accounts.access import (
    Verb,
    managed_mailboxes,
    may,
    scope_of,
    visible_domains,
    visible_mailboxes,
)
from appliance.accounts.guard import allowed
from appliance.accounts.models import User
from appliance.domains.edit import add_domain, add_mailbox, remove_domain, remove_mailbox
from appliance.domains.forms import DomainForm, MailboxForm
from appliance.domains.models import Domain, Mailbox
from appliance.domains.names import mailbox_address
from appliance.errors import Refused
from appliance.ui.asking import UNPROCESSABLE, carried_out, posted, told

MAILBOXES_PER_PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
def domains(request: HttpRequest) -> HttpResponse:
    """List the person's local domains; POST adds one."""
    person = allowed(request, Verb.EDIT_DOMAINS if request.method == "POST" else Verb.SEE_DOMAINS)
    form = DomainForm(posted(request))
    name = form.cleaned_data["name"] if form.is_valid() else ""
    if name and carried_out(form, add_domain, name=name, actor=person.email):
        return redirect("domains")
    shown = {
        "domains": visible_domains(person),
        "form": form,
        "may_edit": may(person, Verb.EDIT_DOMAINS),
    }
    return render(request, "domains/list.html", shown, status=UNPROCESSABLE if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def domain(request: HttpRequest, name: str) -> HttpResponse:
    """Show one domain with its mailboxes; POST adds a mailbox in it."""
    person = allowed(request, Verb.EDIT_MAILBOXES if request.method == "POST" else Verb.SEE_DOMAINS)
    found = get_object_or_404(visible_domains(person), name=name)
    form = MailboxForm(posted(request))
    if form.is_valid() and carried_out(form, _add_mailbox, person=person, form=form):
        return redirect("domain", name)
    mailboxes = Paginator(_mailboxes_of(person, found), MAILBOXES_PER_PAGE)
    shown = {
        "domain": found,
        "page": mailboxes.get_page(request.GET.get("page")),
        "form": form,
        "may_edit": may(person, Verb.EDIT_DOMAINS),
        "may_edit_mailboxes": may(person, Verb.EDIT_MAILBOXES),
    }
    return render(
        request, "domains/domain.html", shown, status=UNPROCESSABLE if form.errors else 200
    )


@require_POST
def drop_domain(request: HttpRequest, name: str) -> HttpResponse:
    person = allowed(request, Verb.EDIT_DOMAINS)
    found = get_object_or_404(visible_domains(person), name=name)
    told(
        request,
        f"{found.name} is no local domain any more.",
        remove_domain,
        name=found.name,
        actor=person.email,
    )
    return redirect("domains")


@require_POST
def drop_mailbox(request: HttpRequest, address: str) -> HttpResponse:
    person = allowed(request, Verb.EDIT_MAILBOXES)
    found = get_object_or_404(managed_mailboxes(person), address=address)
    told(
        request,
        f"{found.address} is forgotten.",
        remove_mailbox,
        address=found.address,
        actor=person.email,
    )
    home = visible_domains(person).filter(name=found.domain).first()
    return redirect("domain", home.name) if home else redirect("domains")


def _add_mailbox(person: User, form: MailboxForm) -> None:
    """Add the mailbox that was typed, within the person's scope.  Raises Refused."""
    address = mailbox_address(form.cleaned_data["address"])
    if not scope_of(person).covers_domain(address.rpartition("@")[2]):
        raise Refused(f"{address} lies in none of your domains")
    add_mailbox(address=address, actor=person.email)


def _mailboxes_of(person: User, found: Domain) -> QuerySet[Mailbox]:
    mine = visible_mailboxes(person).annotate(owners=Count("users")).order_by("address")
    if found.name.startswith("."):
        return mine.filter(domain__endswith=found.name) | mine.filter(domain=found.name[1:])
    return mine.filter(domain=found.name)
