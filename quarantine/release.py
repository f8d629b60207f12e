"""Releasing held mail: the wish is a row, the sending a second step that any process may take up.

    held, requested, failed --request_release--> releasing --perform_release--> released | failed

The release row goes waiting -> sending -> accepted | failed, and back to waiting after a 4xx.
Whoever claims it holds it until `lease_until`; the claim is one UPDATE, so one copy is sent
whatever happens at the same time.  Celery wakes a worker up; without it the sweeper of tasks.py
finds the row.
"""

import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db import (
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    transaction,
)
from django.db.models import F, Q, QuerySet

from appliance.accounts.access import Verb, may_release
from appliance.accounts.models import User
from quarantine.held import change, find
from quarantine.models import Deed, HeldState, RecipientRecord, Release, ReleaseState
from quarantine.octets import BodyDamaged, stored_octets
from quarantine.wake import wake_sender
from smtpfilter.mail.address import parse_address
from smtpfilter.mail.envelope import MailId, Recipient
from smtpfilter.mail.findings import visible
from smtpfilter.mail.octets import Content
from smtpfilter.mail.reply import Reply
from smtpfilter.ports.delivery import Relay, Submission
from smtpfilter.verdict.outcome import Outcome

LEASE = timedelta(minutes=15)  # longer than the next hop may take with all its timeouts
LONGEST_PAUSE = timedelta(hours=1)
SENDERS_TRY = timedelta(days=5)  # how long a sender's queue keeps what it could not deliver
TRIED = timedelta(days=3)  # after that a next hop that always defers has refused

SETTLING_SECONDS = 60.0  # Postgres may be away for so long after the next hop's answer

DAMAGED = Reply(554, "5.3.0", "The stored copy is damaged")

_RELEASABLE = (HeldState.HELD, HeldState.REQUESTED, HeldState.FAILED)
_UNDER_WAY = (str(ReleaseState.WAITING), str(ReleaseState.SENDING))


def request_release(*, recipient_id: int, actor: User) -> Release | None:
    """Have the copy delivered, or, where someone else must grant it, ask for that and return None.

    Raises ReleaseError: AlreadyReleased, Expired, NotAllowed.
    """
    with transaction.atomic():
        row = find(recipient_id=recipient_id, actor=actor, verb=Verb.RELEASE)
        if not may_release(actor, row.category):
            _ask(row, actor)
            return None
        change(
            row,
            starts=_RELEASABLE,
            state=HeldState.RELEASING,
            deed=Deed.RELEASE,
            actor=actor,
            unless=_still_tried(now := datetime.now(UTC)),
        )
        release = Release.objects.create(
            recipient=row, requested_by=actor.email, requested_at=now, not_before=now
        )
        transaction.on_commit(partial(wake_sender, release.pk))
    return release


def _still_tried(now: datetime) -> Q:
    """Describe copies of mail whose delivery is open: the sender's retry would be a second one.

    Ids are made of times: no join, whose locks would meet those of others.
    """
    open_outcomes = [str(Outcome.PENDING), str(Outcome.DEFERRED)]
    return Q(outcome__in=open_outcomes, mail_id__gt=MailId.make(now - SENDERS_TRY, 0).number)


def decline(*, recipient_id: int, actor: User) -> None:
    """Say no to a release that somebody asked for: the copy stays held.  Raises ReleaseError."""
    with transaction.atomic():
        row = find(recipient_id=recipient_id, actor=actor, verb=Verb.RELEASE_DANGEROUS)
        starts = (HeldState.REQUESTED,)
        change(row, starts=starts, state=HeldState.HELD, deed=Deed.DECLINE, actor=actor)


def release_now(
    *, recipient_id: int, actor: User, relay: Relay, seconds: float = 60.0
) -> RecipientRecord:
    """Release, wait for the next hop's answer, return the row as it is then.

    A release that is not answered in time goes on without us.  Raises ReleaseError.
    """
    release = request_release(recipient_id=recipient_id, actor=actor)
    if release is not None:
        _send_in_thread(release.pk, relay)
        ends = time.monotonic() + seconds
        while not _answered(release) and time.monotonic() < ends:
            time.sleep(0.05)
            release.refresh_from_db()
    return RecipientRecord.objects.select_related("mail").get(pk=recipient_id)


