"""A message as a person supposes it, or one to look into."""

from typing import Any

from django import forms

from appliance.policies.trying import MOST_BYTES

LONGEST_NAME = 1000  # characters


class SupposedForm(forms.Form):
    """What an address is, the explanation says."""

    recipient = forms.CharField(
        max_length=1024, widget=forms.TextInput({"placeholder": "user@example.com"})
    )
    sender = forms.CharField(
        required=False,
        max_length=1024,
        help_text="Of the envelope. Empty: the null sender, as of bounces.",
        widget=forms.TextInput({"placeholder": "somebody@example.org"}),
    )
    score = forms.FloatField(
        required=False,
        min_value=-10_000,
        max_value=10_000,
        label="Spam score",
        widget=forms.NumberInput({"step": "any", "placeholder": "0"}),
    )
    virus = forms.CharField(required=False, max_length=LONGEST_NAME, label="Virus found")
    banned = forms.CharField(
        required=False,
        max_length=LONGEST_NAME,
        label="File in it",
        widget=forms.TextInput({"placeholder": "invoice.pdf.exe"}),
    )
    client = forms.GenericIPAddressField(
        required=False, label="From the client", help_text="Its IP address, for own networks."
    )
    authenticated = forms.BooleanField(required=False, label="The sender logged in")
    file = forms.FileField(
        required=False,
        label="Or look into a message",
        help_text="A message (.eml): the engines look into it now; nothing of it is kept or sent."
        " Score, virus and file above are left out then.",
    )

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        if upload and upload.size > MOST_BYTES:
            raise forms.ValidationError(f"The message has more than {MOST_BYTES >> 20} MiB.")
        return upload

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or self.cleaned_data
        if typed.get("file") and any(typed.get(name) for name in ("score", "virus", "banned")):
            raise forms.ValidationError(
                "A message is looked into: leave out score, virus and file, or the message."
            )
        return typed
