"""A flood of infected mail makes a few notices and one summary (N-5, N-6; BB-65)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from appliance.notices.source import DatabaseTemplates
from quarantine.letters import Letters
from quarantine.models import Notice
from quarantine.nexthop import notify_relay
from quarantine.notify import send_notices
from quarantine.tasks import send_notices as send_notices_task
from tests.flows.black_box import Box, site_setting
from tests.flows.mails import EICAR, mail

ADMIN = "virusalert@example.com"
MAILS, LIMIT = 60, 5


@pytest.fixture(autouse=True)
def limited() -> Iterator[None]:
    with site_setting("notices_per_hour", LIMIT):
        yield
    notify_relay.cache_clear()


def test_a_flood_is_told_in_a_few_notices_and_one_summary(box: Box) -> None:
    """BB-65: amavisd sends one for each; here the task sends the first ones, and an hour later
    what was collected.
    """
    box.set("example.com", f"virus_admin={ADMIN}")

    def send(number: int) -> str:
        return box.send(mail(EICAR, f"Virus {number}"), f"r{number}@example.com")

    with ThreadPoolExecutor(4) as crowd:
        replies = list(crowd.map(send, range(MAILS)))
    assert all(reply.startswith("250 2.7.0 ") for reply in replies)

    Notice.objects.update(not_before=datetime.now(UTC))  # the first ten seconds are over
    for _ in range(3):
        send_notices_task()
    assert len(box.reports(ADMIN)) == LIMIT

    letters = Letters(DatabaseTemplates(), "filter.example.com", "https://filter.example.com")
    for hours in (2, 4):
        later = datetime.now(UTC) + timedelta(hours=hours)
        send_notices(relay=notify_relay(), letters=letters, now=later)
    *singly, summary = box.reports(ADMIN)
    assert len(singly) == LIMIT
    text = summary.get_content()
    assert str(MAILS - LIMIT) in text
    assert all(report["Auto-Submitted"] == "auto-generated" for report in (*singly, summary))
