"""Second factors: what we change in allauth's authenticator apps, recovery codes and passkeys.

A wrong code counts as a failed login, in Postgres (W4); a code of an app is good once (RFC 6238,
5.2); what codes are made from is stored encrypted; each change of factors is recorded.
"""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from allauth.core import context
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base import forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from axes.handlers.proxy import AxesProxyHandler
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from appliance.accounts.models import Role, User
from appliance.policies.revisions import record
from appliance.status.models import SiteSettings

CHANGES = {
    "totp_activated": "authenticator app added",
    "totp_deactivated": "authenticator app removed",
    "webauthn_added": "passkey added",
    "webauthn_removed": "passkey removed",
    "recovery_codes_generated": "new recovery codes",
}


def has_factor(user: User) -> bool:
    """Tell whether a login of this person asks for more than the password."""
    second = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return bool(Authenticator.objects.filter(user=user, type__in=second).exists())


def owes_factor(user: User) -> bool:
    """Tell whether the site asks this person for a second factor that is not there yet."""
    if user.role == Role.OWNER or not SiteSettings.load().staff_needs_second_factor:
        return False
    return not has_factor(user)


def record_change(template: str, user: User) -> None:
    """Record what the person changed; `template` names the mail that allauth would send of it."""
    change = CHANGES.get(template.removeprefix("mfa/email/"))
    if change:
        record(who=user.email, verb=f"users {change}", key=user.email, before={}, after={})


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth's classes are untyped
    def get_totp_issuer(self) -> str:
        return f"Postern {settings.APPLIANCE_HOSTNAME}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return entity | {"name": self.get_totp_issuer()}

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """Return a name that the person has not given yet to a passkey."""
        return f"Passkey {Authenticator.objects.filter(user=user, type=type).count() + 1}"

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()


def _cipher() -> MultiFernet:
    """Return the cipher of SECRET_KEY, which also reads what an earlier one wrote."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (hashlib.sha256(b"second factors " + secret.encode()).digest() for secret in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


class CodeForm(forms.AuthenticateForm):  # type: ignore[misc]
    """The code at login."""

    def clean_code(self) -> str:
        return _counted(self.user, lambda: _once(self, super(CodeForm, self).clean_code))


class CodeAgainForm(forms.ReauthenticateForm):  # type: ignore[misc]
    """The code before a change of factors."""

    def clean_code(self) -> str:
        return _counted(self.user, lambda: _once(self, super(CodeAgainForm, self).clean_code))


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        alone = self.fields["passwordless"]
        alone.label = "Signs in alone, without the password"
        alone.help_text = "The device then asks for a fingerprint, a face or its PIN."
        self.fields["name"].help_text = "So that you know it again in the list."
        self.fields["name"].widget.attrs["maxlength"] = 100


def _counted(user: User, check: Callable[[], str]) -> str:
    """Call `check` unless there were too many failures, its own among them.  Raises
    ValidationError.
    """
    request, credentials = context.request, {"login": user.email}
    if not AxesProxyHandler.is_allowed(request, credentials):
        raise ValidationError("Too many wrong codes. Wait 15 minutes.")
    try:
        return check()
    except ValidationError:
        AxesProxyHandler.user_login_failed(User, credentials, request)
        raise


def _once(form: CodeForm | CodeAgainForm, check: Callable[[], str]) -> str:
    """Call `check`; refuse a code of the app that is not newer than the last one.  Raises
    ValidationError.
    """
    with transaction.atomic():
        list(Authenticator.objects.select_for_update().filter(user=form.user))
        code = check()
        app = form.authenticator
        if app.type == Authenticator.Type.TOTP:
            step = _step(app, code)
            if step <= app.data.get("last_step", 0):
                raise ValidationError("This code was used already. Wait for the next one.")
            app.data["last_step"] = step
            app.save(update_fields=["data"])
    return code


def _step(app: Authenticator, code: str) -> int:
    """Return the newest time step of which this, a valid code, is the value."""
    secret = FactorAdapter().decrypt(app.data["secret"])
    values = {
        step: totp.format_hotp_value(totp.hotp_value(secret, step))
        for step in totp.yield_hotp_counters_from_time()
    }
    same = [
        step for step, value in values.items() if compare_user_code(actual=code, expected=value)
    ]
    return max(same, default=0)
