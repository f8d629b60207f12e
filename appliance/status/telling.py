"""Telling people of alarms: once when one begins, once when it is over.

    alarms --collect_news--> letters --send_letters--> taken, or given up after GIVEN_UP

Mail goes to the addresses of the setting alarm_to by the relay of notices, past the filter: what is
broken may be the filter.  alarm_webhook gets a POST with the same as JSON.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from appliance.status.alarms import current_alarms
from appliance.status.models import AlarmLetter, SiteSettings, ToldAlarm, listed
from appliance.status.webhook import NotTaken
from smtpfilter.mail.address import NULL_SENDER, parse_address
from smtpfilter.mail.envelope import Recipient
from smtpfilter.mail.octets import Content
from smtpfilter.ports.delivery import Relay, Submission
from smtpfilter.verdict.notices import plain_notice
from smtpfilter.verdict.texts import Text

GIVEN_UP = timedelta(days=1)
PAUSE = timedelta(minutes=5)  # longer than sending one may take
MOST_AT_ONCE = 20

_LOCK = 0x616C61726D  # "alarm": a number of ours for Postgres's advisory lock
_SUBJECTS = {"begin": "Alarm: {}", "end": "Over: {}"}
_BODY = """{what}

    {text}

What it means and what to do: {link}

This letter comes once when an alarm begins and once when it is over.
"""
_WHAT = {
    "begin": '{hostname} sounds the alarm "{name}":',
    "end": 'The alarm "{name}" of {hostname} is over.  It was:',
}

_log = logging.getLogger("postern.alarms")

Post = Callable[[str, dict[str, Any]], None]


@transaction.atomic
def collect_news(*, now: datetime) -> None:
    """Put a letter for every reader into the outbox for each alarm that began or ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    current = {alarm.name: alarm for alarm in current_alarms(now)}
    told = {row.name: row for row in ToldAlarm.objects.all()}
    readers = list(_readers(SiteSettings.load()))
    for name, alarm in current.items():
        if name not in told:
            ToldAlarm.objects.create(name=name, text=alarm.text, told_at=now)
            _put(readers, "begin", name, alarm.text, now)
    for name, row in told.items():
        if name not in current:
            row.delete()
            _put(readers, "end", name, row.text, now)


def send_letters(*, relay: Relay, post: Post, now: datetime) -> None:
    """Send what is due; what is not taken is tried again until GIVEN_UP."""
    for _ in range(MOST_AT_ONCE):
        letter = _claim(now)
        if letter is None:
            return
        try:
            _send(letter, relay, post)
        except NotTaken as error:
            if now - letter.at < GIVEN_UP:
                _log.warning("letter %s was not taken: %s", letter, error)
                continue
            _log.error("letter %s is given up: %s", letter, error)
        letter.delete()


def _readers(row: SiteSettings) -> Iterator[tuple[str, str]]:
    for address in listed(row.alarm_to):
        yield AlarmLetter.Channel.MAIL, address
    if row.alarm_webhook:
        yield AlarmLetter.Channel.WEBHOOK, row.alarm_webhook


def _put(readers: list[tuple[str, str]], event: str, name: str, text: str, now: datetime) -> None:
    AlarmLetter.objects.bulk_create(
        AlarmLetter(
            channel=channel,
            target=target,
            event=event,
            name=name,
            text=text,
            at=now,
            not_before=now,
        )
        for channel, target in readers
    )


@transaction.atomic
def _claim(now: datetime) -> AlarmLetter | None:
    """Take the oldest letter that is due: for PAUSE nobody else does."""
    due = AlarmLetter.objects.filter(not_before__lte=now).select_for_update(skip_locked=True)
    letter = due.first()
    if letter is not None:
        changes = {"not_before": now + PAUSE, "tries": F("tries") + 1}
        AlarmLetter.objects.filter(pk=letter.pk).update(**changes)
    return letter


def _send(letter: AlarmLetter, relay: Relay, post: Post) -> None:
    """Raises NotTaken."""
    if letter.channel == AlarmLetter.Channel.WEBHOOK:
        post(letter.target, _document(letter))
        return
    octets = _octets(letter)
    address = parse_address(letter.target.encode())
    submission = Submission(
        mail_from=NULL_SENDER,
        recipients=(Recipient(address),),
        content=Content(octets, b"", 0),
        eight_bit=not octets.isascii(),
        smtputf8=address.needs_smtputf8,
    )
    (reply,) = relay.send(submission).replies
    if not reply.accepted:
        raise NotTaken(str(reply))


def _document(letter: AlarmLetter) -> dict[str, Any]:
    """Return what the webhook gets."""
    return {
        "event": letter.event,
        "alarm": letter.name,
        "text": letter.text,
        "at": letter.at.isoformat(timespec="seconds"),
        "host": settings.APPLIANCE_HOSTNAME,
        "link": _link(),
    }


def _octets(letter: AlarmLetter) -> bytes:
    hostname = settings.APPLIANCE_HOSTNAME
    what = _WHAT[letter.event].format(hostname=hostname, name=letter.name)
    return plain_notice(
        to=letter.target,
        message_id=f"AL{letter.at:%Y%m%d%H%M%S}.{letter.pk}@{hostname}",
        now=letter.at,
        hostname=hostname,
        from_address=SiteSettings.load().notice_from,
        text=Text(
            _SUBJECTS[letter.event].format(letter.name),
            _BODY.format(what=what, text=letter.text, link=_link()),
        ),
    )


def _link() -> str:
    return f"{settings.WEB_PUBLIC_URL}/status/"
