"""The editor of names of viruses: one form per rule, in order, and the name that is tried on them.

What is typed lives in the page until it is saved, as with ban rules.
"""

from collections.abc import Sequence
from typing import Any

from django import forms

from appliance.engines.virus_names import (
    LONGEST_COMMENT,
    LONGEST_PATTERN,
    MOST_POINTS,
    as_json,
)
from smtpfilter.policy.site import NamePoints

MOST_ON_SCREEN = 200  # rules; Django takes 1000 fields of one form


class NameRuleForm(forms.Form):
    """One rule.  What is a good pattern, the verb says."""

    pattern = forms.CharField(
        required=False,
        strip=False,
        max_length=LONGEST_PATTERN,
        widget=forms.TextInput({"spellcheck": "false"}),
    )
    points = forms.FloatField(
        required=False,
        min_value=-MOST_POINTS,
        max_value=MOST_POINTS,
        widget=forms.NumberInput({"step": "any"}),
    )
    comment = forms.CharField(required=False, max_length=LONGEST_COMMENT)


NameRuleForms: Any = forms.formset_factory(
    NameRuleForm, extra=0, max_num=MOST_ON_SCREEN, absolute_max=MOST_ON_SCREEN + 1
)


class NameForm(forms.Form):
    """What is tried."""

    name = forms.CharField(
        required=False,
        label="Name that a scanner reports",
        max_length=256,
        widget=forms.TextInput({"placeholder": "Sanesecurity.Phishing.Bank.7"}),
    )


def to_forms(rules: Sequence[NamePoints]) -> Any:
    """Return the forms of a list."""
    return NameRuleForms(prefix="rule", initial=[as_json(rule) for rule in rules])


def from_forms(forms_: Any) -> list[NamePoints]:
    """Return what was typed, unchecked.  The forms are valid."""
    typed = [form.cleaned_data for form in forms_]
    return [NamePoints(row["pattern"], row["points"], row["comment"]) for row in typed]
