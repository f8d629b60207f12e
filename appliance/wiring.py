"""The composition root: the only place that knows all parts of the filter and puts them together."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from appliance.policies.source import DatabasePolicySource
from quarantine.store import DatabaseJournal
from smtpfilter.config import Endpoint, FilterConfig
from smtpfilter.examine import Examiner
from smtpfilter.pipeline import Pipeline
from smtpfilter.ports import SpamScanner, VirusScanner
from smtpfilter.scan.board import Board
from smtpfilter.scan.clamd import Clamd
from smtpfilter.scan.spamd import Spamd
from smtpfilter.smtp.relay import SmtpRelay
from smtpfilter.unpack.worker import Unpacker


def make_pipeline(config: FilterConfig, *, debug: bool = False) -> Pipeline:
    """Return a pipeline on Postgres and the configured engines.  To be called after the fork: it starts threads."""
    relay = make_relay(config, config.relay)
    return Pipeline(
        hostname=config.hostname,
        own_postfix=config.own_postfix,
        debug=debug,
        source=DatabasePolicySource(),
        examiner=Examiner(
            unpacker=Unpacker(config),
            engines=make_board(config),
            helpers=ThreadPoolExecutor(config.threads, thread_name_prefix="virus-scan"),
        ),
        relay=relay,
        notify=relay if config.notify == config.relay else make_relay(config, config.notify),
        journal=DatabaseJournal(),
        clock=lambda: datetime.now(UTC),
    )


def make_relay(config: FilterConfig, endpoint: Endpoint) -> SmtpRelay:
    return SmtpRelay(endpoint, hostname=config.hostname)


def make_board(config: FilterConfig) -> Board:
    return Board(virus=virus_scanners(config), spam=spam_scanner(config), config=config)


def virus_scanners(config: FilterConfig) -> tuple[VirusScanner, ...]:
    """Return the virus scanners that are configured, () for none by choice."""
    return (Clamd(config.clamd, config.virus_timeout_seconds),) if config.clamd else ()


def spam_scanner(config: FilterConfig) -> SpamScanner | None:
    return Spamd(config.spamd, config.spam_timeout_seconds) if config.spamd else None
