"""The forms of recorded changes: which are listed, and why one is taken back."""

from django import forms

from appliance.policies.kinds import KINDS
from appliance.policies.models import REASON_LIMIT


class RevisionFilter(forms.Form):
    """Which changes are listed; what is left empty does not narrow."""

    key = forms.CharField(
        required=False,
        label="Of",
        max_length=1024,
        widget=forms.TextInput({"placeholder": "example.com, a name"}),
    )
    who = forms.CharField(required=False, label="Who", max_length=254)
    kind = forms.ChoiceField(
        required=False,
        label="Kind",
        choices=[("", "All"), *((kind.name, kind.many) for kind in KINDS)],
    )


class TakeBackForm(forms.Form):
    """Why a change is taken back."""

    why = forms.CharField(
        required=False, label="Why (kept with the change)", max_length=REASON_LIMIT
    )
