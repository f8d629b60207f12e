"""The filters of the two lists.  Every field may stay empty; nothing typed here reaches SQL but as
a parameter.
"""

from datetime import timedelta

from django import forms

from appliance.ui.words import CATEGORIES, OUTCOMES, STATES

PERIODS = {
    "day": ("Last 24 hours", timedelta(days=1)),
    "week": ("Last 7 days", timedelta(days=7)),
    "month": ("Last 30 days", timedelta(days=30)),
}


def _any(choices: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [("", "Any"), *choices]


class MailFilter(forms.Form):
    """What both lists ask for."""

    text = forms.CharField(label="Subject", required=False, max_length=200)
    recipient = forms.CharField(required=False, max_length=320)
    sender = forms.CharField(required=False, max_length=320)
    category = forms.ChoiceField(
        label="What it is",
        required=False,
        choices=_any([(name, word.label) for name, word in CATEGORIES.items()]),
    )
    period = forms.ChoiceField(
        required=False,
        choices=_any([(name, label) for name, (label, _) in PERIODS.items()]),
    )

    def within(self) -> timedelta | None:
        """Return how far back the list goes, None for all."""
        period = self.cleaned_data.get("period")
        return PERIODS[period][1] if period else None


class HeldFilter(MailFilter):
    state = forms.ChoiceField(
        required=False,
        choices=[("", "To be looked at"), *[(name, word.label) for name, word in STATES.items()]],
    )


class JournalFilter(MailFilter):
    outcome = forms.ChoiceField(
        label="How it ended",
        required=False,
        choices=_any([(name, word.label) for name, word in OUTCOMES.items()]),
    )
