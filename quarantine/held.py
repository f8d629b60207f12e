"""Changes of state of one held copy: who may ask, one UPDATE, and the event that tells of it.

The UPDATE names the states that it starts from, so of two people at once one wins and the other is
told (design 4.10).  release.py and bin.py are the verbs.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q

from appliance.accounts.access import Verb, may, recipients_of
from appliance.accounts.models import User
from quarantine.errors import AlreadyReleased, Expired, NotAllowed, ReleaseError
from quarantine.models import Deed, HeldState, MailEvent, RecipientRecord, Release
from smtpfilter.verdict.outcome import Outcome


def find(*, recipient_id: int, actor: User, verb: Verb) -> RecipientRecord:
    """Return the row if scope and role of the actor allow the verb.  Raises NotAllowed."""
    row = RecipientRecord.objects.filter(recipients_of(actor), pk=recipient_id).first()
    if row is None:
        raise NotAllowed("There is no such mail.")
    if not may(actor, verb):
        raise NotAllowed("Your role does not allow this.")
    return row


def change(
    row: RecipientRecord,
    *,
    starts: Collection[HeldState],
    state: HeldState,
    deed: Deed,
    actor: User,
    unless: Q | None = None,
    **columns: Any,
) -> None:
    """Bring the copy into `state` and record who did it.  Raises ReleaseError.

    Nothing happens to rows that `unless` describes.  The caller has opened the transaction.
    """
    rows = RecipientRecord.objects.filter(pk=row.pk, state__in=[str(s) for s in starts])
    changed = (rows.exclude(unless) if unless else rows).update(state=str(state), **columns)
    if not changed:
        raise refusal(row)
    record(row, deed=deed, actor=actor.email)


def record(row: RecipientRecord, *, deed: Deed, actor: str, detail: str = "") -> None:
    """Write one line of the record that nobody can change."""
    MailEvent.objects.create(
        mail_id=row.mail_id,
        recipient=row.address,
        deed=str(deed),
        actor=actor,
        at=datetime.now(UTC),
        detail=detail,
    )


def refusal(row: RecipientRecord) -> ReleaseError:
    """Return why nothing can be done with the copy as it is now."""
    row.refresh_from_db(fields=["state", "outcome"])
    if row.state in (HeldState.RELEASING, HeldState.RELEASED):
        word = "has been" if row.state == HeldState.RELEASED else "is already being"
        return AlreadyReleased(f"This mail {word} released{_by_whom(row.releases.first())}.")
    if row.state == HeldState.DELETED:
        return NotAllowed("This mail is in the bin: restore it first.")
    if row.state in (HeldState.EXPIRED, None):
        return Expired("No copy of this mail is kept any more.")
    if row.outcome in (Outcome.PENDING, Outcome.DEFERRED):
        return NotAllowed("Its sender still tries to deliver this mail: a release would double it.")
    return NotAllowed(f"This mail is {row.state}.")


def _by_whom(release: Release | None) -> str:
    if release is None:
        return ""
    return f" by {release.requested_by}, {release.requested_at:%Y-%m-%d %H:%M} UTC"
