"""Whose spam report counts for a recipient, and what a person sees of them (S-1).

A message may have been scored by the preferences of several recipients; each sees his own report.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quarantine.models import RecipientRecord
from smtpfilter.mail.findings import Findings, Rule, SpamReport
from smtpfilter.policy.settings import PolicySettings


@dataclass(frozen=True, slots=True)
class Shown:
    """One report, or why there is none, "" where nobody asked, and for whom it counts."""

    report: SpamReport | None
    failure: str
    addresses: tuple[str, ...]

    @property
    def score(self) -> float | None:
        return self.report.score if self.report else None

    @property
    def rules(self) -> list[Rule]:
        """The rules, those that weigh most first."""
        rules = self.report.rules if self.report else ()
        return sorted(rules, key=lambda rule: -abs(rule.points))


def reports_for(
    rows: Sequence[RecipientRecord], findings: Findings
) -> dict[int, SpamReport | None]:
    """Return the report that counted for each recipient, by his row's key; None where none did."""
    names = _preferences(rows, findings)
    return {
        row.pk: None if row.score is None else findings.report_for(names[row.pk]) for row in rows
    }


def shown_reports(rows: Sequence[RecipientRecord], findings: Findings) -> list[Shown]:
    """Return all reports that count for `rows`, each once, in the order of recipients."""
    names, reports = _preferences(rows, findings), reports_for(rows, findings)
    addresses: dict[tuple[SpamReport | None, str], list[str]] = {}
    for row in rows:
        failure = findings.spam_failure_for(names[row.pk]) or ""
        addresses.setdefault((reports[row.pk], failure), []).append(row.address)
    return [Shown(*key, tuple(known)) for key, known in addresses.items()]


def _preferences(rows: Sequence[RecipientRecord], findings: Findings) -> Mapping[int, str]:
    """Return by whose preferences the message was scored for each row, by its key.

    Where everybody shares one report or one failure, the rows' settings are not fetched for it.
    """
    several = findings.spam_for or (findings.spam and findings.spam_failure)
    if not several and not (findings.spam and findings.spam.preferences):
        return dict.fromkeys((row.pk for row in rows), "")
    stored = RecipientRecord.objects.filter(pk__in=[row.pk for row in rows])
    return {pk: _named(settings) for pk, settings in stored.values_list("pk", "settings")}


def _named(settings: Mapping[str, Mapping[str, str]]) -> str:
    """Return whose preferences are named by settings as RecipientRecord keeps them."""
    known = {name: value for fields in settings.values() for name, value in fields.items()}
    settled = PolicySettings(
        sa_username=known.get("sa_username"), sa_userconf=known.get("sa_userconf")
    )
    return settled.preferences
