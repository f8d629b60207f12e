"""Asking engines: virus scanners, spam engines, the proof of a sender; and whom to tell that one
fails.
"""

from dataclasses import dataclass
from typing import Protocol

from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.findings import Authentication, SpamReport, Unchecked, Virus
from smtpfilter.mail.message import Message
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.policy.site import Site
from smtpfilter.ports.unpacking import PartFile


class ScannerFailed(Exception):
    """The engine gave no usable answer in time; the text says what happened, nothing of the mail.

    For a board, not for the pipeline.
    """


class ConnectionBroke(ScannerFailed):
    """The engine could not be reached or hung up: worth a second try."""


class BrokeInScan(ConnectionBroke):
    """The engine had taken all of the content and then broke off: it may have died of it (A6)."""


@dataclass(frozen=True, slots=True)
class VirusScan:
    """What the virus scan said: names found, () for clean, None where nobody answered.

    `failure`: why none answered.  `unchecked`: what a scanner says that it could not look into.
    """

    viruses: tuple[Virus, ...] | None = ()
    unchecked: tuple[Unchecked, ...] = ()
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Specimen:
    """What virus scanners are given: the message, and the files that were unpacked from it."""

    mail: SpooledMail
    files: tuple[PartFile, ...] = ()


class VirusScanner(Protocol):
    """`name` stands with every virus that it finds.  `needs_files`: it reads files by their paths,
    so that every part has to be one.
    """

    name: str
    needs_files: bool

    def scan(self, specimen: Specimen, seconds: float) -> VirusScan:
        """Return a definite answer within `seconds`.  Raises ScannerFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Letter:
    """What spam engines are given.  `preferences`: whose, "" for the site's (S-1); `body_bytes`:
    how much of the body they see (S-3).
    """

    mail: SpooledMail
    envelope: Envelope
    preferences: str = ""
    body_bytes: int = 200 * 1024


class SpamScanner(Protocol):
    name: str

    def scan(self, letter: Letter, seconds: float) -> SpamReport:
        """Return score and rules, within `seconds`.  Raises ScannerFailed."""
        ...


class Engines(Protocol):
    """The board: all engines, with deadlines and circuit breakers.

    What an engine does never raises; failures are texts without mail content.  Neither a finding
    nor a failure means that no such engine is used, by choice.
    """

    def scan_viruses(self, specimen: Specimen, site: Site) -> VirusScan:
        """Return what was found; `viruses` None with a failure where no scanner answered, without
        one where the site has chosen to run without.  Raises ScannerDied where the message kills
        the scanner.
        """
        ...

    def scan_spam(self, letter: Letter, site: Site) -> tuple[SpamReport | None, str | None]:
        """Return (report, None), (None, why), or (None, None) without a spam engine."""
        ...


class Authenticator(Protocol):
    def check(self, envelope: Envelope, message: Message, mail: SpooledMail) -> Authentication:
        """Return what SPF, DKIM and DMARC say, within a deadline.

        Never raises on content or on what DNS does: that is a temperror.
        """
        ...


class Alarms(Protocol):
    """Where people are told that something is wrong with the appliance."""

    def sound(self, name: str, text: str) -> None:
        """Raise the alarm `name`, as often as one likes; `text` says what is wrong and what to do,
        without mail content.  Never raises, never waits.
        """
        ...
