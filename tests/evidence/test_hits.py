"""How often an entry of the sender lists counted (W-8), on the real journal."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appliance.policies.models import SenderRule
from quarantine.store import DatabaseJournal
from smtpfilter.verdict.outcome import Outcome
from tests.evidence.builders import BUSY, delivered, entry, held, settled

KEY = b"h" * 32


@pytest.fixture
def rules(journal: DatabaseJournal) -> Iterator[list[SenderRule]]:
    made = [
        SenderRule.objects.create(key="@.", sender=f"s{n}.example", action="allow")
        for n in range(3)
    ]
    yield made
    SenderRule.objects.filter(pk__in=[rule.pk for rule in made]).delete()


def hits(rules: list[SenderRule]) -> list[int]:
    return [SenderRule.objects.get(pk=rule.pk).hits for rule in rules]


def test_a_mail_counts_once_for_each_entry_however_many_recipients_it_has(
    journal: DatabaseJournal, rules: list[SenderRule]
) -> None:
    first, second, third = (rule.pk for rule in rules)

    journal.open(
        entry(
            held("ann@example.com", listed=(second, first)),
            held("bob@example.com", listed=(second,)),
            delivered("carol@example.com"),
        ),
        b"octets",
    )

    assert hits(rules) == [1, 1, 0]
    counted = SenderRule.objects.get(pk=first).last_hit_at
    assert counted is not None
    assert abs(datetime.now(UTC) - counted) < timedelta(minutes=5)
    assert SenderRule.objects.get(pk=third).last_hit_at is None


def test_a_retry_counts_only_for_recipients_that_were_not_tried_before(
    journal: DatabaseJournal, rules: list[SenderRule]
) -> None:
    first, second, _ = (rule.pk for rule in rules)
    ann, bob = delivered("ann@example.com", listed=(first,)), delivered("bob@example.com")
    made = entry(ann, bob, key=KEY)
    journal.open(made, b"octets")
    journal.close(
        made.envelope, settled(Outcome.DEFERRED, BUSY, "ann@example.com"), datetime.now(UTC)
    )

    journal.open(entry(ann, held("eve@example.com", listed=(second,)), key=KEY), b"octets")

    assert hits(rules) == [1, 1, 0]


def test_an_entry_that_was_removed_meanwhile_is_no_fault(
    journal: DatabaseJournal, rules: list[SenderRule]
) -> None:
    gone = rules.pop()
    number = gone.pk
    gone.delete()

    journal.open(entry(delivered(listed=(number, rules[0].pk))), b"octets")

    assert hits(rules) == [1, 0]


def test_mail_that_no_entry_decides_asks_nothing_of_the_sender_lists(
    journal: DatabaseJournal,
) -> None:
    with CaptureQueriesContext(connection) as queries:
        journal.open(entry(delivered()), b"octets")

    assert not [query for query in queries.captured_queries if "senderrule" in query["sql"]]
