"""The forms of going live's steps; what may be typed, the verbs say."""

from django import forms

from appliance.status.golive import CAREFUL


class ReportsForm(forms.Form):
    address = forms.EmailField(label="Address", max_length=254)


class CarefulForm(forms.Form):
    level = forms.ChoiceField(
        label="Hold spam from",
        choices=[(level, f"{level} points on") for level in CAREFUL],
        initial=CAREFUL[0],
    )


class MailsForm(forms.Form):
    recipient = forms.EmailField(
        label="To",
        max_length=254,
        help_text="An address in a local domain; the harmless mail arrives there.",
    )
