"""The small forms of policies: which key or rule set is opened, and one sender rule."""

from django import forms

from appliance.policies.models import SenderRule
from smtpfilter.policy.settings import FIELDS

BEYOND_OWN_MAIL = frozenset(
    {"forward_method", "clean_quarantine_to", "archive_quarantine_to"}
    | {name for name in FIELDS if name.endswith("_admin")}
)
"""Where mail goes, who else hears of it, what is kept of mail that nothing is wrong with: only for
those who may EDIT_SITE.
"""


ACTIONS = (
    (SenderRule.Action.ALLOW, "Let through"),
    (SenderRule.Action.BLOCK, "Block"),
    (SenderRule.Action.SCORE, "Give points"),
)


class SenderForm(forms.Form):
    """One sender rule.  What is a sender, and which points count, is the verb's to say."""

    sender = forms.CharField(
        max_length=320,
        widget=forms.TextInput({"placeholder": "news@example.org or .example.org"}),
    )
    action = forms.ChoiceField(label="What happens", choices=ACTIONS)
    points = forms.FloatField(
        required=False,
        help_text="For points only; negative ones speak for the sender.",
        widget=forms.NumberInput({"step": "any"}),
    )
    expires = forms.DateField(
        required=False,
        label="Until",
        help_text="Empty: for good.",
        widget=forms.DateInput({"type": "date"}),
    )
    proven = forms.BooleanField(
        required=False,
        label="Only when the sender is proven by DKIM or SPF",
        help_text="Senders are easily forged: without this, everybody who writes this address as"
        " his own is let through. It has no meaning for a blocked sender.",
    )


class SetNameForm(forms.Form):
    """Which ban rule set is opened."""

    name = forms.CharField(label="Name", max_length=100)


class KeyForm(forms.Form):
    """For whom a new layer counts."""

    key = forms.CharField(
        label="For whom",
        max_length=320,
        help_text="example.com, .example.com with all below, user@example.com,"
        " or user@ in any local domain.",
        widget=forms.TextInput({"placeholder": "example.com"}),
    )
