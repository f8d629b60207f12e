"""The board of engines: who is asked, and what a failure is called.

Each engine has its seat (seat.py); the spam engines have a file of their own (spam.py).  Nothing
here raises for what an engine does, and no text holds mail content.

An engine that is not configured was not asked by choice: no finding, no failure.
"""

import time
from collections.abc import Sequence
from functools import partial

from smtpfilter.config import FilterConfig
from smtpfilter.mail.findings import SpamReport
from smtpfilter.policy.site import Site
from smtpfilter.ports import Letter, ScannerFailed, Specimen, VirusScan, VirusScanner
from smtpfilter.scan.seat import Seat
from smtpfilter.scan.spam import SpamEngines
from smtpfilter.scan.wire import Clock


class Board:
    """All engines of one process (ports.Engines).  To be made after the fork."""

    def __init__(
        self,
        *,
        virus: Sequence[VirusScanner],
        spam: SpamEngines,
        config: FilterConfig,
        clock: Clock = time.monotonic,
    ) -> None:
        seat = partial(Seat, clock=clock)
        patience = config.virus_timeout_seconds
        self._virus = [
            (scanner, seat(scanner.name, at_once=config.virus_scans, seconds=patience))
            for scanner in virus
        ]
        self._spam = spam

    def scan_viruses(self, specimen: Specimen, site: Site) -> VirusScan:
        """Ask every virus scanner; one definite answer is enough (V-2), all findings count."""
        answers: list[VirusScan] = []
        failures: list[str] = []
        for scanner, seat in self._virus:
            try:
                answers.append(seat.ask(partial(scanner.scan, specimen)))
            except ScannerFailed as failure:
                failures.append(str(failure))
        if not answers:
            return VirusScan(viruses=None, failure="; ".join(failures) or None)
        return VirusScan(
            viruses=tuple(virus for answer in answers for virus in answer.viruses or ()),
            unchecked=tuple(item for answer in answers for item in answer.unchecked),
        )

    def scan_spam(self, letter: Letter, site: Site) -> tuple[SpamReport | None, str | None]:
        """Ask the spam engines, as the site wants."""
        return self._spam.scan(letter, site)
