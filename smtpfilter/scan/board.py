"""The board of engines: which virus scanners are asked about a message, and what it means when they
do not answer (V-2, V-5).

All primaries are asked; backups only where no primary gave a definite answer, and then people are
told, since a backup is slow.  Each engine has its seat (seat.py); the spam engines have a file of
their own (spam.py).  No text holds mail content.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from smtpfilter.config import FilterConfig
from smtpfilter.errors import ScannerDied
from smtpfilter.mail.findings import SpamReport
from smtpfilter.policy.site import Role, Site
from smtpfilter.policy.virus_names import infect
from smtpfilter.ports.engines import Alarms, Letter, ScannerFailed, Specimen, VirusScan
from smtpfilter.scan.entries import Entry
from smtpfilter.scan.found import joined
from smtpfilter.scan.memory import Memory, content_key
from smtpfilter.scan.poison import Suspicion, ask_carefully
from smtpfilter.scan.refused import REFUSED, refused
from smtpfilter.scan.seat import Seat
from smtpfilter.scan.selftest import SelfTest
from smtpfilter.scan.spam import SpamEngines
from smtpfilter.scan.watch import Watch
from smtpfilter.scan.wire import Clock, Deadline

NOBODY = "virus scanning is on, but no virus scanner is: see `scanners list`"


@dataclass(frozen=True, slots=True)
class Place:
    """A virus scanner at the board."""

    entry: Entry
    seat: Seat


class Board:
    """All engines of one process (ports.Engines).  To be made after the fork."""

    def __init__(
        self,
        *,
        virus: Sequence[Entry],
        spam: SpamEngines,
        config: FilterConfig,
        alarms: Alarms,
        clock: Clock = time.monotonic,
    ) -> None:
        self._virus = [Place(entry, _seat(entry, config, clock)) for entry in virus]
        self._spam = spam
        self._alarms = alarms
        self._clock = clock
        self._seconds = config.scan_timeout_seconds
        self._self_test = SelfTest(config.spool_dir)
        self._watch = Watch(self._self_test, clock)
        self._memory = Memory(clock)

    def scan_viruses(self, specimen: Specimen, site: Site) -> VirusScan:
        """Return what the site's scanners find; see ports.Engines.  Raises ScannerDied."""
        if not site.virus_scanning:
            return VirusScan(viruses=None)
        primaries = self._in_role("primary", site)
        backups = self._in_role("backup", site)
        if not primaries and not backups:
            self._alarms.sound("no virus scanner", NOBODY)
            return VirusScan(viruses=None, failure=NOBODY)
        if not site.remember_seconds:
            return self._round(specimen, site, primaries, backups).result()
        try:
            key = content_key(specimen, _asked(primaries, backups, site))
        except ScannerFailed as failure:
            return VirusScan(viruses=None, failure=str(failure))
        known = self._memory.recall(key, site.remember_seconds)
        if known:
            return known
        done = self._round(specimen, site, primaries, backups)
        if done.complete:
            self._memory.keep(key, done.result())
        return done.result()

    def scan_spam(self, letter: Letter, site: Site) -> tuple[SpamReport | None, str | None]:
        """Ask the spam engines, as the site wants; DNS lists that refuse us sound an alarm."""
        report, why = self._spam.scan(letter, site)
        if report and (wrong := refused(report)):
            self._alarms.sound(REFUSED, wrong)
        return report, why

    def _in_role(self, role: Role, site: Site) -> list[Place]:
        return [
            place
            for place in self._virus
            if site.roles.get(place.entry.name, place.entry.role) == role
        ]

    def _round(
        self, specimen: Specimen, site: Site, primaries: list[Place], backups: list[Place]
    ) -> "Round":
        """Ask the primaries, then, where none of them answers, the backups."""
        deadline = Deadline(self._seconds, self._clock)
        done = Round(self._self_test, self._watch, self._alarms, deadline)
        done.ask(primaries, specimen, site)
        if not done.answers and backups:
            why = "; ".join(done.failures) or "none is primary"
            self._alarms.sound(
                "virus scanner fallback",
                f"mail waits for the backup virus scanners, since no primary answers: {why}",
            )
            done.ask(backups, specimen, site)
        return done


class Round:
    """What the scanners say about one message."""

    def __init__(
        self, self_test: SelfTest, watch: Watch, alarms: Alarms, deadline: Deadline
    ) -> None:
        self._self_test = self_test
        self._watch = watch
        self._alarms = alarms
        self._deadline = deadline
        self.answers: list[VirusScan] = []
        self.failures: list[str] = []
        self._died: Suspicion | None = None

    @property
    def complete(self) -> bool:
        """Whether all who were asked have answered."""
        return bool(self.answers) and not self.failures

    def ask(self, places: Iterable[Place], specimen: Specimen, site: Site) -> None:
        """Ask each of them; where the site wants it, none after the first that finds a virus."""
        for place in places:
            try:
                self._watch.refuse_blind(place.entry)
                answer = ask_carefully(
                    place.entry.scanner, place.seat, specimen, self._deadline, self._self_test
                )
            except ScannerFailed as failure:
                self._failed(place, failure)
                continue
            self.answers.append(answer)
            if not answer.viruses:
                self._watch.said_clean(place.entry)
            if site.first_finding_ends and infect(answer.viruses or (), site.name_points):
                return

    def result(self) -> VirusScan:
        """Return all findings; one definite answer is enough.  Raises ScannerDied where there is
        none, and a scanner dies of this message while it scans others (A6).
        """
        if self.answers:
            return joined(self.answers)
        if self._died:
            raise ScannerDied(str(self._died))
        return VirusScan(viruses=None, failure="; ".join(self.failures))

    def _failed(self, place: Place, failure: ScannerFailed) -> None:
        self.failures.append(str(failure))
        if isinstance(failure, Suspicion):
            self._died = failure
            self._alarms.sound("poison message", str(failure))
        else:
            name = place.entry.name
            self._alarms.sound(f"virus scanner {name}", f"the virus scanner fails: {failure}")


def _seat(entry: Entry, config: FilterConfig, clock: Clock) -> Seat:
    seconds = entry.seconds or config.virus_timeout_seconds
    return Seat(entry.name, at_once=config.virus_scans, seconds=seconds, clock=clock)


def _asked(primaries: list[Place], backups: list[Place], site: Site) -> list[str]:
    """Return in words who is asked, for the memory's key."""
    words = [f"primary {place.entry.name}" for place in primaries]
    words += [f"backup {place.entry.name}" for place in backups]
    return [*words, f"first finding ends: {site.first_finding_ends and site.name_points}"]
