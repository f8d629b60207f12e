"""The forms of the engines' settings, one for each subject; what a field means is said by the
model.
"""

from typing import ClassVar

from appliance.status.forms import SettingsForm


class ScanningForm(SettingsForm):
    labels: ClassVar = {
        "first_finding_ends": "Stop at the first finding",
        "remember_seconds": "Remember identical content",
    }


class SpamForm(SettingsForm):
    labels: ClassVar = {
        "spam_engine": "Engine",
        "rspamd_factor": "Worth of an Rspamd point",
        "spam_body_kilobytes": "Body that is looked at",
    }


class NetworkForm(SettingsForm):
    labels: ClassVar = {
        "network_tests": "Ask the network",
        "dns_lists": "DNS block lists",
        "razor": "Razor2",
        "pyzor": "Pyzor",
        "dcc": "DCC",
    }


class BayesForm(SettingsForm):
    labels: ClassVar = {
        "use_bayes": "Score by Bayes",
        "bayes_auto_learn": "Learn by itself",
        "bayes_auto_learn_threshold_nonspam": "Learn as wanted below",
        "bayes_auto_learn_threshold_spam": "Learn as spam from",
    }


class UnpackingForm(SettingsForm):
    labels: ClassVar = {
        "unpack_levels": "Levels",
        "unpack_parts": "Parts",
        "unpack_megabytes": "Content",
        "unpack_ratio": "Ratio",
        "unpack_free_megabytes": "Content free of the ratio",
        "unpack_seconds": "Time",
    }


class PenPalsForm(SettingsForm):
    labels: ClassVar = {
        "penpals_bonus_score": "Bonus",
        "penpals_halflife_days": "Half-life",
        "penpals_threshold_low": "Not below",
        "penpals_threshold_high": "Not above",
    }


CARDS: dict[str, type[SettingsForm]] = {
    "scanning": ScanningForm,
    "spam": SpamForm,
    "network": NetworkForm,
    "bayes": BayesForm,
    "unpacking": UnpackingForm,
    "penpals": PenPalsForm,
}
