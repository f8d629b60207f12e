"""Sending the notices of the outbox: to administrators (N-5) and to recipients (N-6).

    waiting --send_notices--> sending -> sent | failed, or waiting again after a 4xx

Of one kind to one address at most `notices_per_hour` go out singly in any hour.  What is more is
collected, and an hour after the first of it one summary lists it: a flood of a thousand infected
mails makes a few notices and one summary (BB-65; amavisd sends a thousand).

Which row is taken is decided by one process at a time, for a moment; sending is not.
"""

import logging
import time
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Min, Q, QuerySet

from appliance.status.models import SiteSettings
from quarantine.letters import Letters, summary_facts
from quarantine.models import Notice, NoticeState
from smtpfilter.mail.address import NULL_SENDER, BadPath, parse_address
from smtpfilter.mail.envelope import Recipient
from smtpfilter.mail.findings import visible
from smtpfilter.mail.octets import Content
from smtpfilter.mail.reply import Reply
from smtpfilter.ports.delivery import Relay, Submission

HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=15)  # longer than the next hop may take with all its timeouts
TRIED = timedelta(days=3)  # after that a next hop that always defers has refused
LONGEST_PAUSE = timedelta(hours=1)
MOST_AT_ONCE = 4  # notices under way: a next hop that hangs must not take every worker
ROUND_SECONDS = 60.0

_LOCK = 0x6E6F74696365  # "notice": a number of ours for Postgres's advisory lock
_BAD_ADDRESS = Reply(553, "5.1.3", "No address to send a notice to")
_LATER = Reply(451, "4.3.0", "The notice could not be written")
_AT_WORK = (str(NoticeState.SENDING), str(NoticeState.SENT))

_log = logging.getLogger("postern")


def send_notices(*, relay: Relay, letters: Letters, now: datetime, most: int = 1000) -> int:
    """Send what is due, at most `most` notices; return how many the next hop took.

    After a 4xx the rest waits for the next call, since the next hop may be down, and so it does
    after ROUND_SECONDS.
    """
    ends = time.monotonic() + ROUND_SECONDS
    collected_before = now - HOUR
    for kind, address in _groups_to_sum_up(collected_before):
        sum_up(kind=kind, address=address, now=now)
    sent = 0
    for _ in range(most):
        notice = claim(now=now)
        if notice is None:
            break
        reply = _send(notice, relay, letters, now)
        _settle(notice, reply, now)
        sent += reply.accepted
        if reply.temporary or time.monotonic() > ends:
            break
    return sent


def claim(*, now: datetime) -> Notice | None:
    """Take the oldest notice that is due and within its limit; what is beyond it is collected."""
    limit = SiteSettings.load().notices_per_hour
    with transaction.atomic():
        _one_at_a_time()
        if _under_way(now) >= MOST_AT_ONCE:
            return None
        while notice := due(now).select_for_update(skip_locked=True).first():
            counted = notice.mail_id is None or notice.state == NoticeState.SENDING
            if counted or _sent_lately(notice, now) < limit:
                return _claimed(notice, now)
            same = Notice.objects.filter(kind=notice.kind, address=notice.address)
            same.filter(state=str(NoticeState.WAITING), mail__isnull=False).update(
                state=str(NoticeState.COLLECTED), claimed_at=now
            )
        return None


def due(now: datetime) -> QuerySet[Notice]:
    """Return the notices that somebody should send, the oldest first."""
    waiting = Q(state=str(NoticeState.WAITING), not_before__lte=now)
    left_behind = Q(state=str(NoticeState.SENDING), lease_until__lte=now)
    return Notice.objects.filter(waiting | left_behind).order_by("id")


def sum_up(*, kind: str, address: str, now: datetime) -> None:
    """Put one summary of all that is collected of this kind for this address into the outbox."""
    with transaction.atomic():
        _one_at_a_time()
        collected = Notice.objects.filter(
            kind=kind, address=address, state=str(NoticeState.COLLECTED)
        )
        newest = collected.order_by("-id").first()
        if newest is None:
            return
        Notice.objects.create(
            kind=kind,
            address=address,
            language=newest.language,
            facts=summary_facts(kind, collected),
            created_at=now,
            not_before=now,
        )
        collected.update(state=str(NoticeState.SUMMED))


def _groups_to_sum_up(collected_before: datetime) -> list[tuple[str, str]]:
    groups = (
        Notice.objects.filter(state=str(NoticeState.COLLECTED))
        .order_by()
        .values_list("kind", "address")
        .annotate(first=Min("claimed_at"))
        .filter(first__lte=collected_before)
    )
    return [(kind, address) for kind, address, _ in groups]


def _one_at_a_time() -> None:
    """Wait for others that claim, until the end of the transaction: the limit is counted then."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _under_way(now: datetime) -> int:
    return Notice.objects.filter(state=str(NoticeState.SENDING), lease_until__gt=now).count()


def _sent_lately(notice: Notice, now: datetime) -> int:
    """Return how many single notices took this one's kind and address in the last hour."""
    return (
        Notice.objects.filter(
            kind=notice.kind,
            address=notice.address,
            claimed_at__gt=now - HOUR,
            state__in=_AT_WORK,
            mail__isnull=False,
        )
        .exclude(pk=notice.pk)
        .count()
    )


def _claimed(notice: Notice, now: datetime) -> Notice:
    Notice.objects.filter(pk=notice.pk).update(
        state=str(NoticeState.SENDING),
        claimed_at=now,
        lease_until=now + LEASE,
        tries=F("tries") + 1,
    )
    return Notice.objects.select_related("mail").get(pk=notice.pk)


def _send(notice: Notice, relay: Relay, letters: Letters, now: datetime) -> Reply:
    """Return what the next hop says to the notice."""
    try:
        address = parse_address(notice.address.encode())
    except BadPath:
        return _BAD_ADDRESS
    if not address.octets:
        return _BAD_ADDRESS
    try:
        octets = letters.octets(notice, now)
    except Exception:  # noqa: BLE001 - one notice that fails must not keep the others from being sent
        _log.exception("notice %d (%s) could not be written", notice.pk, notice.kind)
        return _LATER
    handover = relay.send(
        Submission(
            mail_from=NULL_SENDER,
            recipients=(Recipient(address),),
            content=Content(octets, b"", 0),
            eight_bit=not octets.isascii(),
            smtputf8=address.needs_smtputf8,
        )
    )
    return handover.replies[0]


def _settle(notice: Notice, reply: Reply, now: datetime) -> None:
    """Write the answer; of a sender that lost its lease only a success, for it is delivered."""
    line = visible(str(reply))
    rows = Notice.objects.filter(pk=notice.pk)
    if not reply.accepted:
        rows = rows.filter(state=str(NoticeState.SENDING), tries=notice.tries)
    if reply.temporary and now - notice.created_at < TRIED:
        rows.update(
            state=str(NoticeState.WAITING), reply=line, not_before=now + _pause(notice.tries)
        )
        return
    if not reply.accepted:
        _log.error("notice %d (%s) was not taken: %s", notice.pk, notice.kind, line)
    ended = NoticeState.SENT if reply.accepted else NoticeState.FAILED
    rows.update(state=str(ended), reply=line, lease_until=None)


def _pause(tries: int) -> timedelta:
    return min(timedelta(minutes=2 ** min(tries - 1, 10)), LONGEST_PAUSE)
