"""The sessions of an account: where one is logged in, since when, and ending them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from appliance.accounts.models import User
from appliance.policies.revisions import record
from smtpfilter.mail.findings import visible

_BROWSERS = {
    "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser": "Samsung Internet", "Firefox": "Firefox",
    "FxiOS": "Firefox", "Chrom": "Chrome", "CriOS": "Chrome", "Safari": "Safari",
}  # fmt: skip
_SYSTEMS = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows",
    "Mac OS": "macOS", "CrOS": "ChromeOS", "Linux": "Linux",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """One session as its owner sees it."""

    pk: int
    device: str
    address: str
    since: datetime
    last_seen: datetime
    current: bool


def places(user: User, current: str | None = None) -> list[Place]:
    """Return the person's sessions, newest first; `current` is the session key of who asks.

    Each request moves a session's end (SESSION_SAVE_EVERY_REQUEST), which tells when it was seen.
    """
    mine = {row.session_key: row for row in UserSession.objects.filter(user=user)}
    living = Session.objects.filter(session_key__in=mine, expire_date__gt=timezone.now())
    idle = timedelta(seconds=settings.SESSION_COOKIE_AGE)
    found = [
        Place(
            pk=row.pk,
            device=device(row.user_agent),
            address=row.ip,
            since=row.created_at,
            last_seen=session.expire_date - idle,
            current=session.session_key == current,
        )
        for session in living
        for row in [mine[session.session_key]]
    ]
    return sorted(found, key=lambda place: place.last_seen, reverse=True)


def device(user_agent: str) -> str:
    """Return what a browser says it is, in words such as "Firefox on Linux"."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in user_agent), "")
    return " on ".join(filter(None, (browser, system))) or visible(user_agent, 60) or "Unknown"


@transaction.atomic
def end_session(*, user: User, pk: int, actor: str) -> int:
    """End one session of the person; return how many there were: 1, or 0."""
    return _end(user, UserSession.objects.filter(user=user, pk=pk).first(), actor=actor)


@transaction.atomic
def end_sessions(*, user: User, actor: str, but: str | None = None) -> int:
    """End all sessions of the person except the one with the key `but`; return how many."""
    others = UserSession.objects.filter(user=user).exclude(session_key=but or "")
    return _end(user, *others, actor=actor)


def _end(user: User, *rows: UserSession | None, actor: str) -> int:
    ended = [row for row in rows if row is not None]
    for row in ended:
        row.end()
    if ended:
        record(
            who=actor,
            verb="users sessions end",
            key=user.email,
            before={"sessions": len(ended)},
            after={"sessions": 0},
        )
    return len(ended)
