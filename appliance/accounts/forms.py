"""The form of a new account, and of a new password for one."""

from django import forms

from appliance.accounts.models import Role


def _password(label: str, help_text: str) -> forms.CharField:
    secret = forms.PasswordInput({"autocomplete": "new-password"})
    return forms.CharField(label=label, help_text=help_text, strip=False, widget=secret)


def _names(typed: str) -> list[str]:
    return [name.strip() for name in typed.split(",") if name.strip()]


class AccountForm(forms.Form):
    email = forms.EmailField(label="E-mail address")
    role = forms.ChoiceField(choices=[(role.value, role.label.capitalize()) for role in Role])
    scope = forms.CharField(
        label="Works for",
        required=False,
        max_length=2000,
        help_text="Domains of a manager or helpdesk, mailboxes of an owner, by comma."
        " Others see the whole site.",
        widget=forms.TextInput({"placeholder": "example.com"}),
    )
    password = _password(
        "First password", "At least 12 characters; it must be changed at the first login."
    )

    def names(self) -> list[str]:
        """Return the domains or mailboxes that were typed."""
        return _names(self.cleaned_data["scope"])


class ScopeForm(forms.Form):
    """What a person may do, and where."""

    role = forms.ChoiceField(choices=[(role.value, role.label.capitalize()) for role in Role])
    domains = forms.CharField(
        required=False,
        max_length=20_000,
        help_text="Of a manager or helpdesk, by comma; .example.com with all below.",
    )
    mailboxes = forms.CharField(
        required=False,
        max_length=20_000,
        help_text="Of an owner, by comma; or single ones delegated to a manager or helpdesk.",
    )

    def names(self, field: str) -> list[str]:
        return _names(self.cleaned_data[field])


class PasswordForm(forms.Form):
    password = _password("New password", "It must be changed at the next login.")
