"""What Celery workers do.  The work to do stands in Postgres; a call may come twice or never."""

from datetime import UTC, datetime

from celery import shared_task
from django.conf import settings

from appliance.notices.source import DatabaseTemplates
from appliance.status import telling
from appliance.status.webhook import post
from quarantine import notify, release, retention
from quarantine.letters import Letters
from quarantine.nexthop import notify_relay
from quarantine.wake import SEND_RELEASE

LIMIT_SECONDS = int(release.LEASE.total_seconds()) - 30


@shared_task(name=SEND_RELEASE, time_limit=LIMIT_SECONDS)
def send_release(release_id: int) -> None:
    release.perform_release(release_id=release_id, relay=notify_relay())


@shared_task(name="quarantine.send_due_releases")
def send_due_releases() -> None:
    """Find what no call woke up, or what a dead worker left behind."""
    for release_id in release.due_releases(datetime.now(UTC)).values_list("pk", flat=True)[:1000]:
        send_release.delay(release_id)


@shared_task(name="quarantine.send_notices", time_limit=LIMIT_SECONDS)
def send_notices() -> None:
    letters = Letters(DatabaseTemplates(), settings.APPLIANCE_HOSTNAME, settings.WEB_PUBLIC_URL)
    notify.send_notices(relay=notify_relay(), letters=letters, now=datetime.now(UTC))


@shared_task(name="quarantine.tell_alarms", time_limit=LIMIT_SECONDS)
def tell_alarms() -> None:
    now = datetime.now(UTC)
    telling.collect_news(now=now)
    telling.send_letters(relay=notify_relay(), post=post, now=now)


@shared_task(name="quarantine.retain", time_limit=3600)
def retain() -> None:
    retention.retain(now=datetime.now(UTC))
