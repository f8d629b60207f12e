"""The composition root: the only place that knows all parts of the filter and puts them
together.
"""

import hashlib
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from appliance.notices.source import DatabaseTemplates
from appliance.patience import limit_waiting
from appliance.policies.source import DatabasePolicySource
from appliance.status.alarms import DatabaseAlarms
from quarantine.penpals import DatabasePenPals
from quarantine.store import DatabaseJournal
from smtpfilter.config import Endpoint, FilterConfig
from smtpfilter.deliver import Courier
from smtpfilter.examine import Examiner
from smtpfilter.judge import Judge
from smtpfilter.log import Story
from smtpfilter.mail.address import Address
from smtpfilter.mail.envelope import Client, Envelope, MailId, Recipient
from smtpfilter.mail.message import parse
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.pipeline import Pipeline
from smtpfilter.scan.authenticity.check import SenderAuthenticator
from smtpfilter.scan.board import Board
from smtpfilter.scan.entries import read_entries
from smtpfilter.scan.rspamd import Rspamd
from smtpfilter.scan.spam import SpamEngines
from smtpfilter.scan.spamd import Spamd
from smtpfilter.smtp.relay import SmtpRelay
from smtpfilter.smtp.routes import RouteTable
from smtpfilter.unpack.worker import Unpacker
from smtpfilter.verdict.verdict import Verdict

_LONE_LF = re.compile(rb"(?<!\r)\n")


def make_pipeline(config: FilterConfig, *, debug: bool = False) -> Pipeline:
    """Return a pipeline on Postgres and the configured engines.

    To be called after the fork: it starts threads.
    """
    limit_waiting()
    journal = DatabaseJournal()
    relay = make_relay(config, config.relay)
    return Pipeline(
        judge=make_judge(config),
        courier=Courier(
            hostname=config.hostname,
            routes=RouteTable(relay, config.hostname),
            notify=relay if config.notify == config.relay else make_relay(config, config.notify),
            journal=journal,
            templates=DatabaseTemplates(),
        ),
        journal=journal,
        own_postfix=config.own_postfix,
        debug=debug,
    )


def make_judge(config: FilterConfig) -> Judge:
    needs_files = any(entry.scanner.needs_files for entry in read_entries(config))
    unpacker = Unpacker(config, all_files=needs_files)
    unpacker.start()  # now, not with the first message
    return Judge(
        hostname=config.hostname,
        source=DatabasePolicySource(),
        examiner=Examiner(
            unpacker=unpacker,
            engines=make_board(config),
            helpers=ThreadPoolExecutor(config.threads, thread_name_prefix="virus-scan"),
            spam_seconds=config.spam_timeout_seconds,
        ),
        clock=lambda: datetime.now(UTC),
        authenticator=SenderAuthenticator(config.dns, config.authentication_timeout_seconds),
        pen_pals=DatabasePenPals(),
    )


def make_relay(config: FilterConfig, endpoint: Endpoint) -> SmtpRelay:
    return SmtpRelay(endpoint, hostname=config.hostname)


def make_board(config: FilterConfig) -> Board:
    alarms = DatabaseAlarms()
    return Board(
        virus=read_entries(config),
        spam=SpamEngines(spam_scanners(config), config, alarms),
        config=config,
        alarms=alarms,
    )


def spam_scanners(config: FilterConfig) -> tuple[Spamd | Rspamd, ...]:
    """Return the spam engines that are configured, () for none by choice."""
    return (
        *((Spamd(config.spamd),) if config.spamd else ()),
        *((Rspamd(config.rspamd),) if config.rspamd else ()),
    )


def judge_file(
    octets: bytes,
    recipient: Address,
    sender: Address,
    config: FilterConfig,
    *,
    client: Client = Client(),  # noqa: B008 - a frozen value
    port: int = 0,
) -> Verdict:
    """Return what the daemon would decide about the message in `octets`, by its own code; nothing
    is recorded or sent.

    Lines of a file that end in LF alone count as if Postfix had handed them over.  Raises
    FilterError.
    """
    octets = _LONE_LF.sub(b"\r\n", octets)
    now = datetime.now(UTC)
    envelope = Envelope(
        mail_id=MailId.make(now, 0),
        received_at=now,
        peer="",
        protocol="LMTP",
        mail_from=sender,
        recipients=(Recipient(recipient),),
        client=client,
        port=port,
    )
    judge = make_judge(config)
    try:
        with tempfile.TemporaryDirectory(prefix="postern-explain.") as folder:
            path = Path(folder, "message")
            path.write_bytes(octets)
            mail = SpooledMail(octets, hashlib.sha256(octets).hexdigest(), path, path.parent)
            story = Story(envelope, len(octets), told=False)
            (verdict,) = judge.judge(envelope, parse(octets), mail, story).plan.verdicts
            return verdict
    finally:
        judge.examiner.close()
