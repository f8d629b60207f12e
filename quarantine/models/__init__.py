"""The journal's rows.  The filter writes them by raw SQL (store.py), all else uses the ORM."""

from quarantine.models.attempt import Attempt, RetryKey
from quarantine.models.body import BodyChunk
from quarantine.models.mail import COPY_STATES, UNKNOWN, HeldState, MailRecord, RecipientRecord
from quarantine.models.notice import Notice, NoticeState, SeenVirus
from quarantine.models.release import Deed, MailEvent, Release, ReleaseState

__all__ = [
    "COPY_STATES",
    "UNKNOWN",
    "Attempt",
    "BodyChunk",
    "Deed",
    "HeldState",
    "MailEvent",
    "MailRecord",
    "Notice",
    "NoticeState",
    "RecipientRecord",
    "Release",
    "ReleaseState",
    "RetryKey",
    "SeenVirus",
]
