"""To the next hop: one reply for each recipient, whatever it does (O-1, O-5, O-6, O-10, E-6).

    2yz after the dot              taken: the only way to a 2xx
    4xx, lost, late, odd           a 4xx; lost between the dot and its answer: nobody knows, so too
    5xx at RCPT, after the dot     about the recipient or the message: passed on
    5xx elsewhere, 5.7.x at RCPT   a fault of set-up: 451 and an alarm, no mail bounces (R4)

Connections are kept, one transaction at a time on each.  A kept one that turns out dead before its
final dot is replaced by a fresh one, once.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from math import inf

from smtpfilter.config import Endpoint
from smtpfilter.mail.address import forward
from smtpfilter.mail.envelope import Recipient
from smtpfilter.mail.reply import Reply
from smtpfilter.ports.delivery import Handover, Submission
from smtpfilter.smtp.connection import ConnectionFailed, NextHopConnection, Timeouts
from smtpfilter.smtp.failover import NotGiven, Replies, Settled, hand_over
from smtpfilter.smtp.kept import KeptConnections
from smtpfilter.smtp.xforward import command_lines

AILING_SECONDS = 30.0  # for so long other next hops of a list go before one that failed

log = logging.getLogger("postern.smtp")

_SETUP_FAULT = Reply(451, "4.3.5", "Next hop is not set up to take this mail")
_UNKNOWN_OUTCOME = Reply(451, "4.4.2", "Connection to next hop lost, outcome unknown")
_NO_8BITMIME = Reply(550, "5.6.3", "Next hop takes no 8-bit mail")
_NO_SMTPUTF8 = Reply(550, "5.6.7", "Next hop takes no SMTPUTF8 mail")


class SmtpRelay:
    """The next hop at one endpoint.  Thread-safe: each thread works on a connection of its own.

    `lmtp`: it speaks LMTP (RFC 2033), and answers for each recipient after the dot.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        hostname: str,
        timeouts: Timeouts | None = None,
        *,
        lmtp: bool = False,
    ) -> None:
        where = endpoint.path or f"[{endpoint.host}]:{endpoint.port}"
        self.name = f"{'lmtp' if lmtp else 'smtp'}:{where}"
        self._endpoint = endpoint
        self._hostname = hostname
        self._timeouts = timeouts or Timeouts()
        self._lmtp = lmtp
        self._kept = KeptConnections()
        self._failed_at = -inf

    def send(self, submission: Submission) -> Handover:
        """Return the reply that settles each recipient.  See ports.Relay."""
        return hand_over((self,), submission)

    def close(self) -> None:
        """Say goodbye on all kept connections."""
        self._kept.close()

    @property
    def ailing(self) -> bool:
        return time.monotonic() - self._failed_at < AILING_SECONDS

    def settle(self, submission: Submission, recipients: Sequence[int], deadline: float) -> Settled:
        """Settle at least one of these recipients, in one transaction whose final dot is out before
        `deadline`.  Raises NotGiven.
        """
        try:
            settled = self._settle(submission, recipients, deadline)
        except NotGiven:
            self._failed_at = time.monotonic()
            raise
        self._failed_at = -inf
        return settled

    def _settle(
        self, submission: Submission, recipients: Sequence[int], deadline: float
    ) -> Settled:
        kept = self._kept.take()
        if kept:
            kept.deadline = deadline
            try:
                return self._transact(kept, submission, recipients)
            except ConnectionFailed as failed:
                log.info("%s: a kept connection was dead: %s", self.name, failed)
        try:
            return self._transact(self._connect(deadline), submission, recipients)
        except ConnectionFailed as failed:
            log.warning("%s: %s", self.name, failed)
            raise NotGiven(failed.reply) from failed

    def _connect(self, deadline: float) -> NextHopConnection:
        """Return a connection that is ready for mail.  Raises ConnectionFailed, NotGiven."""
        connection = NextHopConnection(self._endpoint, self._timeouts, deadline)
        try:
            self._expect("greeting", connection.greeting())
            self._expect("EHLO", connection.hello(self._hostname, lmtp=self._lmtp))
        except (NotGiven, ConnectionFailed):
            connection.quit()
            raise
        return connection

    def _expect(self, stage: str, reply: Reply) -> None:
        """Raise NotGiven where the next hop does not want us."""
        if not reply.accepted:
            raise NotGiven(self._fault(stage, reply))

    # One transaction

    def _transact(
        self, connection: NextHopConnection, submission: Submission, recipients: Sequence[int]
    ) -> Settled:
        """Settle recipients; keep the connection if it is still good.  Raises ConnectionFailed."""
        try:
            replies = self._dialogue(connection, submission, recipients)
        except BaseException:
            connection.close()
            raise
        if connection.reset():
            self._kept.put_back(connection)
        else:
            connection.close()
        return Settled(replies, "DSN" in connection.extensions)

    def _dialogue(
        self, connection: NextHopConnection, submission: Submission, recipients: Sequence[int]
    ) -> Replies:
        refusal = _missing_extension(submission, connection.extensions)
        if refusal:
            return dict.fromkeys(recipients, refusal)
        mail, rcpt = self._say_envelope(connection, submission, recipients)
        if not mail.accepted:
            return dict.fromkeys(recipients, self._fault("MAIL", mail))
        replies = {
            i: self._recipient_reply(reply) for i, reply in zip(recipients, rcpt, strict=True)
        }
        accepted = [i for i in recipients if replies[i].accepted]
        if accepted:
            replies = {i: reply for i, reply in replies.items() if not _is_full(reply)}
        temporary = next((reply for reply in replies.values() if reply.temporary), None)
        if temporary and submission.all_or_nothing:
            return dict.fromkeys(recipients, temporary)
        if accepted:
            replies |= self._say_content(connection, submission, accepted)
        return replies

    def _say_envelope(
        self, connection: NextHopConnection, submission: Submission, recipients: Sequence[int]
    ) -> tuple[Reply, list[Reply]]:
        """Return the reply to MAIL and those to RCPT, which do not count where MAIL was refused."""
        offered = connection.extensions.get("XFORWARD", "").upper().split()
        lines = list(command_lines(submission.client, offered))
        before_mail = len(lines)
        dsn = "DSN" in connection.extensions
        lines.append(_mail_line(submission, dsn=dsn))
        lines += [_rcpt_line(submission.recipients[i], dsn=dsn) for i in recipients]
        connection.open = True
        replies: list[Reply] = []
        for group in connection.commands(lines):
            replies += group
            if len(replies) > before_mail and not replies[before_mail].accepted:
                break
        for reply in replies[:before_mail]:
            if not reply.accepted:
                log.error("%s: alarm: XFORWARD was refused: %s", self.name, reply)
        return replies[before_mail], replies[before_mail + 1 :]

    def _say_content(
        self, connection: NextHopConnection, submission: Submission, accepted: Sequence[int]
    ) -> Replies:
        go_ahead = connection.data()
        if go_ahead.code != 354:
            return dict.fromkeys(accepted, self._fault("DATA", go_ahead))
        connection.content(submission.content.chunks())
        connection.dot()
        if self._lmtp:
            return self._verdicts(connection, accepted)
        (verdict,) = self._verdicts(connection, accepted[:1]).values()
        return dict.fromkeys(accepted, verdict)

    def _verdicts(self, connection: NextHopConnection, recipients: Sequence[int]) -> Replies:
        """Return the answers to the final dot, one for each (RFC 2033 4.2).

        From here on the message may have been taken: where the connection fails nobody is asked
        again (O-10).
        """
        replies: Replies = {}
        try:
            for i in recipients:
                replies[i] = connection.verdict()
        except ConnectionFailed as failed:
            connection.close()
            return dict.fromkeys(recipients, self._after_dot(failed)) | replies
        connection.open = False
        return replies

    def _after_dot(self, failed: ConnectionFailed) -> Reply:
        """Return the reply for a connection that failed between final dot and answer (O-10)."""
        if failed.answered:
            return failed.reply
        log.error("%s: outcome unknown, the mail may come twice: %s", self.name, failed)
        return _UNKNOWN_OUTCOME

    # Judging replies

    def _fault(self, stage: str, reply: Reply) -> Reply:
        """Return what the sender is told where the next hop refuses not a recipient, but us."""
        if reply.temporary or (stage == "MAIL" and _is_about_size(reply)):
            return reply
        log.error("%s: alarm: fault of set-up: %s to %s", self.name, reply, stage)
        return _SETUP_FAULT

    def _recipient_reply(self, reply: Reply) -> Reply:
        if reply.accepted or reply.temporary:
            return reply
        if reply.permanent and not reply.enhanced.startswith("5.7."):
            return reply
        return self._fault("RCPT", reply)


