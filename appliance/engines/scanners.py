"""The engines of this machine as the site uses them, and what each says when it is asked.

An engine has to find the harmless sample that is made for it: one that says OK to everything is
worse than one that is down (design 4.15).
"""

import os
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from appliance.engines import edit
from appliance.status.probe import TIMEOUT_SECONDS
from smtpfilter.config import FilterConfig
from smtpfilter.mail.findings import visible
from smtpfilter.policy.site import Role
from smtpfilter.ports.engines import ScannerFailed, VirusScanner
from smtpfilter.scan.clamd import Clamd
from smtpfilter.scan.entries import Entry, read_entries
from smtpfilter.scan.icap import Icap
from smtpfilter.scan.rspamd import Rspamd
from smtpfilter.scan.selftest import SelfTest
from smtpfilter.scan.spamd import Spamd

_BUILT = "%a %b %d %H:%M:%S %Y"  # of clamd's signatures, in its local time


@dataclass(frozen=True, slots=True)
class InUse:
    """A virus scanner and the role that counts: the site's, else that of its entry."""

    entry: Entry
    role: Role


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine says.  `database`: of its signatures; `built_at`: how fresh they are, None
    where it does not tell.  `seconds`: what the test took, None where it failed.
    """

    ok: bool
    detail: str
    database: str = ""
    built_at: datetime | None = None
    seconds: float | None = field(default=None, compare=False)

    def age_hours(self, now: datetime) -> float | None:
        return None if self.built_at is None else (now - self.built_at).total_seconds() / 3600


@dataclass(frozen=True, slots=True)
class SpamEngine:
    """A spam engine of this machine, and where it is asked."""

    scanner: Spamd | Rspamd
    address: str

    @property
    def name(self) -> str:
        return self.scanner.name


def virus_scanners(config: FilterConfig) -> list[InUse]:
    """Return all virus scanners of this machine, those that are off as well.  Raises ConfigError,
    DatabaseError.
    """
    roles = edit.roles()
    return [InUse(entry, roles.get(entry.name, entry.role)) for entry in read_entries(config)]


def entry_roles(config: FilterConfig) -> dict[str, Role]:
    """Return the role that its entry gives each virus scanner.  Raises ConfigError."""
    return {entry.name: entry.role for entry in read_entries(config)}


def ask_virus_scanner(entry: Entry, config: FilterConfig) -> Answer:
    """Let it look for EICAR, as for a message."""
    begun = time.monotonic()
    try:
        SelfTest(_test_folder(config)).run(entry.scanner, TIMEOUT_SECONDS)
        seconds = time.monotonic() - begun
        said = _version(entry.scanner)
    except (ScannerFailed, OSError) as error:
        return Answer(False, visible(str(error), 300) or type(error).__name__)
    engine, _, rest = said.partition("/")
    database, _, built = rest.partition("/")
    found = "finds the EICAR test file"
    detail = f"{engine}, {found}" if engine else found
    return Answer(True, detail, database, _moment(built), seconds)


def _version(scanner: VirusScanner) -> str:
    """Return "engine/database/built", as far as it tells.  Raises ScannerFailed."""
    if isinstance(scanner, Clamd):
        return scanner.version()
    return scanner.version(TIMEOUT_SECONDS) if isinstance(scanner, Icap) else ""


def spam_engines(config: FilterConfig) -> list[SpamEngine]:
    """Return the spam engines of this machine, asked or not."""
    found = []
    if config.spamd:
        found.append(SpamEngine(Spamd(config.spamd, TIMEOUT_SECONDS), str(config.spamd)))
    if config.rspamd:
        found.append(SpamEngine(Rspamd(config.rspamd, TIMEOUT_SECONDS), str(config.rspamd)))
    return found


def ask_spam_engine(engine: SpamEngine) -> Answer:
    """Let it score GTUBE."""
    begun = time.monotonic()
    try:
        engine.scanner.self_test()
    except (ScannerFailed, OSError) as error:
        return Answer(False, visible(str(error), 300) or type(error).__name__)
    return Answer(True, "finds the GTUBE test mail", seconds=time.monotonic() - begun)


def ask_engine(config: FilterConfig, name: str) -> Answer | None:
    """Ask the engine of this name; None where there is none.  Raises ConfigError."""
    for entry in read_entries(config):
        if entry.name == name:
            return ask_virus_scanner(entry, config)
    for engine in spam_engines(config):
        if engine.name == name:
            return ask_spam_engine(engine)
    return None


def _test_folder(config: FilterConfig) -> Path:
    """Return where a test file can be laid before scanners that read paths: among the messages,
    where this process may write there.
    """
    spool = config.spool_dir
    return spool if os.access(spool, os.W_OK) else Path(tempfile.gettempdir())


def _moment(built: str) -> datetime | None:
    try:
        return datetime.strptime(built, _BUILT).astimezone(UTC)
    except ValueError:
        return None
