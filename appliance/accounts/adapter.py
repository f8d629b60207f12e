"""What we change in allauth: nobody signs up, and a changed password is no first one any more."""

from typing import Any

from allauth.account import forms
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from django.http import HttpRequest

from appliance.accounts.factors import record_change
from appliance.accounts.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth's classes are untyped
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Go to the first page: whoever had to change a password came for something else."""
        return "/"

    def set_password(self, user: User, password: str) -> None:
        """Store a password that the person chose: none is to be changed any more."""
        user.must_change_password = False
        super().set_password(user, password)

    def send_notification_mail(self, template_prefix: str, user: User, *_: Any, **__: Any) -> None:
        """Record a change of second factors, of which allauth would write mail."""
        record_change(template_prefix, user)

    def reauthenticate(self, user: User, password: str) -> bool:
        """Tell whether this is the person's password; a wrong one counts as a failed login."""
        credentials = {"email": user.email, "login": user.email, "password": password}
        return bool(self.authenticate(context.request, **credentials) == user)


class LoginForm(forms.LoginForm):  # type: ignore[misc]
    def user_credentials(self) -> dict[str, Any]:
        """Return the credentials with the name under which django-axes counts failures."""
        credentials: dict[str, Any] = super().user_credentials()
        return credentials | {"login": self.cleaned_data["login"].lower()}
