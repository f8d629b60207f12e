"""The spam engines of the board: which of them the site asks about a message, and what it means
when one does not answer (S-5, S-10).

A score of Rspamd's is counted in SpamAssassin's points, by a factor of the site.  Where both are
asked, their points are added, and both have to answer: half a score would let spam through.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from smtpfilter.config import FilterConfig
from smtpfilter.mail.findings import SpamReport
from smtpfilter.policy.site import Site
from smtpfilter.ports.engines import Alarms, Letter, ScannerFailed, SpamScanner
from smtpfilter.scan import rspamd, spamd
from smtpfilter.scan.report import total
from smtpfilter.scan.seat import Seat
from smtpfilter.scan.wire import Clock

_PREFIX = "RSPAMD"  # of Rspamd's rules where they stand beside SpamAssassin's, some of one name


@dataclass(frozen=True, slots=True)
class Place:
    """A spam engine at the board."""

    scanner: SpamScanner
    seat: Seat


class SpamEngines:
    """The spam engines of one process.  To be made after the fork."""

    def __init__(
        self,
        scanners: Sequence[SpamScanner],
        config: FilterConfig,
        alarms: Alarms,
        clock: Clock = time.monotonic,
    ) -> None:
        at_once, seconds = config.spam_scans, config.spam_timeout_seconds
        self._alarms = alarms
        self._places = {
            scanner.name: Place(
                scanner, Seat(scanner.name, at_once=at_once, seconds=seconds, clock=clock)
            )
            for scanner in scanners
        }

    def scan(self, letter: Letter, site: Site) -> tuple[SpamReport | None, str | None]:
        """Return (report, None), (None, why), or (None, None) where no engine is configured."""
        if not self._places:
            return None, None
        try:
            return self._report(letter, site), None
        except ScannerFailed as failure:
            return None, str(failure)

    def _report(self, letter: Letter, site: Site) -> SpamReport:
        match site.spam_engine:
            case "rspamd":
                return self._by_rspamd(letter, site)
            case "both":
                return _added(self._ask(spamd.NAME, letter), self._by_rspamd(letter, site))
            case "fallback":
                return self._fallback(letter, site)
        return self._ask(spamd.NAME, letter)

    def _fallback(self, letter: Letter, site: Site) -> SpamReport:
        try:
            return self._ask(spamd.NAME, letter)
        except ScannerFailed as failure:
            try:
                report = self._by_rspamd(letter, site)
            except ScannerFailed as second:
                raise ScannerFailed(f"{failure}; {second}") from second
            self._alarms.sound(
                "spam engine fallback",
                f"mail is scored by Rspamd, since SpamAssassin gives no answer: {failure}",
            )
            return report

    def _by_rspamd(self, letter: Letter, site: Site) -> SpamReport:
        return _scaled(self._ask(rspamd.NAME, letter), site.rspamd_factor)

    def _ask(self, name: str, letter: Letter) -> SpamReport:
        """Ask one engine.  Raises ScannerFailed, after people were told."""
        try:
            place = self._places.get(name)
            if place is None:
                raise ScannerFailed(
                    f"{name}: the setting spam_engine names it, but FILTER_{name.upper()} does not"
                    " say where it is"
                )
            return place.seat.ask(partial(place.scanner.scan, letter))
        except ScannerFailed as failure:
            self._alarms.sound(f"spam engine {name}", f"the spam engine fails: {failure}")
            raise


def _scaled(report: SpamReport, factor: float) -> SpamReport:
    """Return the report in SpamAssassin's points."""
    rules = tuple(
        replace(rule, points=round(rule.points * factor, 3) + 0.0) for rule in report.rules
    )
    return replace(report, score=total(rules), rules=rules)


def _added(first: SpamReport, second: SpamReport) -> SpamReport:
    """Return one report of SpamAssassin's and Rspamd's, in which each rule tells whose it is."""
    theirs = (
        rule if rule.name.startswith(_PREFIX) else replace(rule, name=f"{_PREFIX}.{rule.name}")
        for rule in second.rules
    )
    return replace(
        first,
        score=round(first.score + second.score, 3) + 0.0,
        rules=(*first.rules, *theirs),
        engine=f"{first.engine}, {second.engine}",
    )
