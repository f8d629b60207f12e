"""The spam engines of the board: who is asked, and what becomes of a failure (S-5, S-10)."""

from collections.abc import Callable

from smtpfilter.config import FilterConfig
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.findings import SpamReport
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.policy.site import Site
from smtpfilter.ports import Letter, ScannerFailed
from smtpfilter.scan.spam import SpamEngines

Spooled = Callable[[bytes], SpooledMail]


class FakeSpam:
    def __init__(self, does: SpamReport | Exception, name: str = "spamd") -> None:
        self.name = name
        self.does = does

    def scan(self, letter: Letter, seconds: float) -> SpamReport:
        if isinstance(self.does, Exception):
            raise self.does
        return self.does


def test_answers_and_failures_are_handed_on_as_values(spooled: Spooled, envelope: Envelope) -> None:
    letter = Letter(spooled(b""), envelope)
    report = SpamReport(1.5)
    dead = FakeSpam(ScannerFailed("no answer"))

    assert SpamEngines([FakeSpam(report)], FilterConfig()).scan(letter, Site()) == (report, None)
    assert SpamEngines([dead], FilterConfig()).scan(letter, Site()) == (None, "spamd: no answer")
