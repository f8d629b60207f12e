"""The editor of a ban rule set: one form per rule, in order, and the sample that is tried on them.

What is typed lives in the page until it is saved: moving, adding and trying only send it back and
forth, so the editor works without script.
"""

from typing import Any

from django import forms

from appliance.policies.banrules import LONGEST_COMMENT, Rules
from appliance.ui import ordering

MOST_ON_SCREEN = 150  # rules; Django takes 1000 fields of one form, and people give up earlier
BAN, EXCEPT = "ban", "except"


class RuleForm(forms.Form):
    """One rule.  What is a good pattern, the verb says."""

    pattern = forms.CharField(
        required=False, strip=False, widget=forms.Textarea({"rows": 2, "spellcheck": "false"})
    )
    action = forms.ChoiceField(
        label="What it does", choices=[(BAN, "Bans"), (EXCEPT, "Excepts")], initial=BAN
    )
    comment = forms.CharField(required=False, max_length=LONGEST_COMMENT)
    path = forms.BooleanField(required=False, label="Look at the whole path")
    silent = forms.BooleanField(required=False, label="No notice to the sender")


RuleForms: Any = forms.formset_factory(
    RuleForm, extra=0, max_num=MOST_ON_SCREEN, absolute_max=MOST_ON_SCREEN + 1
)


class SampleForm(forms.Form):
    """What is tried: names by comma, or a file."""

    names = forms.CharField(
        required=False,
        label="File names or types, by comma",
        max_length=1000,
        widget=forms.TextInput({"placeholder": "invoice.pdf.exe, .exe"}),
    )
    file = forms.FileField(
        required=False, label="Or a file", help_text="A message (.eml), or any file as attachment."
    )


def to_forms(rules: Rules) -> Any:
    """Return the forms of a set's rules."""
    return RuleForms(
        prefix="rule",
        initial=[{**rule, "action": BAN if rule["banned"] else EXCEPT} for rule in rules],
    )


def from_forms(forms_: Any) -> Rules:
    """Return what was typed, unchecked.  The forms are valid."""
    return [
        {
            "pattern": typed["pattern"],
            "banned": typed["action"] == BAN,
            "comment": typed["comment"],
            "path": typed["path"],
            "silent": typed["silent"],
        }
        for typed in (form.cleaned_data for form in forms_)
    ]


def moved(rules: Rules, deed: str) -> Rules:
    """Return the rules after "add", "up:N", "down:N" or "delete:N"; N counts from 0."""
    return ordering.moved(rules, deed, {"pattern": "", "banned": True, "comment": ""})
