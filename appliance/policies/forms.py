"""The forms of a layer: its settings, where the empty choice inherits, and its sender rules."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from appliance.policies.inherit import Inherited
from appliance.policies.labels import DESTINY_WORDS, LABELS, points
from appliance.policies.models import PolicyLayer, Profile, SenderRule
from smtpfilter.policy.settings import FIELDS, field_group, field_help, format_value

INHERIT = ("", "Inherit")
KEEP = "quarantine"
NO_TEXT = "(nothing)"
"""What a person writes where a text is to be empty: the empty choice inherits."""


BEYOND_OWN_MAIL = frozenset(
    {"forward_method", "clean_quarantine_to", "archive_quarantine_to"}
    | {name for name in FIELDS if name.endswith("_admin")}
)
"""Where mail goes, who else hears of it, what is kept of mail that nothing is wrong with: only for
those who may EDIT_SITE.
"""


class PolicyForm(forms.Form):
    """Two fields per setting, its value and its lock; changes() and locked() are what the verb is
    asked to do.  `revision`: the newest change of the layer that the person has seen.

    A field that a layer above has locked, or that reaches beyond the person's own mail without
    `edits_site`, is shown, and cannot be changed here.
    """

    def __init__(
        self,
        layer: PolicyLayer | Profile | None,
        inherited: dict[str, Inherited],
        edits_site: bool,
        *args: Any,
        revision: int = 0,
        **kwargs: Any,
    ) -> None:
        own = {name: getattr(layer, name, None) for name in FIELDS}
        self.stored = texts_of(own)
        locks = {_lock(name): True for name in getattr(layer, "locked", ())}
        kwargs["initial"] = self.stored | locks | {"revision": revision}
        super().__init__(*args, **kwargs)
        self.fields["revision"] = forms.IntegerField(required=False, widget=forms.HiddenInput)
        for name in FIELDS:
            fixed = bool(inherited[name].locked_by) or (name in BEYOND_OWN_MAIL and not edits_site)
            self.fields[name] = _field(name, self.stored[name], fixed)
            self.fields[_lock(name)] = forms.BooleanField(
                required=False, label=f"Lock {LABELS[name]} for layers below", disabled=fixed
            )

    def changes(self) -> dict[str, str | None]:
        """Return field -> what was written, None to inherit, for the fields that differ from what
        is stored.
        """
        wanted = {name: self.cleaned_data[name].strip() for name in FIELDS}
        return {
            name: None if text == "" else ("" if text == NO_TEXT else text)
            for name, text in wanted.items()
            if text != self.stored[name]
        }

    def locked(self) -> list[str]:
        """Return the fields that layers below may not change."""
        return [name for name in FIELDS if self.cleaned_data[_lock(name)]]

    def lock(self, name: str) -> forms.BoundField:
        """Return the switch that locks the setting `name`."""
        return self[_lock(name)]


def texts_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return field -> text in the form, for the settings of a row, typed or as JSON."""
    return {name: _text(settings.get(name)) for name in FIELDS}


def rebased(
    typed: QueryDict, then: Mapping[str, Any], now: Mapping[str, Any], revision: int
) -> QueryDict:
    """Return what was typed into a form that showed the layer `then`, for one that shows it as it
    is `now` at `revision`: what the person left alone is as it is now.

    Both layers are JSON, as in a recorded change.
    """
    data = typed.copy()
    was, is_now = texts_of(then.get("settings", {})), texts_of(now.get("settings", {}))
    for name in FIELDS:
        if typed.get(name, "") == was[name]:
            data[name] = is_now[name]
        locked_then, locked_now = (name in layer.get("locked", ()) for layer in (then, now))
        if (_lock(name) in typed) == locked_then != locked_now:
            data.pop(_lock(name), None)
            data.update({_lock(name): "on"} if locked_now else {})
    data["revision"] = str(revision)
    return data


def _lock(name: str) -> str:
    return f"lock_{name}"


def _text(value: Any) -> str:
    """Return a stored value as it stands in the form."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value == "":
        return NO_TEXT
    shown = format_value(value)
    return points(shown) if isinstance(shown, float) else str(shown)


def _field(name: str, stored: str, fixed: bool) -> forms.Field:
    kind = FIELDS[name]
    common: dict[str, Any] = {
        "required": False,
        "label": LABELS[name],
        "help_text": field_help(name),
        "disabled": fixed,
    }
    if kind == "flag":
        return forms.ChoiceField(choices=[INHERIT, ("yes", "Yes"), ("no", "No")], **common)
    if kind == "destiny":
        return forms.ChoiceField(choices=[INHERIT, *DESTINY_WORDS.items()], **common)
    if field_group(name) == "copies":
        return forms.ChoiceField(choices=_copies(stored), **common)
    if kind == "text":
        common["help_text"] += f" To set no text at all, write {NO_TEXT}."
    return forms.CharField(widget=forms.TextInput({"placeholder": "Inherit"}), **common)


def _copies(stored: str) -> list[tuple[str, str]]:
    """Return the choices for a kept copy; a place that a command has set can stay."""
    choices = [INHERIT, (KEEP, "Keep a copy"), (NO_TEXT, "Keep nothing: what is stopped is lost")]
    return choices if stored in ("", KEEP, NO_TEXT) else [*choices, (stored, stored)]


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
