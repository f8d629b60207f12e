"""Is mail flowing, and if not, what is wrong, in plain words.

Each probe asks the real thing: the scanners must find EICAR and GTUBE, since one that answers OK to
everything is worse than one that is down (design 4.15).  Probes run side by side and never take
longer than TIMEOUT_SECONDS.
"""

import platform
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone
from redis import RedisError

from appliance.engines.health import (
    SIGNATURES,
    SPAM,
    VIRUS,
    Parts,
    settings_parts,
    spam_parts,
    virus_parts,
)
from appliance.sources.health import source_failures
from appliance.status.alarms import current_alarms
from appliance.status.disk import disk
from appliance.status.heartbeat import SILENT_SECONDS, broker, seconds_since_beat
from appliance.status.models import SiteSettings
from appliance.status.probe import TIMEOUT_SECONDS, Probe
from appliance.status.readable import unreadable
from smtpfilter.config import ConfigError, Endpoint, FilterConfig
from smtpfilter.mail.reply import parse_reply
from smtpfilter.ports.engines import ScannerFailed
from smtpfilter.scan.authenticity.lookups import DnsFailed, Lookups

# Sent every ten seconds: one that has been due for ten minutes is sent by nobody.
_WAITING_NOTICES = """
    SELECT count(*), floor(extract(epoch FROM now() - min(created_at)) / 60),
           COALESCE(bool_or(not_before < now() - interval '10 min'), false)
    FROM quarantine_notice WHERE state IN ('waiting', 'sending')"""


def probe_all(config: FilterConfig | None = None) -> dict[str, Probe]:
    """Ask every part that is in use; return what each says, in the order in which mail meets
    them.
    """
    config = config or FilterConfig.from_environment()
    probes: tuple[Callable[[], Parts], ...] = (
        _part("database", _timed(_database)),
        _part("filter", _timed(lambda: _greets(config.listen[0]))),
        _parts(VIRUS, lambda: virus_parts(config)),
        _part("scan group", lambda: _scan_group(config)),
        _parts(SPAM, lambda: spam_parts(config)),
        _part("next hop", _timed(lambda: _greets(config.relay))),
        _part("queue", _timed(_broker)),
        _part("disk", lambda: disk(config.spool_dir, settings.VAR_DIR)),
        _part("notices", _notices),
        _part("dns", lambda: _dns(config)),
        _part("sources", _sources),
        _parts("engines", settings_parts),
        _part("alarms", _alarms),
    )
    with ThreadPoolExecutor(len(probes)) as pool:
        answers = [pool.submit(probe) for probe in probes]
        return {name: probe for answer in answers for name, probe in answer.result().items()}


MAIL_NEEDS = ("database", "filter", VIRUS, SPAM, "next hop")


def mail_flows(probes: Mapping[str, Probe]) -> bool:
    """Tell whether mail would flow; a silent broker only delays releases."""
    return all(probes[name].ok for name in MAIL_NEEDS)


def alarming(name: str, probe: Probe) -> bool:
    """Tell whether people are to be called for what the part says; old signatures call for them
    before they count as a fault (A8).
    """
    return not probe.ok or (name == SIGNATURES and probe.warns)


def report(probes: Mapping[str, Probe]) -> str:
    """Return a text for a support request: versions and probes, no addresses, no mail."""
    lines = [f"Postern on {platform.platform()}, Python {platform.python_version()}", ""]
    lines += [f"{probe.word}  {name}: {probe.detail}" for name, probe in probes.items()]
    return "\n".join(lines) + "\n"


def _part(name: str, probe: Callable[[], Probe | None]) -> Callable[[], Parts]:
    """Return the probe as one that gives the part `name`, or none."""

    def parts() -> Parts:
        said = probe()
        return {name: said} if said else {}

    return _parts(name, parts)


def _parts(name: str, probes: Callable[[], Parts]) -> Callable[[], Parts]:
    """Return `probes` so that what they raise is said as the part `name` that does not work."""

    def parts() -> Parts:
        try:
            return probes()
        except (
            OSError, ScannerFailed, DnsFailed, DatabaseError, RedisError, ConfigError
        ) as error:  # fmt: skip
            lines = str(error).splitlines()
            return {name: Probe(False, lines[0] if lines else type(error).__name__)}

    return parts


