"""How the scores of a period are spread, one bar for each point."""

from datetime import datetime

from django.db.models import Count, F, Q
from django.db.models.functions import Floor, Greatest, Least

from quarantine.models import RecipientRecord
from smtpfilter.mail.envelope import MailId

LOWEST, HIGHEST = -10, 25  # the first and the last bar hold all that lies beyond


def histogram(who: Q, *, since: datetime) -> list[int]:
    """Return how many recipients' scores lie in [n, n + 1), for n from LOWEST to HIGHEST; mail
    that was not scored is left out.
    """
    rows = RecipientRecord.objects.filter(
        who, mail_id__gte=MailId.make(since, 0).number, score__isnull=False
    )
    bar = Greatest(Least(Floor(F("score")), float(HIGHEST)), float(LOWEST))
    bars = dict(rows.annotate(bar=bar).values_list("bar").annotate(rows=Count("pk")).order_by())
    return [bars.get(float(point), 0) for point in range(LOWEST, HIGHEST + 1)]
