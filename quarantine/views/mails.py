"""One message on the screen: what was decided for each recipient and why, and what is inside."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliance.accounts.access import DANGEROUS, Scope, Verb, may, may_release, scope_of
from appliance.accounts.guard import allowed
from appliance.accounts.models import User
from quarantine.held import record
from quarantine.models import Deed, HeldState, MailEvent, RecipientRecord
from quarantine.models.body import PIECE_BYTES
from quarantine.octets import read_pieces
from quarantine.preview import READ_BYTES, Preview, preview
from quarantine.release import latest_reply
from quarantine.reports import shown_reports
from quarantine.views.why import Decided, decided_with
from quarantine.visible import VisibleMail, find_mail

TABS = {
    "why": "Why",
    "text": "Text",
    "headers": "Headers",
    "rules": "Rules",
    "parts": "Parts",
    "history": "History",
}
_TEXTS = ("text", "headers")
_OPEN = (HeldState.HELD, HeldState.REQUESTED, HeldState.FAILED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One recipient's row with what the person may do with it now."""

    row: RecipientRecord
    reply: str
    may_release: bool
    may_ask: bool
    may_decline: bool
    may_delete: bool
    may_restore: bool
    dangerous: bool
    decided: list[Decided]


@require_safe
def mail(request: HttpRequest, mail_id: str) -> HttpResponse:
    """Show the message from one side (`?view=`); looking at its text is on record."""
    person = allowed(request, Verb.LIST_MAIL)
    found = find_mail(person, mail_id)
    view = request.GET.get("view", "why")
    view = view if view in TABS else "why"
    decides = scope_of(person) if view == "why" else None
    entries = [_entry(person, row, decides) for row in found.recipients]
    findings = found.mail.read_findings()
    shown: dict[str, Any] = {
        "mail": found.mail,
        "entries": entries,
        "under_way": any(entry.row.state == HeldState.RELEASING for entry in entries),
        "findings": findings,
        "reports": shown_reports(found.recipients, findings),
        "may_read": may(person, Verb.READ_MAIL) and found.has_copy,
        "sees_policy": may(person, Verb.SEE_POLICY),
        "tabs": TABS,
        "view": view,
        "view_template": f"mails/{view}.html",
    }
    if view in _TEXTS:
        shown |= _text(person, found, request.method == "GET")
    if view == "history":
        shown["events"] = _events(found)
    if request.headers.get("HX-Target") == "recipients":
        return render(request, "mails/recipients.html", shown)
    return render(request, "mails/mail.html", shown)


def _entry(person: User, row: RecipientRecord, scope: Scope | None) -> Entry:
    """Return the row's entry; with `scope` the settings that it was decided with."""
    open_copy = row.state in _OPEN
    wished = row.state == HeldState.REQUESTED
    grants = may_release(person, row.category)
    return Entry(
        row=row,
        reply=latest_reply(row),
        may_release=open_copy and grants,
        may_ask=open_copy and not wished and not grants and may(person, Verb.RELEASE),
        may_decline=wished and may(person, Verb.RELEASE_DANGEROUS),
        may_delete=open_copy and may(person, Verb.DELETE),
        may_restore=row.state == HeldState.DELETED and may(person, Verb.DELETE),
        dangerous=row.category in DANGEROUS,
        decided=list(decided_with(row, scope)) if scope else [],
    )


def _text(person: User, found: VisibleMail, seen: bool) -> dict[str, Any]:
    """Return the preview, or the sentence that says why there is none."""
    if not may(person, Verb.READ_MAIL):
        return {"no_preview": "Your role does not include reading mail."}
    if not found.has_copy:
        return {"no_preview": "No copy of this message is kept: only what was found is on record."}
    if seen:
        record(found.recipients[0], deed=Deed.READ, actor=person.email)
    return {"preview": _preview(found.mail.pk)}


def _preview(mail_number: int) -> Preview:
    pieces = islice(read_pieces(mail_number), READ_BYTES // PIECE_BYTES + 1)
    return preview(b"".join(pieces))


def _events(found: VisibleMail) -> list[MailEvent]:
    """Return what was done with the message for the recipients that the person sees."""
    mine = [row.address for row in found.recipients]
    return list(MailEvent.objects.filter(mail_id=found.mail.pk, recipient__in=mine)[:200])
