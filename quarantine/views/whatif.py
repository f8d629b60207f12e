"""What would change?  The fragment beside the policy form, for what stands in it unsaved."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from appliance.accounts.access import Verb, may, recipients_of
from appliance.accounts.guard import allowed, within
from appliance.accounts.models import User
from appliance.errors import Refused
from appliance.policies.draft import drafted
from appliance.policies.edit import change_fields, find_layer
from appliance.policies.inherit import chain_of
from appliance.policies.policy_form import LayerForm
from appliance.policies.source import DatabasePolicySource
from appliance.policies.views.keys import key_in_address
from appliance.ui.asking import UNPROCESSABLE, sentence
from appliance.ui.words import Word
from quarantine.replay import Fate, Missing, Outcome
from quarantine.whatif import DAYS, Progress, begun, go_on, unsealed
from smtpfilter.mail.envelope import MailId

FATES = {
    Fate.DELIVERED: Word("Delivered", "good"),
    Fate.MARKED: Word("Delivered, marked", "warn"),
    Fate.HELD: Word("Held", "accent"),
    Fate.DISCARDED: Word("Discarded", "bad"),
    Fate.RETURNED: Word("Returned to the sender", "warn"),
    Fate.REFUSED: Word("Refused", "warn"),
    Fate.DEFERRED: Word("Deferred", "warn"),
}
MISSING = {
    Missing.VIRUS: "nobody searched for viruses then",
    Missing.BANNED: "nobody looked for banned files then",
    Missing.SPAM: "there was no score then",
    Missing.HEADER: "nobody checked the header section then",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of change, or of not knowing, with ids of messages to open."""

    number: int
    before: Word | None
    after: Word | None
    unknown: str
    examples: list[str]


@require_POST
def whatif(request: HttpRequest, key: str) -> HttpResponse:
    """Show what the form would change for mail of the last days in the person's scope."""
    person = allowed(request, Verb.EDIT_POLICY)
    key = within(person, key_in_address(key))
    layer, above = find_layer(key), chain_of(key).inherited
    form = LayerForm(layer, above, may(person, Verb.EDIT_SITE), request.POST)
    shown: dict[str, Any] = {"key": key, "days": DAYS}
    if form.is_valid():
        try:
            shown |= _replayed(person, key, form, request.POST.get("state", ""))
        except Refused as error:
            form.add_error(None, sentence(error))
    whole = "HX-Request" not in request.headers
    shown |= {"form": form, "may_edit": not whole}
    if whole:
        status = UNPROCESSABLE if form.errors else 200
        return render(request, "policies/whatif_page.html", shown, status=status)
    return render(request, "policies/whatif.html", shown)


def _replayed(person: User, key: str, form: LayerForm, state: str) -> dict[str, Any]:
    """Go on from `state`, or begin, and return what the page shows.  Raises Refused."""
    wanted: dict[str, Any] = {
        "key": key,
        "values": form.changes(),
        "locked": form.locked(),
        "policy": form.cleaned_data["policy"],
    }
    who, now = recipients_of(person), datetime.now(UTC)
    stored = DatabasePolicySource().load_all()
    draft = drafted(change_fields, **wanted, actor=person.email)
    mark = repr((person.pk, stored.revision, sorted(wanted.items())))
    of = hashlib.sha256(mark.encode()).hexdigest()
    progress = unsealed(state, of) or begun(who, key, now, of)
    go_on(progress, who, key, stored, draft, now)
    return {
        "progress": progress,
        "tally": progress.tally,
        "lines": list(_lines(progress)),
        "state": "" if progress.done else progress.sealed(),
    }


def _lines(progress: Progress) -> Iterator[Line]:
    tally = progress.tally
    for change, number in tally.changes.most_common():
        before, after = (FATES[fate] for fate in change)
        yield Line(number, before, after, "", _examples(progress, change))
    for missing, number in tally.unknown.most_common():
        yield Line(number, None, None, MISSING[missing], _examples(progress, missing))


def _examples(progress: Progress, outcome: Outcome) -> list[str]:
    return [str(MailId(number)) for number in progress.tally.examples.get(outcome, ())]
