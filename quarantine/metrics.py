"""The journal's figures for Prometheus (GET /metrics), counted when asked.

What is counted over a window is a gauge: rows of the journal end, so no total would only grow.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db.models import Q
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from quarantine import statistics

WINDOW = timedelta(hours=1)


class JournalCollector(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = datetime.now(UTC)
        counts = statistics.count(Q(), since=now - WINDOW, now=now)
        yield GaugeMetricFamily(
            "postern_messages",
            "Messages received in the last hour.",
            statistics.messages_since(now - WINDOW),
        )
        outcomes = GaugeMetricFamily(
            "postern_recipients",
            "Recipients of mail of the last hour by outcome.",
            labels=["outcome"],
        )
        for name in ("delivered", "discarded", "rejected", "bounced", "deferred", "pending"):
            outcomes.add_metric([name], getattr(counts, name))
        outcomes.add_metric(["held"], counts.held_in_all)
        outcomes.add_metric(["unknown"], counts.unknown)
        yield outcomes
        held = GaugeMetricFamily(
            "postern_held",
            "Recipients of mail of the last hour for whom a copy was held, by category.",
            labels=["category"],
        )
        for category, number in sorted(counts.held.items()):
            held.add_metric([category], number)
        yield held
        copies = GaugeMetricFamily(
            "postern_quarantine_copies", "Copies that wait for a person.", labels=["state"]
        )
        for state, number in statistics.waiting(Q()).items():
            copies.add_metric([state], number)
        yield copies
        yield GaugeMetricFamily(
            "postern_releases_under_way",
            "Releases that are not answered yet.",
            statistics.releases_under_way(),
        )
        newest = statistics.last_received(Q())
        yield GaugeMetricFamily(
            "postern_last_message_timestamp_seconds",
            "When the newest message came, 0 before the first.",
            newest.timestamp() if newest else 0,
        )


def metrics_text() -> bytes:
    """Return all figures in the Prometheus text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(JournalCollector())
    return generate_latest(registry)
