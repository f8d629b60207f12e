"""Reading sources on schedule.  The schedule stands in Postgres; a call may come twice or never."""

from datetime import UTC, datetime

from celery import shared_task

from appliance.errors import Refused
from appliance.sources import read

ACTOR = "schedule"


@shared_task(name="sources.read_due")
def read_due() -> None:
    """Read each source whose time has come, each in a task of its own."""
    for source in read.due_sources(datetime.now(UTC)):
        read_one.delay(source.name)


@shared_task(name="sources.read_one")
def read_one(name: str) -> None:
    try:
        read.read_source(name=name, actor=ACTOR)
    except Refused:
        return  # what went wrong is kept with the source, and told by its health
