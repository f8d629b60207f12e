"""Is mail flowing, and if not, what is wrong, in plain words.

Each probe asks the real thing: the scanners must find EICAR and GTUBE, since one that answers OK to
everything is worse than one that is down (design 4.15).  Probes run side by side and never take
longer than TIMEOUT_SECONDS.
"""

import platform
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, connection
from redis import Redis, RedisError

from appliance.sources.health import source_failures
from appliance.status.models import SiteSettings
from smtpfilter.config import Endpoint, FilterConfig
from smtpfilter.mail.reply import parse_reply
from smtpfilter.ports import ScannerFailed
from smtpfilter.scan.authenticity.lookups import DnsFailed, Lookups
from smtpfilter.scan.clamd import Clamd
from smtpfilter.scan.spamd import Spamd

TIMEOUT_SECONDS = 8.0

# Sent every ten seconds: one that has been due for ten minutes is sent by nobody.
_WAITING_NOTICES = """
    SELECT count(*), floor(extract(epoch FROM now() - min(created_at)) / 60),
           COALESCE(bool_or(not_before < now() - interval '10 min'), false)
    FROM quarantine_notice WHERE state IN ('waiting', 'sending')"""


@dataclass(frozen=True, slots=True)
class Probe:
    """One part of the appliance: does it work, and what does it say."""

    ok: bool
    detail: str


def probe_all(config: FilterConfig | None = None) -> dict[str, Probe]:
    """Ask every part that is in use; return what each says, in the order in which mail meets
    them.
    """
    config = config or FilterConfig.from_environment()
    probes: dict[str, Callable[[], Probe | None]] = {
        "database": _database,
        "filter": lambda: _greets(config.listen[0]),
        "virus scanner": lambda: _clamd(config),
        "spam scanner": lambda: _spamd(config),
        "next hop": lambda: _greets(config.relay),
        "queue": _broker,
        "notices": _notices,
        "dns": lambda: _dns(config),
        "sources": _sources,
    }
    with ThreadPoolExecutor(len(probes)) as pool:
        answers = {name: pool.submit(_safely, probe) for name, probe in probes.items()}
        said = {name: answer.result() for name, answer in answers.items()}
    return {name: probe for name, probe in said.items() if probe}


MAIL_NEEDS = ("database", "filter", "virus scanner", "spam scanner", "next hop")


def mail_flows(probes: Mapping[str, Probe]) -> bool:
    """Tell whether mail would flow; a silent broker only delays releases."""
    return all(probes[name].ok for name in MAIL_NEEDS)


def report(probes: Mapping[str, Probe]) -> str:
    """Return a text for a support request: versions and probes, no addresses, no mail."""
    lines = [f"Postern on {platform.platform()}, Python {platform.python_version()}", ""]
    lines += [
        f"{'ok ' if probe.ok else 'BAD'}  {name}: {probe.detail}" for name, probe in probes.items()
    ]
    return "\n".join(lines) + "\n"


def _safely(probe: Callable[[], Probe | None]) -> Probe | None:
    try:
        return probe()
    except (OSError, ScannerFailed, DnsFailed, DatabaseError, RedisError) as error:
        return Probe(False, str(error).splitlines()[0] if str(error) else type(error).__name__)


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


def _clamd(config: FilterConfig) -> Probe:
    if config.clamd is None:
        return Probe(True, "no virus scanner, by choice (FILTER_CLAMD is not set)")
    clamd = Clamd(config.clamd, TIMEOUT_SECONDS)
    clamd.self_test()
    return Probe(True, f"{clamd.version()}, finds the EICAR test file")


def _spamd(config: FilterConfig) -> Probe:
    if config.spamd is None:
        return Probe(True, "no spam scanner, by choice (FILTER_SPAMD is not set)")
    Spamd(config.spamd, TIMEOUT_SECONDS).self_test()
    return Probe(True, "spamd finds the GTUBE test mail")


def _broker() -> Probe:
    Redis.from_url(_redis_url(settings.CELERY_BROKER_URL), socket_timeout=TIMEOUT_SECONDS).ping()
    return Probe(True, "Redis answers")


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


def _redis_url(broker_url: str) -> str:
    """Return Celery's spelling of a Redis address as redis-py reads it."""
    scheme, _, rest = broker_url.partition("://")
    if scheme == "redis+socket":
        return "unix://" + rest.replace("virtual_host=", "db=")
    return broker_url
