"""What a person does with one held copy.  POST only; the verbs check the rights once more."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from appliance.accounts.access import Verb
from appliance.accounts.guard import allowed
from appliance.ui.asking import sentence, told
from quarantine.bin import delete_held, restore
from quarantine.errors import ReleaseError
from quarantine.models import HeldState, RecipientRecord
from quarantine.nexthop import notify_relay
from quarantine.release import decline, latest_reply, release_now
from quarantine.visible import find_recipient

WAIT_SECONDS = (
    8.0  # for the next hop's answer; after that the page says that the release is under way
)


@require_POST
def release_copy(request: HttpRequest, mail_id: str, pk: int) -> HttpResponse:
    """Release, or ask for it where somebody else must grant it; the next page has the next hop's
    answer.
    """
    person = allowed(request, Verb.RELEASE)
    row = find_recipient(person, mail_id, pk)
    try:
        after = release_now(
            recipient_id=row.pk, actor=person, relay=notify_relay(), seconds=WAIT_SECONDS
        )
    except ReleaseError as error:
        messages.error(request, sentence(error))
    else:
        _tell(request, after)
    return redirect("mail", mail_id)


@require_POST
def decline_release(request: HttpRequest, mail_id: str, pk: int) -> HttpResponse:
    person = allowed(request, Verb.RELEASE_DANGEROUS)
    row = find_recipient(person, mail_id, pk)
    told(request, "Declined: the copy stays held.", decline, recipient_id=row.pk, actor=person)
    return redirect("mail", mail_id)


@require_POST
def delete_copy(request: HttpRequest, mail_id: str, pk: int) -> HttpResponse:
    person = allowed(request, Verb.DELETE)
    row = find_recipient(person, mail_id, pk)
    done = "The copy is in the bin; it can be restored."
    told(request, done, delete_held, recipient_id=row.pk, actor=person)
    return redirect("mail", mail_id)


@require_POST
def restore_copy(request: HttpRequest, mail_id: str, pk: int) -> HttpResponse:
    person = allowed(request, Verb.DELETE)
    row = find_recipient(person, mail_id, pk)
    told(request, "The copy is held again.", restore, recipient_id=row.pk, actor=person)
    return redirect("mail", mail_id)


def _tell(request: HttpRequest, row: RecipientRecord) -> None:
    reply = latest_reply(row)
    if row.state == HeldState.RELEASED:
        messages.success(request, f"Released to {row.address}. The next hop answered: {reply}")
    elif row.state == HeldState.FAILED:
        messages.error(request, f"The next hop refused it: {reply}")
    elif row.state == HeldState.REQUESTED:
        messages.info(
            request, "Your wish is noted: a manager or an administrator must release this."
        )
    else:
        answer = f" The next hop answered so far: {reply}" if reply else ""
        messages.info(request, f"The release is under way and goes on by itself.{answer}")
