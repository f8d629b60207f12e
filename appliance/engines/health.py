"""How the engines do: one part for all virus scanners together, which mail needs, one for each
where there are several, and what else a person should know.

Which engines count is the site's choice; where Postgres does not answer, the defaults do.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from appliance.engines import bayes
from appliance.engines.models import Rendering
from appliance.engines.network_state import network_tests
from appliance.engines.nodes import silence
from appliance.engines.scanners import (
    Answer,
    InUse,
    SpamEngine,
    ask_spam_engine,
    ask_virus_scanner,
    spam_engines,
    virus_scanners,
)
from appliance.status.models import SiteSettings
from appliance.status.probe import TIMEOUT_SECONDS, Probe
from smtpfilter.config import Endpoint, FilterConfig
from smtpfilter.ports.engines import ScannerFailed
from smtpfilter.scan.board import NOBODY
from smtpfilter.scan.clamd_limits import takes_message
from smtpfilter.scan.entries import read_entries

VIRUS, SPAM, SIGNATURES = "virus scanner", "spam scanner", "signatures"
OLD_HOURS, STALE_HOURS = 24, 7 * 24  # A8: an alarm, a fault

_WANTED = {
    "spamd": ("spamd",),
    "rspamd": ("rspamd",),
    "fallback": ("spamd", "rspamd"),
    "both": ("spamd", "rspamd"),
}

Parts = dict[str, Probe]


def virus_parts(config: FilterConfig) -> Parts:
    """Ask every virus scanner that is in use.  Raises ConfigError."""
    if not _settings().virus_scanning:
        return {VIRUS: Probe(True, "none, by choice: mail is not scanned for viruses", warns=True)}
    used = [scanner for scanner in _virus_scanners(config) if scanner.role != "off"]
    if not used:
        return {VIRUS: Probe(False, NOBODY)}
    with ThreadPoolExecutor(len(used)) as pool:
        answers = list(pool.map(lambda one: ask_virus_scanner(one.entry, config), used))
        small = [name for name in pool.map(lambda one: _small(one, config), used) if name]
    said = list(zip(used, answers, strict=True))
    parts = {VIRUS: _all_virus_scanners(said)}
    if len(said) > 1:
        parts |= {
            f"{VIRUS} {one.entry.name}": Probe(
                answer.ok, f"{one.role}: {answer.detail}", seconds=answer.seconds
            )
            for one, answer in said
        }
    return parts | _signatures(said, timezone.now()) | _limits(small, config)


def spam_parts(config: FilterConfig) -> Parts:
    """Ask every spam engine that is in use."""
    found = {engine.name: engine for engine in spam_engines(config)}
    if not found:
        none = "no spam scanner, by choice (FILTER_SPAMD and FILTER_RSPAMD are not set)"
        return {SPAM: Probe(True, none, warns=True)}
    chosen = _settings().spam_engine
    names = _WANTED[chosen]
    with ThreadPoolExecutor(len(names)) as pool:
        answers = list(pool.map(lambda name: _asked(name, found.get(name)), names))
    said = dict(zip(names, answers, strict=True))
    parts = {SPAM: _all_spam_engines(said, all_needed=chosen == "both")}
    if len(said) > 1:
        parts |= {
            f"{SPAM} {name}": Probe(one.ok, one.detail, seconds=one.seconds)
            for name, one in said.items()
        }
    return parts


def settings_parts() -> Parts:
    """Tell what the settings lead to: network tests, Bayes, and what each node made of them."""
    try:
        row, renderings = SiteSettings.load(), list(Rendering.objects.all())
        counts = bayes.counts()
    except DatabaseError:
        return {}  # told as "database"
    finally:
        connection.close()
    parts = {"network tests": _network(row, renderings)}
    if row.use_bayes:
        parts["bayes"] = Probe(True, str(counts), warns=not counts.active)
    if renderings or settings.AGENT_SPAMASSASSIN_FOLDER:
        parts["configuration"] = _nodes(renderings, timezone.now())
    return parts


def _settings() -> SiteSettings:
    try:
        return SiteSettings.load()
    except DatabaseError:
        return SiteSettings()
    finally:
        connection.close()


def _virus_scanners(config: FilterConfig) -> list[InUse]:
    try:
        return virus_scanners(config)
    except DatabaseError:
        return [InUse(entry, entry.role) for entry in read_entries(config)]
    finally:
        connection.close()


def _all_virus_scanners(said: Sequence[tuple[InUse, Answer]]) -> Probe:
    """One definite answer is enough for mail to flow, a backup's only slowly (V-2)."""
    works = [one.entry.name for one, answer in said if answer.ok]
    primaries = [one.entry.name for one, answer in said if answer.ok and one.role == "primary"]
    if not works:
        return Probe(False, _complaints({one.entry.name: answer for one, answer in said}))
    if not primaries:
        return Probe(True, f"no primary answers, mail waits for {', '.join(works)}", warns=True)
    if len(said) == 1:
        return Probe(True, said[0][1].detail, seconds=said[0][1].seconds)
    some = f"{len(works)} of {len(said)} answer"
    return Probe(True, f"{some}: {', '.join(works)}", warns=len(works) < len(said))