def _missing_extension(submission: Submission, extensions: Mapping[str, str]) -> Reply | None:
    """Return the refusal of a message that needs what the next hop does not offer (E-6)."""
    if submission.smtputf8 and "SMTPUTF8" not in extensions:
        return _NO_SMTPUTF8
    if submission.eight_bit and "8BITMIME" not in extensions:
        return _NO_8BITMIME
    return None


def _mail_line(submission: Submission, *, dsn: bool) -> bytes:
    line = b"MAIL FROM:" + forward(submission.mail_from)
    if submission.eight_bit:
        line += b" BODY=8BITMIME"
    if submission.smtputf8:
        line += b" SMTPUTF8"
    if dsn and submission.ret is not None:
        line += b" RET=" + submission.ret
    if dsn and submission.envid is not None:
        line += b" ENVID=" + submission.envid
    return line


def _rcpt_line(recipient: Recipient, *, dsn: bool) -> bytes:
    line = b"RCPT TO:" + forward(recipient.address)
    if dsn and recipient.notify:
        line += b" NOTIFY=" + ",".join(recipient.notify).encode("ascii")
    if dsn and recipient.orcpt is not None:
        line += b" ORCPT=" + recipient.orcpt
    return line


def _is_about_size(reply: Reply) -> bool:
    return reply.code == 552 and reply.enhanced in ("", "5.3.4")


def _is_full(reply: Reply) -> bool:
    """Tell whether the recipient is to come in a further transaction (RFC 5321 4.5.3.1.10).

    452 is "insufficient storage" too: without an enhanced code its text has to say it.
    """
    too_many = reply.enhanced == "4.5.3" or (
        not reply.enhanced and "recipient" in reply.text.lower()
    )
    return reply.code == 452 and too_many
