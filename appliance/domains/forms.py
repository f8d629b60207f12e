"""One line each: a domain, a mailbox.  What is a good name, the verbs say."""

from django import forms


class DomainForm(forms.Form):
    name = forms.CharField(
        label="Domain",
        max_length=300,
        help_text="example.com, or .example.com with all domains below it.",
        widget=forms.TextInput({"placeholder": "example.com"}),
    )


class MailboxForm(forms.Form):
    address = forms.CharField(
        label="Address",
        max_length=320,
        widget=forms.TextInput({"placeholder": "user@example.com"}),
    )
