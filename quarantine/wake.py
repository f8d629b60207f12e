"""Telling a Celery worker that there is work.  It may fail: the sweeper finds the row."""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

SEND_RELEASE = "quarantine.send_release"

_log = logging.getLogger("postern")


def wake_sender(release_id: int) -> None:
    try:
        current_app.send_task(SEND_RELEASE, [release_id], retry=False)
    except (OperationalError, OSError) as error:
        _log.warning("release %d waits for the sweeper: %s", release_id, type(error).__name__)
