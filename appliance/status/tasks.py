"""Each minute all engines are asked for their samples, whether mail comes or not (A8, B8)."""

from contextlib import suppress

from celery import shared_task
from redis import RedisError

from appliance.status.alarms import end_alarm, write_alarm
from appliance.status.health import alarming, probe_all
from appliance.status.heartbeat import beat, broker
from appliance.status.probe import TIMEOUT_SECONDS


@shared_task(name="status.self_test", ignore_result=True)
def self_test() -> None:
    """Sound an alarm for every part that does not work, and end those of parts that work again."""
    with suppress(RedisError):  # told as "queue"
        beat(broker(TIMEOUT_SECONDS))
    for name, probe in probe_all().items():
        if alarming(name, probe):
            write_alarm(name=name, text=probe.detail)
        else:
            end_alarm(name=name)
