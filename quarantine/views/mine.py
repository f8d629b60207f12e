"""The first page of a mailbox owner: what was stopped of the own mail."""

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from appliance.accounts.access import recipients_of, visible_mailboxes
from appliance.accounts.models import User
from quarantine.models import COPY_STATES
from quarantine.search import Filters, find_recipients

ROWS = 20


def mine(request: HttpRequest, person: User) -> HttpResponse:
    """Show the newest held copies of the person's mailboxes."""
    waiting = recipients_of(person) & Q(state__in=[str(state) for state in COPY_STATES])
    page = find_recipients(waiting, Filters(), limit=ROWS, held=True)
    shown = {"rows": page.rows, "mailboxes": visible_mailboxes(person)}
    return render(request, "mine.html", shown)
