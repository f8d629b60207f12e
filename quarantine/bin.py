"""Deleting held mail and bringing it back: 72 hours in the bin, then retention.py ends it."""

from datetime import UTC, datetime

from django.db import transaction

from appliance.accounts.access import Verb
from appliance.accounts.models import User
from quarantine.held import change, find
from quarantine.models import Deed, HeldState


def delete_held(*, recipient_id: int, actor: User) -> None:
    """Put the copy into the bin.  Raises ReleaseError."""
    with transaction.atomic():
        change(
            find(recipient_id=recipient_id, actor=actor, verb=Verb.DELETE),
            starts=(HeldState.HELD, HeldState.REQUESTED, HeldState.FAILED),
            state=HeldState.DELETED,
            deed=Deed.DELETE,
            actor=actor,
            deleted_at=datetime.now(UTC),
        )


def restore(*, recipient_id: int, actor: User) -> None:
    """Take the copy out of the bin.  Raises ReleaseError."""
    with transaction.atomic():
        change(
            find(recipient_id=recipient_id, actor=actor, verb=Verb.DELETE),
            starts=(HeldState.DELETED,),
            state=HeldState.HELD,
            deed=Deed.RESTORE,
            actor=actor,
            deleted_at=None,
        )
