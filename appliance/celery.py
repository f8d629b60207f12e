"""The Celery application: `celery -A appliance.celery worker` and `... beat`.

Tasks are found in the `tasks` module of each app.  The broker carries only wake-up calls: what
there is to do stands in Postgres, so a lost or doubled task does no harm.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "appliance.settings")

app = Celery("postern")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {  # seconds
    "send releases that are due": {"task": "quarantine.send_due_releases", "schedule": 30.0},
    "send notices": {"task": "quarantine.send_notices", "schedule": 10.0},
    "learn from uploads": {"task": "engines.learn", "schedule": 5.0},
    "read sources that are due": {"task": "sources.read_due", "schedule": 60.0},
    "ask the engines for their samples": {
        "task": "status.self_test",
        "schedule": 60.0,
        "options": {"expires": 60.0},  # asked late, the answer is no longer wanted
    },
    "tell people of alarms": {"task": "quarantine.tell_alarms", "schedule": 30.0},
    "expire held mail": {"task": "quarantine.retain", "schedule": 900.0},
}
