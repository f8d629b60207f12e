"""The form of a layer's settings: one line for each, where the empty choice inherits."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from appliance.policies.forms import BEYOND_OWN_MAIL
from appliance.policies.inherit import Inherited
from appliance.policies.labels import DESTINY_WORDS, LABELS, points
from appliance.policies.models import REASON_LIMIT, NamedPolicy, PolicyLayer, Profile
from appliance.policies.treatments import (
    BY_NAME,
    LINES,
    SKIP,
    chosen,
    fields_of,
    offered,
    settings_of,
)
from smtpfilter.policy.settings import FIELDS, field_group, field_help, format_value

INHERIT = ("", "Inherit")
KEEP = "quarantine"
NO_TEXT = "(nothing)"
"""What a person writes where a text is to be empty: the empty choice inherits."""


class PolicyForm(forms.Form):
    """Two fields per line, its value and its lock; changes() and locked() are what the verb is
    asked to do.  `revision`: the newest change of the layer that the person has seen.

    A line whose setting a layer above has locked, or that reaches beyond the person's own mail
    without `edits_site`, is shown, and cannot be changed here.
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
        self.inherited = inherited
        self.own_locks = set(getattr(layer, "locked", ()))
        self.own = {name: getattr(layer, name, None) for name in FIELDS}
        self.stored = texts_of(self.own, inherited)
        locks = {lock_name(line): True for line in LINES if self.own_locks & {*fields_of(line)}}
        kwargs["initial"] = self.stored | locks | {"revision": revision}
        super().__init__(*args, **kwargs)
        self.fields["revision"] = forms.IntegerField(required=False, widget=forms.HiddenInput)
        self.fields["why"] = forms.CharField(
            required=False, label="Why (kept with the change)", max_length=REASON_LIMIT
        )
        self.fields["sure"] = forms.BooleanField(
            required=False, label="Yes, do not look for viruses in this mail"
        )
        for line in LINES:
            names = fields_of(line)
            fixed = any(inherited[name].locked_by for name in names)
            fixed = fixed or (line in BEYOND_OWN_MAIL and not edits_site)
            self.fields[line] = _field(line, self.stored[line], fixed)
            self.fields[lock_name(line)] = forms.BooleanField(
                required=False,
                label=f"Lock {self.fields[line].label} for layers below",
                disabled=fixed,
            )

    def changes(self) -> dict[str, str | None]:
        """Return setting -> what was written, None to inherit, for the lines that differ from what
        is stored.
        """
        wanted = {line: self.cleaned_data[line].strip() for line in LINES}
        changes: dict[str, str | None] = {}
        for line in sorted(LINES, key=lambda line: line not in BY_NAME):  # a written level wins
            if wanted[line] != self.stored[line]:
                changes |= _written(line, wanted[line], self.stored[line])
        return changes

    def leaves_unasked(self) -> bool:
        """Tell whether saving would stop the search for viruses without a reason given for it and
        a second confirmation.
        """
        sure = self.cleaned_data["sure"] and self.cleaned_data["why"].strip()
        return self._skips_viruses() and not sure

    def _skips_viruses(self) -> bool:
        return bool(self.cleaned_data["treat_virus"] == SKIP != self.stored["treat_virus"])

    def locked(self) -> list[str]:
        """Return the settings that layers below may not change."""
        found = {name for line in LINES for name in self._locked(line)}
        return [name for name in FIELDS if name in found]

    def _locked(self, line: str) -> set[str]:
        """Return which settings of the line are locked; one lock of two stays as it is."""
        names = set(fields_of(line))
        before = self.own_locks & names
        wanted: bool = self.cleaned_data[lock_name(line)]
        return before if wanted == bool(before) else names if wanted else set()

    def lock(self, line: str) -> forms.BoundField:
        """Return the switch that locks a line."""
        return self[lock_name(line)]


class LayerForm(PolicyForm):
    """The settings of a layer, and the named policy that it shares."""

    def __init__(
        self,
        layer: PolicyLayer | None,
        inherited: dict[str, Inherited],
        edits_site: bool,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(layer, inherited, edits_site, *args, **kwargs)
        shared = layer.policy if layer else None
        self.initial["policy"] = shared.name if shared else ""
        self.policies = {
            policy.name: policy
            for policy in NamedPolicy.objects.all()
            if edits_site or policy == shared or not _reaches_beyond(policy)
        }
        choices = [("", "None"), *((name, name.capitalize()) for name in self.policies)]
        self.fields["policy"] = forms.ChoiceField(
            required=False, label="Named policy", choices=choices
        )

    def _skips_viruses(self) -> bool:
        return self._skips(self.cleaned_data) and not self._skips(self.initial)

    def _skips(self, said: Mapping[str, Any]) -> bool:
        """Tell whether no virus is looked for where the lines and the named policy are `said`."""
        if said["treat_virus"] or self.inherited["bypass_virus_checks"].locked_by:
            return bool(said["treat_virus"] == SKIP)
        shared = self.policies.get(said["policy"])
        own = shared.bypass_virus_checks if shared else None
        return bool(self.inherited["bypass_virus_checks"].value if own is None else own)


def _reaches_beyond(policy: NamedPolicy) -> bool:
    return any(getattr(policy, name) is not None for name in BEYOND_OWN_MAIL)


def texts_of(settings: Mapping[str, Any], above: Mapping[str, Inherited]) -> dict[str, str]:
    """Return line -> text in the form, for the settings of a row, typed or as JSON."""
    beside = {name: found.value for name, found in above.items()}
    return {
        line: chosen(BY_NAME[line], settings, beside)
        if line in BY_NAME
        else _text(settings.get(line))
        for line in LINES
    }


def rebased(
    typed: QueryDict,
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    above: Mapping[str, Inherited],
    revision: int,
) -> QueryDict:
    """Return what was typed into a form that showed the layer `then`, for one that shows it as it
    is `now` at `revision`: what the person left alone is as it is now.

    Both layers are JSON, as in a recorded change.
    """
    data = typed.copy()
    was, is_now = (texts_of(layer.get("settings", {}), above) for layer in (then, now))
    for line in LINES:
        if typed.get(line, "") == was[line]:
            data[line] = is_now[line]
        locks = [bool({*layer.get("locked", ())} & {*fields_of(line)}) for layer in (then, now)]
        if (lock_name(line) in typed) == locks[0] != locks[1]:
            data.pop(lock_name(line), None)
            data.update({lock_name(line): "on"} if locks[1] else {})
    data["revision"] = str(revision)
    return data


def lock_name(line: str) -> str:
    return f"lock_{line}"


def _written(line: str, text: str, before: str) -> dict[str, str | None]:
    """Return setting -> what a person would write for the text of a line."""
    if line in BY_NAME:
        return settings_of(BY_NAME[line], text, before)
    return {line: None if text == "" else "" if text == NO_TEXT else text}


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
    if name in BY_NAME:
        choices = [INHERIT, *offered(BY_NAME[name])]
        label = BY_NAME[name].label
        return forms.ChoiceField(required=False, label=label, disabled=fixed, choices=choices)
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
