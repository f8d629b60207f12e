"""The words of the filter's log: one method per event, one canonical line per message.

Text on a terminal, JSON lines where FILTER_LOG_FORMAT says so; always to standard error.  Values
are hostile: control and formatting characters are escaped before they are written.  Nothing of a
body, no subject, is ever logged.

A message's steps are told only where somebody asked: all of them with `runfilter --debug`, those of
chosen senders while the daemon runs (a row, read with the policy).  Until the policy is there the
steps wait in the Story.
"""

import logging
import sys
import time
import unicodedata
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.reply import Reply
from smtpfilter.verdict.outcome import Settlement
from smtpfilter.verdict.verdict import Verdict

_log = structlog.stdlib.get_logger("postern")

LONGEST_VALUE = 1000
MOST_RECIPIENTS_IN_A_LINE = 20


def configure(log_format: str, *, debug: bool = False) -> None:
    """Send everything to standard error, in `log_format` "text" or "json"; `debug` tells every
    step.
    """
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _harmless,
    ]
    renderer: Any
    if log_format == "json":
        renderer = structlog.processors.JSONRenderer(default=str)
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=24,
            exception_formatter=structlog.dev.plain_traceback,  # a rich one shows variables: mail
        )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("postern").setLevel(logging.DEBUG if debug else logging.INFO)
    logging.getLogger("mail").setLevel(logging.WARNING)  # aiosmtpd tells every command


def _harmless(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    return {key: _clean(value) for key, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(c if _printable(c) else f"\\u{ord(c):04x}" for c in value[:LONGEST_VALUE])
    if isinstance(value, Mapping):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    return value


def _printable(character: str) -> bool:
    return character.isprintable() and unicodedata.category(character) != "Cf"


class Story:
    """What happened to one message, for the log.  Times each step; tells them where somebody
    asked.
    """

    def __init__(self, envelope: Envelope, size_bytes: int, *, told: bool) -> None:
        self._log = _log.bind(mail_id=str(envelope.mail_id))
        self._waiting: list[tuple[str, dict[str, Any]]] = []
        self._told = told
        self._decided = told
        self._last = self._start = time.monotonic()
        self._elapsed: dict[str, float] = {}
        self.step(
            "received",
            peer=envelope.peer,
            protocol=envelope.protocol,
            client=envelope.client.address,
            ident=envelope.client.ident,
            mail_from=envelope.mail_from.text,
            recipients=[r.address.text for r in envelope.recipients[:MOST_RECIPIENTS_IN_A_LINE]],
            size_bytes=size_bytes,
        )

    def tell(self, wanted: bool) -> None:
        """Decide whether this message's steps are told: the policy is known now."""
        self._told = self._told or wanted
        self._decided = True
        waiting, self._waiting = self._waiting, []
        if self._told:
            for name, facts in waiting:
                self._log.info(name, **facts)

    def step(self, name: str, **facts: Any) -> None:
        """One step is done: `name` in a word or two, `facts` about it."""
        now = time.monotonic()
        self._elapsed[name] = round(self._elapsed.get(name, 0.0) + (now - self._last) * 1000, 1)
        self._last = now
        if self._told:
            self._log.info(name, **facts)
        elif not self._decided:
            self._waiting.append((name, facts))

    def verdict(self, verdict: Verdict) -> None:
        self.step(
            "decided",
            recipient=verdict.recipient.address.text,
            category=str(verdict.category),
            destiny=str(verdict.destiny),
            keep=verdict.keep,
            reasons=list(verdict.reasons),
        )

    def fault(self, error: Exception) -> None:
        """Something of ours is broken: the message is deferred, the trace is for us."""
        self._log.error("fault", error=type(error).__name__, exc_info=error)

    def undeliverable_notice(self, reply: Reply) -> None:
        self._log.error("notice not sent", reply=str(reply))

    def refused(self, reply: Reply, detail: str) -> None:
        self._log.warning("not filtered", reply=str(reply), detail=detail, elapsed_ms=self._elapsed)

    def filtered(
        self,
        envelope: Envelope,
        verdicts: tuple[Verdict, ...],
        settled: Mapping[bytes, Settlement],
        *,
        size_bytes: int,
        replies: tuple[Reply, ...],
    ) -> None:
        """The canonical line: everything about this message that an operator greps for."""
        shown = [verdict.recipient.address for verdict in verdicts[:MOST_RECIPIENTS_IN_A_LINE]]
        told = [
            f"<{address.text}> {settled[address.octets].outcome} {verdict.category}"
            for address, verdict in zip(shown, verdicts, strict=False)
        ]
        self._log.info(
            "filtered",
            client=envelope.client.address or envelope.peer,
            ident=envelope.client.ident,
            mail_from=f"<{envelope.mail_from.text}>",
            recipients=told,
            recipient_count=len(verdicts),
            size_bytes=size_bytes,
            score=next((v.score for v in verdicts if v.score is not None), None),
            replies=sorted({str(reply) for reply in replies}),
            elapsed_ms={**self._elapsed, "all": round((time.monotonic() - self._start) * 1000, 1)},
        )
