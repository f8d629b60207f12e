"""A sign of life of Celery, in its broker: beat calls once a minute, a worker answers.

It stands beside the tasks, so that it is lost with them and never told for a broker that is gone.
"""

import time

from django.conf import settings
from redis import Redis

SILENT_SECONDS = 180.0  # three times what it should be at most

_KEY = "postern:beat"
_KEPT_SECONDS = 30 * 86400


def broker(seconds: float) -> Redis:
    """Return a connection to Celery's broker that gives up after so many seconds."""
    return Redis.from_url(_url(settings.CELERY_BROKER_URL), socket_timeout=seconds)


def beat(redis: Redis) -> None:
    """Note that a worker is at work, called by beat.  Raises RedisError."""
    redis.set(_KEY, repr(time.time()), ex=_KEPT_SECONDS)


def seconds_since_beat(redis: Redis) -> float | None:
    """Return how long ago that was, None where it never was.  Raises RedisError."""
    told = redis.get(_KEY)
    return None if told is None else max(0.0, time.time() - float(told))


def _url(broker_url: str) -> str:
    """Return Celery's spelling of a Redis address as redis-py reads it."""
    scheme, _, rest = broker_url.partition("://")
    if scheme == "redis+socket":
        return "unix://" + rest.replace("virtual_host=", "db=")
    return broker_url
