"""spamd as the spam scanner: the SPAMC protocol over its socket.

One file of ours, since aiospamc is asyncio and the pipeline runs in threads.  Every request is
one connection: header, message, half-close, answer.  Score and rules are read by report.py, what
is shown of a message is chosen by sample.py.
"""

from collections.abc import Iterator
from typing import Literal

from smtpfilter.config import Endpoint
from smtpfilter.mail.findings import SpamReport
from smtpfilter.mail.octets import Octets, chunks
from smtpfilter.ports.engines import ConnectionBroke, Letter, ScannerFailed
from smtpfilter.scan.report import LONGEST_ANSWER, Answer, parse_answer, parse_report
from smtpfilter.scan.sample import mark_truncated, sample
from smtpfilter.scan.wire import Connection, Deadline

NAME = "spamd"
# Whose Bayes data is used where spamd keeps it by user; the same for scan and learn.
USER = "postern"

Kind = Literal["spam", "ham", "forget"]

_TELL = {
    "spam": (("Message-class", "spam"), ("Set", "local")),
    "ham": (("Message-class", "ham"), ("Set", "local")),
    "forget": (("Remove", "local"),),
}


class Spamd:
    """A spamd at `endpoint`; `seconds` is the patience for everything but a scan, `user` whose
    preferences and Bayes data are the site's.
    """

    name = NAME

    def __init__(self, endpoint: Endpoint, seconds: float = 10.0, user: str = USER) -> None:
        self.endpoint = endpoint
        self._seconds = seconds
        self._user = user

    def scan(self, letter: Letter, seconds: float) -> SpamReport:
        """Return score and rules; of a large message, by its beginning.  Raises ScannerFailed."""
        shown = sample(letter.mail.octets, letter.envelope.mail_from, letter.body_bytes)
        user = letter.preferences or self._user
        answer = self._ask("REPORT", (), shown.octets, Deadline(seconds), user)
        return mark_truncated(parse_report(answer), shown)

    def learn(self, octets: Octets, kind: Kind) -> bool:
        """Tell Bayes that this is spam or ham, or to forget it; return whether it did.

        Raises ScannerFailed; spamd must run with --allow-tell.
        """
        answer = self._ask("TELL", _TELL[kind], sample(octets).octets, Deadline(self._seconds))
        return "didset" in answer.fields or "didremove" in answer.fields

    def ping(self) -> None:
        """Raises ScannerFailed unless it answers."""
        if self._ask("PING", (), b"", Deadline(self._seconds)).status != "PONG":
            raise ScannerFailed("spamd answered PING without PONG")

    def self_test(self) -> None:
        """Raises ScannerFailed unless it knows GTUBE: without its rules it finds nothing (B8)."""
        report = parse_report(self._ask("REPORT", (), gtube(), Deadline(self._seconds)))
        if report.score < 100:
            raise ScannerFailed("it does not find the GTUBE test mail: are its rules there?")

    def _ask(
        self,
        verb: str,
        fields: tuple[tuple[str, str], ...],
        octets: bytes,
        deadline: Deadline,
        user: str = "",
    ) -> Answer:
        with Connection(self.endpoint, deadline) as connection:
            connection.send(_request(verb, fields, octets, user or self._user))
            connection.half_close()
            answer = connection.receive_all(LONGEST_ANSWER)
        if not answer:
            raise ConnectionBroke("spamd hung up without an answer")
        return parse_answer(answer)


def _request(
    verb: str, fields: tuple[tuple[str, str], ...], octets: bytes, user: str
) -> Iterator[bytes]:
    head = [f"{verb} SPAMC/1.5", *(f"{name}: {value}" for name, value in fields)]
    head += [f"User: {user}", f"Content-length: {len(octets)}"] if octets else []
    yield "\r\n".join([*head, "", ""]).encode("ascii")
    yield from chunks(octets)


def gtube() -> bytes:
    """Return the GTUBE test mail, put together here so that this file is none."""
    string = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-" + b"TEST-EMAIL*C.34X"
    return b"Subject: Postern asks whether GTUBE is known\r\n\r\n" + string + b"\r\n"