def _timed(probe: Callable[[], Probe]) -> Callable[[], Probe]:
    """Return the probe so that its answer tells how long it took."""

    def timed() -> Probe:
        begun = time.monotonic()
        said = probe()
        return replace(said, seconds=time.monotonic() - begun)

    return timed


def _database() -> Probe:
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('server_version'), current_setting('synchronous_commit')"
            )
            version, synchronous = cursor.fetchone()
    finally:
        connection.close()
    return Probe(True, f"Postgres {version}, synchronous_commit {synchronous}")


def greeting(endpoint: Endpoint) -> Probe:
    """Tell whether somebody answers at `endpoint` as a mail server does."""
    try:
        return _greets(endpoint)
    except OSError as error:
        return Probe(False, f"{endpoint}: {error.strerror or error}")


def _greets(endpoint: Endpoint) -> Probe:
    """Connect as Postfix would and read the greeting."""
    with _connect(endpoint) as connected, connected.makefile("rwb") as stream:
        greeting = parse_reply(stream.readline(1000).decode("ascii", "replace").strip())
        stream.write(b"QUIT\r\n")
        stream.flush()
    if greeting is None or not greeting.accepted:
        return Probe(False, f"{endpoint} answers {greeting or 'no SMTP'}")
    return Probe(True, f"{endpoint} answers {greeting.code}")


def _connect(endpoint: Endpoint) -> socket.socket:
    if not endpoint.path:
        return socket.create_connection((endpoint.host, endpoint.port), TIMEOUT_SECONDS)
    connected = socket.socket(socket.AF_UNIX)
    connected.settimeout(TIMEOUT_SECONDS)
    connected.connect(endpoint.path)
    return connected


def _broker() -> Probe:
    """Tell how much waits for Celery, and whether beat and a worker were at work lately."""
    redis = broker(TIMEOUT_SECONDS)
    waiting = redis.llen(settings.CELERY_TASK_DEFAULT_QUEUE)
    ago = seconds_since_beat(redis)
    tasks = "1 task waits" if waiting == 1 else f"{waiting} tasks wait"
    if ago is None or ago > SILENT_SECONDS:
        silent = "was never at work" if ago is None else f"was last at work {ago / 60:.0f} min ago"
        detail = f"Redis answers, {tasks}, Celery {silent}: do its worker and beat run?"
        return Probe(True, detail, warns=True)
    return Probe(True, f"Redis answers, {tasks}, Celery was at work {ago:.0f} s ago")


def _dns(config: FilterConfig) -> Probe | None:
    """Ask for the root; None where nothing of ours needs DNS."""
    try:
        if not SiteSettings.load().sender_authentication:
            return None
    except DatabaseError:
        return None  # told as "database"
    finally:
        connection.close()
    Lookups(config.dns, TIMEOUT_SECONDS).ask(".", "NS")
    return Probe(True, f"{config.dns or 'the system'} answers")


def _sources() -> Probe | None:
    """Tell how the last reading of each source went; None where there are none."""
    try:
        failures = source_failures()
    except DatabaseError:
        return None  # told as "database"
    finally:
        connection.close()
    if failures is None:
        return None
    return Probe(not failures, "; ".join(failures) or "the last reading of each went well")


def _alarms() -> Probe | None:
    """Tell what people were called for lately; None where Postgres does not answer."""
    try:
        current = current_alarms(timezone.now())
    except DatabaseError:
        return None  # told as "database"
    finally:
        connection.close()
    told = "; ".join(f"{alarm.name}: {alarm.text}" for alarm in current)
    return Probe(True, told or "none", warns=bool(current))


def _scan_group(config: FilterConfig) -> Probe | None:
    """Tell which scanner cannot read the messages; None where all can."""
    complaints = unreadable(config)
    return Probe(False, "; ".join(complaints)) if complaints else None


def _notices() -> Probe:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_WAITING_NOTICES)
            count, minutes, overdue = cursor.fetchone()
    finally:
        connection.close()
    if not count:
        return Probe(True, "none waits")
    waiting = f"{count} waiting, the oldest for {minutes:.0f} min"
    if overdue:
        return Probe(False, f"{waiting}; do Celery's worker and beat run?")
    return Probe(True, waiting)
