"""The form of a new token: its name, how long it is good, and for what."""

from typing import Any

from django import forms

from appliance.api.models import NAME_LIMIT
from appliance.api.scopes import READ, SUBJECTS, WRITE
from appliance.api.tokens import USUAL_DAYS

PERIODS = ((30, "30 days"), (USUAL_DAYS, "90 days"), (366, "One year"))
_LABELS = {READ: "Read", WRITE: "Read and change"}


class TokenForm(forms.Form):
    """One choice for each subject in which the API offers the person anything."""

    name = forms.CharField(
        max_length=NAME_LIMIT,
        help_text="Which program uses it.",
        widget=forms.TextInput({"placeholder": "backup script"}),
    )
    days = forms.TypedChoiceField(label="How long", choices=PERIODS, coerce=int, initial=USUAL_DAYS)

    def __init__(self, offered: dict[str, set[str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subjects = list(offered)
        for subject, kinds in offered.items():
            choices = [(kind, _LABELS[kind]) for kind in (READ, WRITE) if kind in kinds]
            self.fields[subject] = forms.ChoiceField(
                label=SUBJECTS[subject], required=False, choices=[("", "No access"), *choices]
            )

    def scope_fields(self) -> list[forms.BoundField]:
        return [self[subject] for subject in self.subjects]

    def scopes(self) -> list[str]:
        """Return the scopes that were chosen."""
        chosen = {subject: self.cleaned_data[subject] for subject in self.subjects}
        return [f"{subject}:{access}" for subject, access in chosen.items() if access]