def due_releases(now: datetime) -> QuerySet[Release]:
    """Return the releases that somebody should send: it is time, and nobody is at it or he died."""
    waiting = Q(state=str(ReleaseState.WAITING), not_before__lte=now)
    left_behind = Q(state=str(ReleaseState.SENDING), lease_until__lte=now)
    return Release.objects.filter(waiting | left_behind)


def perform_release(*, release_id: int, relay: Relay) -> None:
    """Send the stored octets with the original envelope, unless someone else is at it."""
    now = datetime.now(UTC)
    claimed = (
        due_releases(now)
        .filter(pk=release_id)
        .update(state=str(ReleaseState.SENDING), lease_until=now + LEASE, tries=F("tries") + 1)
    )
    if claimed:
        release = Release.objects.select_related("recipient__mail").get(pk=release_id)
        _settle_surely(release, _send(release.recipient, relay))


def latest_reply(row: RecipientRecord) -> str:
    """Return the latest answer to a release under way, else the line that settled it."""
    if row.state == HeldState.RELEASING:
        release = row.releases.first()
        return release.reply if release else ""
    return row.reply


def _ask(row: RecipientRecord, actor: User) -> None:
    if row.state == HeldState.REQUESTED:
        return
    starts = (HeldState.HELD, HeldState.FAILED)
    change(row, starts=starts, state=HeldState.REQUESTED, deed=Deed.ASK, actor=actor)


def _send(row: RecipientRecord, relay: Relay) -> Reply:
    """Return what the next hop says to the copy as it was received."""
    mail = row.mail
    recipient = Recipient(
        address=parse_address(bytes(row.path)),
        orcpt=None if row.orcpt is None else bytes(row.orcpt),
        notify=tuple(row.notify.split(",")) if row.notify else (),
    )
    try:
        with stored_octets(mail) as octets:
            handover = relay.send(
                Submission(
                    mail_from=parse_address(bytes(mail.mail_from_path)),
                    recipients=(recipient,),
                    content=Content(b"", octets, 0),
                    eight_bit=mail.body_type == "8BITMIME",
                    smtputf8=mail.smtputf8,
                    ret=None if mail.ret is None else bytes(mail.ret),
                    envid=None if mail.envid is None else bytes(mail.envid),
                )
            )
    except BodyDamaged:
        return DAMAGED
    return handover.replies[0]


def _settle_surely(release: Release, reply: Reply) -> None:
    """Write the answer, though Postgres went away meanwhile: unwritten, it would be sent again."""
    now, ends = datetime.now(UTC), time.monotonic() + SETTLING_SECONDS
    while True:
        try:
            close_old_connections()
            return _settle(release, reply, now)
        except (InterfaceError, OperationalError):
            if time.monotonic() > ends:
                raise
            time.sleep(0.5)


def _settle(release: Release, reply: Reply, now: datetime) -> None:
    """Write the answer; of a sender that lost its lease only a success, for it is delivered."""
    line = visible(str(reply))
    if reply.temporary and now - release.requested_at < TRIED:
        _own(release).update(
            state=str(ReleaseState.WAITING), reply=line, not_before=now + _pause(release.tries)
        )
        return
    rows = Release.objects.filter(pk=release.pk) if reply.accepted else _own(release)
    ended = ReleaseState.ACCEPTED if reply.accepted else ReleaseState.FAILED
    state = HeldState.RELEASED if reply.accepted else HeldState.FAILED
    with transaction.atomic():
        if rows.update(state=str(ended), reply=line, settled_at=now):
            RecipientRecord.objects.filter(pk=release.recipient_id).update(
                state=str(state), reply=line
            )


def _own(release: Release) -> QuerySet[Release]:
    return Release.objects.filter(
        pk=release.pk, state=str(ReleaseState.SENDING), tries=release.tries
    )


def _pause(tries: int) -> timedelta:
    return min(timedelta(minutes=2 ** min(tries - 1, 10)), LONGEST_PAUSE)


def _answered(release: Release) -> bool:
    return release.state not in _UNDER_WAY or (
        release.state == ReleaseState.WAITING and release.tries > 0
    )


def _send_in_thread(release_id: int, relay: Relay) -> None:
    """Send beside the caller, who waits for so long and no longer."""

    def send() -> None:
        try:
            perform_release(release_id=release_id, relay=relay)
        finally:
            connection.close()

    threading.Thread(target=send, name="release", daemon=True).start()