def _asked(name: str, engine: SpamEngine | None) -> Answer:
    if engine is None:
        where = f"FILTER_{name.upper()}"
        return Answer(False, f"spam_engine names {name}, but {where} does not say where it is")
    return ask_spam_engine(engine)


def _all_spam_engines(said: Mapping[str, Answer], *, all_needed: bool) -> Probe:
    """Two whose points are added are both needed, else one is enough (S-10)."""
    works = [name for name, answer in said.items() if answer.ok]
    if not works or (all_needed and len(works) < len(said)):
        fail = {name: answer for name, answer in said.items() if not answer.ok}
        return Probe(False, _complaints(fail))
    if len(said) == 1:
        (answer,) = said.values()
        return Probe(True, f"{works[0]} {answer.detail}", seconds=answer.seconds)
    some = f"{len(works)} of {len(said)} answer"
    return Probe(True, f"{some}: {', '.join(works)}", warns=len(works) < len(said))


def _complaints(said: Mapping[str, Answer]) -> str:
    if len(said) == 1:
        (answer,) = said.values()
        return answer.detail
    return "; ".join(f"{name}: {answer.detail}" for name, answer in said.items())


def _signatures(said: Sequence[tuple[InUse, Answer]], now: datetime) -> Parts:
    """Tell the age of signatures (A8), where a scanner tells it."""
    aged = [
        (hours, f"{one.entry.name} {answer.database}, {_age(hours)} old")
        for one, answer in said
        if (hours := answer.age_hours(now)) is not None
    ]
    if not aged:
        return {}
    oldest = max(hours for hours, _ in aged)
    detail = "; ".join(text for _, text in aged)
    if oldest >= OLD_HOURS:
        detail += ": does freshclam, or what else brings them, run?"
    return {SIGNATURES: Probe(oldest < STALE_HOURS, detail, warns=oldest >= OLD_HOURS)}


def _age(hours: float) -> str:
    return f"{hours:.0f} hours" if hours < 2 * OLD_HOURS else f"{hours / 24:.0f} days"


def _small(scanner: InUse, config: FilterConfig) -> str:
    """Return the name of a clamd that would refuse our largest message (A9), else ""."""
    if scanner.entry.protocol != "clamd":
        return ""
    try:
        endpoint = Endpoint.parse(scanner.entry.address)
        takes = takes_message(endpoint, config.message_size_limit_bytes, TIMEOUT_SECONDS)
    except ScannerFailed:
        return ""  # told as "virus scanner"
    return "" if takes else scanner.entry.name


def _limits(small: Sequence[str], config: FilterConfig) -> Parts:
    if not small:
        return {}
    limit = f"FILTER_MESSAGE_SIZE_LIMIT_BYTES ({config.message_size_limit_bytes})"
    detail = f"{', '.join(small)}: raise StreamMaxLength and MaxFileSize above {limit}"
    return {"scan limits": Probe(False, detail)}


def _network(row: SiteSettings, renderings: list[Rendering]) -> Probe:
    if not row.network_tests:
        return Probe(True, "off, as at the start: switch them on once mail flows", warns=True)
    tests = network_tests(row, renderings)
    lacking = [test.label for test in tests if test.state == "missing" and getattr(row, test.name)]
    running = ", ".join(test.label for test in tests if test.state == "on") or "none"
    missing = f"; missing: {', '.join(lacking)}" if lacking else ""
    return Probe(True, f"on: {running}{missing}", warns=bool(lacking))


def _nodes(renderings: Sequence[Rendering], now: datetime) -> Probe:
    """Tell on which nodes the settings are in force, where an agent is to see to it."""
    if not renderings:
        return Probe(False, "no agent has ever told of itself: does runagent run?")
    said = [
        (f"{one.engine} on {one.node}", silence(one, now) or ("" if one.ok else one.detail))
        for one in renderings
    ]
    bad = [f"{where}: {detail}" for where, detail in said if detail]
    nodes = ", ".join(sorted({one.node for one in renderings}))
    return Probe(not bad, "; ".join(bad) or f"in force on {nodes}")
