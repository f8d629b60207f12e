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
