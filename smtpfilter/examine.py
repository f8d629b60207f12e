"""Looking into a message: every check that at least one recipient wants, each run once (L-1, L-5,
Z-19).
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass, replace

from smtpfilter.config import FilterConfig
from smtpfilter.log import Story
from smtpfilter.mail import headers
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.findings import Findings, SpamReport
from smtpfilter.mail.message import Message
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.policy.site import Site
from smtpfilter.policy.virus_names import infect, rated
from smtpfilter.ports.engines import Engines, Letter, Specimen, VirusScan
from smtpfilter.ports.unpacking import Unpacker
from smtpfilter.scan.found import joined
from smtpfilter.verdict.decide import could_pass, is_too_big
from smtpfilter.verdict.verdict import Case

# Design 4.14: the spam scan starts early where the virus scan takes longer.
SPAM_SCAN_WAITS_SECONDS = 0.02

Score = tuple[SpamReport | None, str | None]  # what Engines.scan_spam says

_TOO_LATE = "no time was left to score by the preferences of all recipients"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which checks this message's recipients want between them.

    `scored`: the cases whose recipients want a score.
    """

    header: bool
    parts: bool
    virus: bool
    scored: tuple[Case, ...]

    @classmethod
    def by(cls, cases: Sequence[Case]) -> "Wanted":
        """Return what `cases` want: nothing for those to whom the message is too big (Z-19).

        The parts are looked into for all others: nobody can choose to get ambiguous mail (BB-18).
        """
        cases = [case for case in cases if not is_too_big(case)]
        settings = [case.policy.settings for case in cases]
        return cls(
            header=not all(s.bypass_header_checks for s in settings),
            parts=bool(cases),
            virus=not all(s.bypass_virus_checks for s in settings),
            scored=tuple(case for case in cases if _wants_score(case)),
        )

    def preferences(self, findings: Findings) -> tuple[str, ...]:
        """Return by whose preferences to score, each once, the site's first (S-1): of those who
        want a score and could still get the mail, after `findings` (L-5).
        """
        names: set[str] = set()
        for case in self.scored:
            name = case.policy.settings.preferences
            if name not in names and could_pass(case, findings):
                names.add(name)
        return tuple(sorted(names))


def _wants_score(case: Case) -> bool:
    hard_listed = case.sender.white or case.sender.black
    return not (case.policy.settings.bypass_spam_checks or hard_listed)


@dataclass(frozen=True, slots=True)
class Examiner:
    """`helpers` runs the virus scan, so that the spam scan can start beside a slow one.
    `spam_seconds`: once they are over, no further preferences are asked for.
    """

    unpacker: Unpacker
    engines: Engines
    helpers: Executor
    spam_seconds: float = FilterConfig.spam_timeout_seconds

    def examine(
        self,
        envelope: Envelope,
        message: Message,
        mail: SpooledMail,
        wanted: Wanted,
        site: Site,
        story: Story,
    ) -> Findings:
        """Return what was found.  A dead engine is a failure text in the findings, no error."""
        findings = Findings()
        specimen = Specimen(mail)
        if wanted.header:
            findings = replace(
                findings, bad_headers=headers.check(message, smtputf8=envelope.smtputf8)
            )
        if wanted.parts:
            unpacked = self.unpacker.unpack(mail, site.limits)
            findings = replace(findings, parts=unpacked.parts, unchecked=unpacked.unchecked)
            specimen = replace(specimen, files=unpacked.files)
            story.step(
                "unpacked",
                parts=[part.banned_path for part in unpacked.parts[:20]],
                unchecked=[item.text for item in unpacked.unchecked],
            )
        return self._ask_engines(envelope, specimen, findings, wanted, site, story)

    def close(self) -> None:
        self.unpacker.stop()
        self.helpers.shutdown(wait=False)

    def _ask_engines(
        self,
        envelope: Envelope,
        specimen: Specimen,
        findings: Findings,
        wanted: Wanted,
        site: Site,
        story: Story,
    ) -> Findings:
        """Virus first, then spam; both at once only where the virus scan takes its time.  What
        nobody gets anyway is not scored: that is unknown then.
        """
        letter = Letter(specimen.mail, envelope, body_bytes=site.spam_body_bytes)
        scores: dict[str, Score] = {}
        if wanted.virus:
            scan = self.helpers.submit(self.engines.scan_viruses, specimen, site)
            if not wait([scan], SPAM_SCAN_WAITS_SECONDS).done:
                scores = self._scores(letter, wanted.preferences(findings), site)
            result = self._beyond_signs(scan.result(), specimen, site)
            findings = replace(
                findings,
                viruses=None if result.viruses is None else rated(result.viruses, site.name_points),
                scanner_failure=result.failure,
                unchecked=findings.unchecked + result.unchecked,
            )
            story.step(
                "virus scan", viruses=[v.name for v in result.viruses or ()], failure=result.failure
            )
        names = wanted.preferences(findings)
        scores |= self._scores(letter, [name for name in names if name not in scores], site)
        return _with_scores(findings, {name: scores[name] for name in names}, story)

    def _beyond_signs(self, scan: VirusScan, specimen: Specimen, site: Site) -> VirusScan:
        """Return the answer, or, where it names but signs of spam, what is found in each content by
        itself as well: of a whole message scanners name what they find first (V-4).
        """
        if not scan.viruses or infect(scan.viruses, site.name_points):
            return scan
        unpacked = self.unpacker.unpack(specimen.mail, site.limits, all_files=True)
        files = tuple(replace(file, hidden=True) for file in unpacked.files)
        each = self.engines.scan_viruses(replace(specimen, files=files), site)
        if each.viruses is None:
            return each
        return joined((scan, each))

    def _scores(self, letter: Letter, names: Sequence[str], site: Site) -> dict[str, Score]:
        """Return what the engine says by each of these preferences."""
        end = time.monotonic() + self.spam_seconds
        scores: dict[str, Score] = {}
        for name in names:
            late = bool(scores) and time.monotonic() >= end
            scan = replace(letter, preferences=name)
            scores[name] = (None, _TOO_LATE) if late else self.engines.scan_spam(scan, site)
        return scores


def _with_scores(findings: Findings, scores: Mapping[str, Score], story: Story) -> Findings:
    reports = []
    for name, (report, failure) in scores.items():
        rules = {rule.name: rule.points for rule in report.rules} if report else {}
        story.step(
            "spam scan",
            preferences=name,
            score=report and report.score,
            rules=rules,
            failure=failure,
        )
        if report:
            reports.append(replace(report, preferences=name))
    failures = dict.fromkeys(failure for _, failure in scores.values() if failure)
    return replace(
        findings,
        spam=reports[0] if reports else None,
        spam_for={report.preferences: report for report in reports[1:]},
        spam_failure="; ".join(failures) or None,
    )
