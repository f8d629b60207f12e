"""Looking into a message: every check that at least one recipient wants, each run once (L-1, L-5,
Z-19).
"""

from collections.abc import Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass, replace

from smtpfilter.log import Story
from smtpfilter.mail import headers
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.findings import Findings
from smtpfilter.mail.message import Message
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.policy.site import Site
from smtpfilter.ports import Engines, Letter, Specimen, Unpacker
from smtpfilter.verdict.decide import could_pass, is_too_big
from smtpfilter.verdict.verdict import Case

SPAM_SCAN_WAITS_SECONDS = (
    0.02  # design 4.14: the spam scan starts early where the virus scan takes longer
)


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
        """Return what `cases` want: nothing for those to whom the message is too big (Z-19)."""
        cases = [case for case in cases if not is_too_big(case)]
        settings = [case.policy.settings for case in cases]
        virus = not all(s.bypass_virus_checks for s in settings)
        return cls(
            header=not all(s.bypass_header_checks for s in settings),
            parts=virus or not all(s.bypass_banned_checks for s in settings),
            virus=virus,
            scored=tuple(case for case in cases if _wants_score(case)),
        )

    def wants_score(self, findings: Findings) -> bool:
        """Tell whether anybody who wants a score could still get the mail, after `findings`
        (L-5).
        """
        return any(could_pass(case, findings) for case in self.scored)


def _wants_score(case: Case) -> bool:
    hard_listed = case.sender.white or case.sender.black
    return not (case.policy.settings.bypass_spam_checks or hard_listed)


@dataclass(frozen=True, slots=True)
class Examiner:
    """`helpers` runs the virus scan, so that the spam scan can start beside a slow one."""

    unpacker: Unpacker
    engines: Engines
    helpers: Executor

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
        early = None
        if wanted.virus:
            scan = self.helpers.submit(self.engines.scan_viruses, specimen, site)
            if not wait([scan], SPAM_SCAN_WAITS_SECONDS).done and wanted.wants_score(findings):
                early = self.engines.scan_spam(letter, site)
            result = scan.result()
            findings = replace(
                findings,
                viruses=result.viruses,
                scanner_failure=result.failure,
                unchecked=findings.unchecked + result.unchecked,
            )
            story.step(
                "virus scan", viruses=[v.name for v in result.viruses or ()], failure=result.failure
            )
        if wanted.wants_score(findings):
            report, failure = early or self.engines.scan_spam(letter, site)
            findings = replace(findings, spam=report, spam_failure=failure)
            rules = {rule.name: rule.points for rule in report.rules} if report else {}
            story.step("spam scan", score=report and report.score, rules=rules, failure=failure)
        return findings
