"""The forms of networks and of a direction profile."""

from typing import Any

from django import forms

from appliance.errors import Refused
from appliance.policies.inherit import Chain, Inherited
from appliance.policies.models import Profile
from appliance.policies.policy_form import PolicyForm
from smtpfilter.policy.settings import FIELDS, PolicySettings

FROM_LAYERS = {name: Inherited(None, "the layers", "") for name in FIELDS}
"""What a profile does not set comes from the recipient's layers."""


def chain_of_profile(profile: Profile | None) -> Chain:
    """Return what holds where the profile does: what it sets, and nothing known beside that."""
    settings = profile.to_settings() if profile else PolicySettings()
    said = [name for name in FIELDS if getattr(settings, name) is not None]
    origins = {name: "this profile" if name in said else "the layers" for name in FIELDS}
    return Chain((), FROM_LAYERS, settings, origins)


def _profile_choices() -> list[tuple[str, str]]:
    names = Profile.objects.values_list("name", flat=True)
    return [("", "None: an own network"), *((name, name) for name in names)]


class NetworkForm(forms.Form):
    """One network.  What is one, the verb says."""

    cidr = forms.CharField(
        label="Network",
        max_length=50,
        help_text="192.0.2.0/24 or 2001:db8::/32; with ! before it, it is excepted from a wider"
        " one.",
        widget=forms.TextInput({"placeholder": "192.0.2.0/24"}),
    )
    profile = forms.ChoiceField(required=False, label="Direction profile", choices=_profile_choices)


class ProfileNameForm(forms.Form):
    """Which profile is opened."""

    name = forms.CharField(label="Name", max_length=100)


class ProfileForm(PolicyForm):
    """The settings of a profile, and which mail it is for."""

    ports = forms.CharField(
        required=False,
        label="Listening ports",
        help_text="For mail that came in there; numbers by comma.",
    )
    authenticated = forms.BooleanField(required=False, label="For senders who logged in")
    originating = forms.BooleanField(required=False, label="Such mail is the site’s own")

    def __init__(self, profile: Profile, *args: Any) -> None:
        super().__init__(profile, FROM_LAYERS, True, *args)
        self.initial.update(
            ports=", ".join(map(str, profile.ports)),
            authenticated=profile.authenticated,
            originating=profile.originating,
        )

    def ways(self) -> dict[str, Any]:
        """Return which mail the profile is for, as the verb takes it.  Raises Refused."""
        words = [word for part in self.cleaned_data["ports"].split(",") if (word := part.strip())]
        if not all(word.isascii() and word.isdigit() for word in words):
            raise Refused("listening ports are numbers by comma")
        return {
            "ports": [int(word) for word in words],
            "authenticated": self.cleaned_data["authenticated"],
            "originating": self.cleaned_data["originating"],
        }
