"""The figures of the overview and of /metrics, counted from the journal."""

from datetime import UTC, datetime, timedelta

from django.db.models import Q
from prometheus_client.parser import text_string_to_metric_families

from quarantine import statistics
from quarantine.metrics import metrics_text
from quarantine.models import RecipientRecord
from quarantine.store import DatabaseJournal
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.outcome import Outcome
from tests.evidence.builders import BUSY, NO, OCTETS, OK, deferred, delivered, entry, held, settled

NOW = datetime.now(UTC)
MIDNIGHT = NOW - timedelta(hours=12)


def fill(journal: DatabaseJournal) -> None:
    made = entry(
        delivered("a@example.com"),
        delivered("b@example.com"),
        held("c@example.com"),
        held("d@other.example", blocked_by=Category.VIRUS),
        deferred("e@example.com"),
        now=NOW - timedelta(minutes=1),
    )
    journal.open(made, OCTETS)
    done = settled(Outcome.DELIVERED, OK, "a@example.com") | settled(
        Outcome.REJECTED, NO, "b@example.com"
    )
    done |= settled(Outcome.DEFERRED, BUSY, "e@example.com")
    journal.close(made.envelope, done, NOW)
    journal.open(entry(delivered("f@example.com"), now=NOW - timedelta(minutes=2)), OCTETS)
    journal.open(entry(delivered("g@example.com"), now=NOW - timedelta(minutes=30)), OCTETS)
    journal.open(entry(held("old@example.com"), now=NOW - timedelta(days=2)), OCTETS)


def test_the_day_is_counted_by_outcome_and_category(journal: DatabaseJournal) -> None:
    fill(journal)
    counts = statistics.count(Q(), since=MIDNIGHT, now=NOW)
    assert counts == statistics.Counts(
        delivered=1,
        held={"spam": 1, "virus": 1},
        rejected=1,
        deferred=1,
        pending=1,
        unknown=1,
    )
    assert (counts.held_in_all, counts.stopped, counts.all) == (2, 3, 7)


def test_counts_stay_inside_the_scope(journal: DatabaseJournal) -> None:
    fill(journal)
    other = Q(domain="other.example")
    counts = statistics.count(other, since=MIDNIGHT, now=NOW)
    assert counts == statistics.Counts(held={"virus": 1})
    assert statistics.waiting(other) == {"held": 1, "requested": 0, "failed": 0}


def test_copies_that_wait_are_counted_whatever_their_age(journal: DatabaseJournal) -> None:
    fill(journal)
    RecipientRecord.objects.filter(address="c@example.com").update(state="requested")
    assert statistics.waiting(Q()) == {"held": 2, "requested": 1, "failed": 0}
    assert statistics.last_received(Q()) == NOW - timedelta(minutes=1)


def test_nothing_yet_is_counted_as_nothing(journal: DatabaseJournal) -> None:
    assert statistics.count(Q(), since=MIDNIGHT, now=NOW).all == 0
    assert statistics.last_received(Q()) is None


def test_metrics_are_what_prometheus_reads(journal: DatabaseJournal) -> None:
    fill(journal)
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics_text().decode())
        for sample in family.samples
    }
    assert samples[("postern_messages",)] == 3
    assert samples[("postern_recipients", "held")] == 2
    assert samples[("postern_held", "virus")] == 1
    assert samples[("postern_quarantine_copies", "held")] == 3
    assert samples[("postern_releases_under_way",)] == 0
    assert samples[("postern_last_message_timestamp_seconds",)] > 1_600_000_000
