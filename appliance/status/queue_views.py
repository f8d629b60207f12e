"""Screen: Postfix's queue, and what may be done with a message in it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from appliance.accounts.access import Verb, may
from appliance.accounts.guard import allowed
from appliance.errors import Refused
from appliance.status import queue
from appliance.ui.asking import sentence, told


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Show what waits, or say why that is not known."""
    person = allowed(request, Verb.SEE_SYSTEM)
    shown: dict[str, object] = {"may_edit": may(person, Verb.EDIT_SITE)}
    try:
        shown["queue"] = queue.look()
    except Refused as error:
        shown["complaint"] = sentence(error)
    return render(request, "status/queue.html", shown)


@require_POST
def deed(request: HttpRequest) -> HttpResponse:
    """Try again, hold, let go or delete one message."""
    person = allowed(request, Verb.EDIT_SITE)
    wanted, queue_id = request.POST.get("deed", ""), request.POST.get("id", "")
    done = f"Message {queue_id} is {queue.DEEDS[wanted][2]}." if wanted in queue.DEEDS else ""
    told(request, done, queue.act, deed=wanted, queue_id=queue_id, actor=person.email)
    return redirect("queue")
