"""The web side for gunicorn: `gunicorn appliance.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "appliance.settings")

application = get_wsgi_application()
