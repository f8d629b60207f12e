"""What Celery workers do for the engines.  The work stands in Postgres; a call may come twice or
never.
"""

from celery import shared_task

from appliance.engines.learning import configured_scanner, learn_some
from appliance.errors import Refused

LEARNING_SECONDS = 4.0  # less than between two calls: other tasks need the threads, too


@shared_task(name="engines.learn")
def learn() -> None:
    try:
        scanner = configured_scanner()
    except Refused:
        return  # the mail waits until there is one
    learn_some(scanner=scanner, seconds=LEARNING_SECONDS)
