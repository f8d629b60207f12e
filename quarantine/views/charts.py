"""The charts of the overview, each with the table that says the same.

A chart goes to the page as JSON (Chart.document), which ui/charts.js draws; the table is drawn from
the same figures, with links to the lists behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from appliance.policies.labels import points
from appliance.ui.words import CATEGORIES, OUTCOMES, word
from quarantine.scores import HIGHEST, LOWEST
from quarantine.statistics import Step

PERIODS = {  # as the lists call them: how they are called here, and the step of their charts
    "day": ("24 hours", timedelta(hours=1), "%H:%M"),
    "week": ("7 days", timedelta(hours=6), "%a %-d, %H:%M"),
    "month": ("30 days", timedelta(days=1), "%-d %b"),
}
_ENDED = {  # outcome: the figure of Counts, colour
    "delivered": ("delivered", "calm"),
    "held": ("held_in_all", "accent"),
    "rejected": ("rejected", "bad"),
    "discarded": ("discarded", "warn"),
    "bounced": ("bounced", "plum"),
    "deferred": ("deferred", "quiet"),
}
_FOUND = {  # category: colour
    "spam": "warn",
    "spammy": "sand",
    "virus": "bad",
    "banned": "plum",
    "unchecked": "accent",
    "bad_header": "calm",
    "oversized": "quiet",
    "mta": "stone",
}


@dataclass(frozen=True, slots=True)
class Series:
    """`tone`: the colour, a --chart-* of the theme."""

    label: str
    tone: str
    values: list[int]
    link: str

    @property
    def total(self) -> int:
        return sum(self.values)


@dataclass(frozen=True, slots=True)
class Line:
    """A level: a line across the chart at `value` points."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars.  `first`: what the value of the first bar's left edge is, for lines."""

    name: str
    title: str
    axis: str
    labels: list[str]
    series: list[Series]
    lines: tuple[Line, ...] = ()
    first: int = 0

    @property
    def empty(self) -> bool:
        return not any(series.total for series in self.series)

    @property
    def data_id(self) -> str:
        """The id of its JSON on the page."""
        return f"{self.name}-figures"

    @property
    def rows(self) -> list[tuple[str, list[int]]]:
        """The table's rows: a label and a number of each series."""
        return [
            (label, [series.values[place] for series in self.series])
            for place, label in enumerate(self.labels)
        ]

    def document(self) -> dict[str, Any]:
        return {
            "labels": self.labels,
            "axis": self.axis,
            "series": [
                {"label": one.label, "tone": one.tone, "values": one.values, "link": one.link}
                for one in self.series
            ],
            "lines": [
                {"label": line.label, "place": line.value - self.first} for line in self.lines
            ],
        }


def mails_link(**asked: str) -> str:
    """Return the address of the list of messages that answers to this."""
    return f"{reverse('mails')}?{urlencode(asked)}"


def traffic(steps: Sequence[Step], period: str) -> Chart:
    """How mail ended, over time."""
    series = [
        Series(
            word(OUTCOMES, name).label,
            tone,
            [getattr(step.counts, figure) for step in steps],
            mails_link(outcome=name, period=period),
        )
        for name, (figure, tone) in _ENDED.items()
    ]
    shown = [one for one in series if one.total]
    return Chart("traffic", "Traffic", "Begins at", _times(steps, period), shown)


def found(steps: Sequence[Step], period: str) -> Chart:
    """What mail was found to be, over time; clean mail would hide all else."""
    series = [
        Series(
            word(CATEGORIES, name).label,
            tone,
            [step.found.get(name, 0) for step in steps],
            mails_link(category=name, period=period),
        )
        for name, tone in _FOUND.items()
    ]
    shown = [one for one in series if one.total]
    return Chart("found", "What was found", "Begins at", _times(steps, period), shown)


def scores(bars: list[int], lines: Sequence[Line], period: str) -> Chart:
    """How scores are spread, with the levels that decide."""
    labels = [points(float(bar)) for bar in range(LOWEST, HIGHEST + 1)]
    labels[0], labels[-1] = f"below {points(LOWEST + 1.0)}", f"{points(float(HIGHEST))} and more"
    inside = tuple(line for line in lines if LOWEST <= line.value <= HIGHEST)
    series = [Series("Recipients", "calm", bars, mails_link(period=period))]
    return Chart("scores", "Scores", "From, in points", labels, series, inside, LOWEST)


def _times(steps: Sequence[Step], period: str) -> list[str]:
    pattern = PERIODS[period][2]
    return [timezone.localtime(step.at).strftime(pattern) for step in steps]
