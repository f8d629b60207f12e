"""The forms of the site's settings, one for each subject; what a field means is said by the model.

Those of the engines stand with the engines.
"""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import fields_for_model

from appliance.status.edit import FIELDS, as_json
from appliance.status.models import SiteSettings


class SettingsForm(forms.Form):
    """Some of the site's settings, by the names in `labels`."""

    labels: ClassVar[dict[str, str]] = {}

    def __init__(self, row: SiteSettings, edits: bool, data: Any = None) -> None:
        super().__init__(data, initial=as_json(row))
        names = tuple(self.labels)
        self.fields.update(fields_for_model(SiteSettings, fields=names, labels=self.labels))
        for field in self.fields.values():
            field.disabled = not edits

    def clean(self) -> dict[str, Any]:
        """Put what the model says about a value beside its field."""
        for name, value in list(self.cleaned_data.items()):
            try:
                FIELDS[name].clean(value, None)
            except ValidationError as error:
                self.add_error(name, error)
        return self.cleaned_data


class AddressesForm(SettingsForm):
    labels: ClassVar = {"recipient_delimiter": "Recipient delimiter"}


class SendersForm(SettingsForm):
    labels: ClassVar = {"sender_authentication": "Check SPF, DKIM and DMARC"}


class NoticesForm(SettingsForm):
    labels: ClassVar = {
        "notice_from": "From",
        "notices_per_hour": "At most in an hour",
    }


class AlarmsForm(SettingsForm):
    labels: ClassVar = {"alarm_to": "Mail to", "alarm_webhook": "Webhook"}


class SigningInForm(SettingsForm):
    labels: ClassVar = {"staff_needs_second_factor": "Second factor for staff"}


class RetentionForm(SettingsForm):
    labels: ClassVar = {
        "retention_days": "Held mail",
        "bin_hours": "Deleted mail",
        "journal_days": "Records of messages",
    }


class TraceForm(forms.Form):
    sender = forms.CharField(
        max_length=1024, help_text="An address, a domain, or <> for mail without a sender."
    )


CARDS: dict[str, type[SettingsForm]] = {
    "retention": RetentionForm,
    "notices": NoticesForm,
    "alarms": AlarmsForm,
    "senders": SendersForm,
    "addresses": AddressesForm,
    "login": SigningInForm,
}
