"""The spam engines of the board: which is asked for a message, and what a failure is called."""

import time
from collections.abc import Sequence
from functools import partial

from smtpfilter.config import FilterConfig
from smtpfilter.mail.findings import SpamReport
from smtpfilter.policy.site import Site
from smtpfilter.ports import Letter, ScannerFailed, SpamScanner
from smtpfilter.scan.seat import Seat
from smtpfilter.scan.wire import Clock


class SpamEngines:
    """The spam engines of one process.  To be made after the fork."""

    def __init__(
        self,
        scanners: Sequence[SpamScanner],
        config: FilterConfig,
        clock: Clock = time.monotonic,
    ) -> None:
        patience = config.spam_timeout_seconds
        self._seats = [
            (
                scanner,
                Seat(scanner.name, at_once=config.spam_scans, seconds=patience, clock=clock),
            )
            for scanner in scanners
        ]

    def scan(self, letter: Letter, site: Site) -> tuple[SpamReport | None, str | None]:
        """Return (report, None), (None, why), or (None, None) where there is no engine."""
        for scanner, seat in self._seats:
            try:
                return seat.ask(partial(scanner.scan, letter)), None
            except ScannerFailed as failure:
                return None, str(failure)
        return None, None
